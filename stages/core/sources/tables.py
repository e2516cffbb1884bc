"""A table of whatever was read, and how its columns are chosen and its cells turned to text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain, compress
from numbers import Number
from typing import Any

import yaml

from stages.core.base.errors import Refused, choices, short

ONE_OF_SEVERAL = (
    "one label a text is what this does; make one of them: keep the chief one, join them into one name, or ask of a single label "
    "whether it is there, yes or no"
)


@dataclass(frozen=True)
class Table:
    """One split of a data set, whatever it was read from.

    columns   names as they stand in the source, repeats included
    values    of the column of a name, row by row
    origin    what a person calls the place: names of files
    notes     what of the reading is to be printed
    """

    columns: list[str]
    values: Callable[[str], Iterable[Any]]
    origin: str = ""
    notes: list[str] = field(default_factory=list)

    def where(self, chosen: list[bool]) -> "Table":
        """The rows that are chosen, True or False for each."""
        return replace(self, values=lambda column: compress(self.values(column), chosen))


def joined(tables: list[Table]) -> Table:
    """The rows of tables of the same columns, one after the other, each with its own order of columns."""
    notes = list(dict.fromkeys(note for table in tables for note in table.notes))
    columns = list(dict.fromkeys(chain.from_iterable(table.columns for table in tables)))
    repeated = [name for table in tables for name in set(table.columns) if table.columns.count(name) > 1]
    values = lambda column: chain.from_iterable(table.values(column) for table in tables)  # noqa: E731
    return Table(columns + sorted(set(repeated)), values, notes=notes)


def means(wanted: Any, text: str) -> bool:
    """Is it what params name? Blanks around it do not count, and YAML reads 0, on and 1.0 as a number or a bool: so is the text."""
    if isinstance(wanted, str):
        return text.strip() == wanted.strip()
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return type(read) is type(wanted) and read == wanted


def matching(wanted: Any, guesses: Iterable[str], table: Table) -> list[str]:
    """Columns called `wanted`, or for auto those called like the first guess that is there; capitals do not count then."""
    if wanted != "auto":
        return [column for column in table.columns if means(wanted, column)]
    by_guess = ([column for column in table.columns if column.strip().lower() == guess] for guess in guesses)
    return next(filter(None, by_guess), [])


def choose(wanted: Any, guesses: Iterable[str], table: Table, setting: str, otherwise: str = "") -> str:
    """The one column that `matching` finds. Raises Refused, naming `setting`, where there is none or more than one.

    otherwise   what else can be done where none of the usual names is there
    """
    found = matching(wanted, guesses, table)
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"{len(found)} columns are called so ({', '.join(found)}); rename one, or name another"
    elif wanted == "auto":
        problem = f"none of the usual names ({', '.join(guesses)}) is a column; name one of {', '.join(table.columns)}{otherwise}"
    else:
        problem = f"no such column; {choices(wanted, table.columns)}"
    raise Refused(f"params.yaml: {setting} = {wanted}: {problem}")


def cells(table: Table, column: str, where: str, listed: bool = False, before: int = 0) -> list[str | None]:
    """A column as text, None where a cell is empty.

    listed   of a list of one element that element is taken, an empty list is None
    before   rows that stand before these, for the number of a row that is refused

    Raises Refused, naming `where`, row and column, for a value that is no text.
    """
    texts = []
    try:
        for value in table.values(column):
            texts.append(_cell(_only(value) if listed and isinstance(value, list | tuple) else value))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{where}, row {before + len(texts) + 1:,}, column {column}: {short(error)}") from None
    return texts


def _only(values: list) -> Any:
    if len(values) > 1:
        raise ValueError(f"{len(values)} labels ({', '.join(map(str, values[:5]))}), and {ONE_OF_SEVERAL}")
    return values[0] if values else None


def _cell(value: Any) -> str | None:
    """A cell as text; None and NaN as None. 1.0 is the label 1: a gap turns whole columns to float."""
    if value is None or value != value:
        return None
    if not isinstance(value, str | Number):
        raise ValueError(f"found a {type(value).__name__}, possible: text or a number; convert it")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ValueError("found half a character (a lone surrogate), which is no text; mend or remove it") from None
    return str(value)
