"""A table of whatever was read, and how its columns are chosen and its cells turned to text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Number
from typing import Any

from stages.core.base.errors import Refused, choices, short


@dataclass(frozen=True)
class Table:
    """One split of a data set, whatever it was read from.

    columns   names as they stand in the source, repeats included
    values    of the column of a name, row by row
    """

    columns: list[str]
    values: Callable[[str], Iterable[Any]]


def matching(wanted: str, guesses: Iterable[str], table: Table) -> list[str]:
    """Columns called `wanted`, or for auto those called like the first guess that is there; capitals do not count then."""
    if wanted != "auto":
        return [column for column in table.columns if column == wanted]
    by_guess = ([column for column in table.columns if column.lower() == guess] for guess in guesses)
    return next(filter(None, by_guess), [])


def choose(wanted: str, guesses: Iterable[str], table: Table, setting: str) -> str:
    """The one column that `matching` finds. Raises Refused, naming `setting`, where there is none or more than one."""
    found = matching(wanted, guesses, table)
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"{len(found)} columns are called so ({', '.join(found)}); rename one, or name another"
    elif wanted == "auto":
        problem = f"none of the usual names ({', '.join(guesses)}) is a column; name one of {', '.join(table.columns)}"
    else:
        problem = f"no such column; {choices(wanted, table.columns)}"
    raise Refused(f"params.yaml: {setting} = {wanted}: {problem}")


def cells(table: Table, column: str, where: str) -> list[str | None]:
    """A column as text, None where a cell is empty. Raises Refused, naming `where`, row and column, for a value that is no text."""
    texts = []
    try:
        for value in table.values(column):
            texts.append(_cell(value))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{where}, row {len(texts) + 1:,}, column {column}: {short(error)}") from None
    return texts


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
