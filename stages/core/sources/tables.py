"""One split as a table: choosing columns and turning cells into text."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, compress
from numbers import Number
from typing import Any

import yaml

from stages.core.base.errors import Refused, choices, short

Row = dict[str, Any]
NO_HEADER = "the first line looks like a row, not like names; put a line of names above it, or name a column if these are names"
ONE_OF_SEVERAL = "set labels.kind to multi where texts have several labels, else keep the main one, or join them into one name"


@dataclass(frozen=True)
class Table:
    """One split of a data set."""

    columns: list[str]  # names as in the source, including repeated ones
    values: Callable[[str], Iterable[Any]]  # a column's name -> its values, row by row
    origin: str = ""  # file names, for people
    notes: list[str] = field(default_factory=list)  # what to print about the reading

    @classmethod
    def of(cls, **columns: list) -> "Table":
        return cls(list(columns), columns.__getitem__)

    def where(self, chosen: list[bool]) -> "Table":
        """The chosen rows, True or False for each."""
        return replace(self, values=lambda column: compress(self.values(column), chosen))

    def rows(self) -> Iterator[Row]:
        return (dict(zip(self.columns, row)) for row in zip(*map(self.values, self.columns)))


@dataclass(frozen=True)
class Stream:
    """A file's rows, read anew by each call of `rows`. A stream may be larger than memory."""

    rows: Callable[[], Iterator[Row]]  # reading them raises what reading the file raises
    columns: list[str] | None = None  # names as in the file; None if rows may differ
    notes: list[str] = field(default_factory=list)  # what to print about the reading, complete after it
    schema: Any = None  # of a parquet file
    name: str = ""  # for messages

    def table(self) -> Table:
        """All rows in memory."""
        if self.columns is None:
            rows = list(self.rows())
            columns = list(dict.fromkeys(key for row in rows for key in row))
            return Table(columns, lambda column: (row.get(column) for row in rows), self.name, self.notes)
        cells: dict[str, list] = {column: [] for column in self.columns}
        for row in self.rows():
            for column, value in row.items():
                cells[column].append(value)
        return Table(self.columns, cells.__getitem__, self.name, self.notes)


def joined(tables: list[Table]) -> Table:
    """The rows of several tables, one table after the other. Each may order the columns differently."""
    notes = list(dict.fromkeys(note for table in tables for note in table.notes))
    columns = list(dict.fromkeys(chain.from_iterable(table.columns for table in tables)))
    repeated = {name for table in tables for name in table.columns if table.columns.count(name) > 1}
    values = lambda column: chain.from_iterable(table.values(column) for table in tables)  # noqa: E731
    return Table(columns + sorted(repeated), values, notes=notes)


def names_of(header: list[str]) -> list[str]:
    """The columns' names. Where several columns have none, each is named after its place: column 3."""
    return [name if name or header.count(name) == 1 else f"column {place}" for place, name in enumerate(header, start=1)]


def without_headers(rows: Iterable[Any], header: Any, notes: list[str]) -> Iterator[Any]:
    """The rows that do not repeat the header, as in files that were joined. At the end `notes` says how many do."""
    repeats = 0
    for row in rows:
        if len(header) > 1 and row == header:  # a text may well be called text
            repeats += 1
        else:
            yield row
    if repeats and (note := f"{repeats:,} rows that repeat the first line are left out") not in notes:
        notes.append(note)


def begins_with_a_row(table: Table, usual: Iterable[str]) -> bool:
    """Whether no name is `usual`, and the first line looks like a row: a cell is a number, a sentence, or occurs again below."""
    names, by_pandas = {name.strip().lower() for name in table.columns}, {"", *map(str, range(len(table.columns)))}
    if names & {"text", "label", "id", *usual} or names <= by_pandas or not re.search(r"\.(csv|tsv|xlsx)\b", table.origin.lower()):
        return False
    a_row = re.compile(r"-?[0-9]+([.,][0-9]+)?|\S+(\s+\S+){3,}(?<![?:])")  # surveys have questions as names
    return any(a_row.fullmatch(name.strip()) or (name.strip() and name in table.values(name)) for name in table.columns)


def means(wanted: Any, text: str) -> bool:
    """Whether a param names this text, blanks around it aside. YAML reads 0, on and 1.0 as numbers or bools, so the text is too."""
    if isinstance(wanted, str):
        return text.strip() == wanted.strip()
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return type(read) is type(wanted) and read == wanted


def matching(wanted: Any, guesses: Iterable[str], table: Table) -> list[str]:
    """Columns called `wanted`. For auto, columns called like the first guess that the table has, in any case."""
    if wanted != "auto":
        return [column for column in table.columns if means(wanted, column)]
    by_guess = ([column for column in table.columns if column.strip().lower() == guess] for guess in guesses)
    return next(filter(None, by_guess), [])


def choose(wanted: Any, guesses: Iterable[str], table: Table, setting: str, otherwise: str = "") -> str:
    """The one column that `matching` finds. Raises Refused, naming `setting`, for none or several.

    otherwise   another remedy for the message, if the table has none of the usual names
    """
    found = matching(wanted, guesses, table)
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"{len(found)} columns have this name ({', '.join(found)}); rename one, or name another"
    elif not table.columns:
        problem = f"{table.origin or 'the source'} is empty"
    elif begins_with_a_row(table, guesses):
        problem = NO_HEADER
    elif wanted == "auto":
        problem = f"no column has a usual name ({', '.join(guesses)}); name one of {', '.join(table.columns)}{otherwise}"
    else:
        problem = f"no such column; {choices(wanted, table.columns)}"
    raise Refused(f"params.yaml: {setting} = {wanted}: {problem}")


def cells(table: Table, column: str, where: str, listed: bool = False, before: int = 0) -> list[str | None]:
    """A column as text, None for empty cells.

    listed   a list of one value counts as that value, an empty list as None
    before   rows before these, added to the row number of a message

    Raises Refused, naming `where`, row and column, for a value that is not text.
    """
    texts = []
    try:
        for value in table.values(column):
            texts.append(as_text(_only(value) if listed and isinstance(value, list | tuple) else value))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{where}, row {before + len(texts) + 1:,}, column {column}: {short(error)}") from None
    return texts


def _only(values: list) -> Any:
    if len(values) > 1:
        raise ValueError(f"{len(values)} labels ({', '.join(map(str, values[:5]))}); {ONE_OF_SEVERAL}")
    return values[0] if values else None


def as_text(value: Any) -> str | None:
    """A cell as text, None for None and NaN. 1.0 is the label 1, because one gap turns a whole column into floats."""
    if value is None or value != value:
        return None
    if not isinstance(value, str | Number):
        raise ValueError(f"found a {type(value).__name__}, possible: text or a number; convert it")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ValueError("found half a character (a lone surrogate), which is not text; mend or remove it") from None
    return str(value)
