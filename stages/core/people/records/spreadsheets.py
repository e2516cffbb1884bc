"""Tables that people open and save in spreadsheets."""

import csv
import io
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from stages.core.base import artifacts, formulas
from stages.core.base.errors import Refused, short
from stages.core.sources import delimited, packed
from stages.core.sources.tables import Table, matching, replace

MOST = 32_767  # UTF-16 units that a cell of Excel or LibreOffice holds
GUESSED = "read as cp1252, the usual encoding of Windows, because it is not UTF-8"


def read(file: Path) -> Table:
    """A table of delimited text, with notes on what was guessed about it. Raises Refused if it cannot be read."""
    table, guessed = _decoded(file, lambda encoding: delimited.read(file, encoding).table())
    return replace(table, notes=[*table.notes, GUESSED]) if guessed else table


def _decoded(file: Path, read: Callable[[str], Any]) -> tuple[Any, bool]:
    """(what `read` makes of a file in an encoding, whether that had to be guessed)."""
    try:
        try:
            return read("auto"), False
        except packed.WrongEncoding:
            return read("cp1252"), True
    except (ValueError, OSError, csv.Error) as error:
        raise Refused(f"{file} cannot be read as a table: {short(error)}") from None


def lower_case(table: Table) -> Table:
    """The table with its column names stripped and in lower case. Reading a column raises Refused if several have its name."""

    def values(column: str) -> Iterable[str]:
        if len(found := matching("auto", [column], table)) > 1:
            raise Refused(f"{table.origin or 'the table'}: {len(found)} columns have one name ({', '.join(found)}); rename one")
        return table.values(found[0])

    return Table(list(dict.fromkeys(column.strip().lower() for column in table.columns)), values)


def grid(file: Path) -> list[list[str]]:
    """All cells of a table as they stand in the file, the header's first. Raises Refused if it cannot be read."""

    def rows(encoding: str) -> list[list[str]]:
        lines = partial(packed.lines, file, encoding)
        return list(delimited.rows_of(lines, delimited.dialect_of(lines, file)))

    return _decoded(file, rows)[0]


def write(file: Path, columns: list[str], rows: Iterable[Iterable[str]]) -> None:
    """Write cells, whole or not at all, in UTF-8 with the byte order mark that Excel needs to recognise it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    with artifacts.whole(file) as part:
        part.write_bytes(text.getvalue().encode("utf-8-sig"))


def cell(text: str) -> str:
    """The cell that shows a text: no formula, and with three dots where a spreadsheet would cut it."""
    value = formulas.guarded(text)
    units = value.encode("utf-16-le")
    return value if len(units) <= 2 * MOST else units[: 2 * (MOST - 1)].decode("utf-16-le", errors="ignore") + "…"
