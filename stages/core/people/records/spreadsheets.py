"""Tables as spreadsheets save them, and cells that no spreadsheet runs as a formula."""

import csv
from pathlib import Path

from stages.core.base.errors import Refused, short
from stages.core.sources import delimited, packed
from stages.core.sources.tables import Table

MOST = 32_767  # characters a cell of Excel and LibreOffice holds
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def opened(file: Path) -> tuple[Table, list[str]]:
    """A table of delimited text as spreadsheets save it, its columns in small letters, and a word on what was guessed.

    Raises Refused where it cannot be read.
    """
    table, said = as_it_is(file)
    return in_small_letters(table), said


def as_it_is(file: Path) -> tuple[Table, list[str]]:
    """The same with its columns as they are called."""
    said = []
    try:
        try:
            table = delimited.read(file, "auto")
        except packed.WrongEncoding:
            table = delimited.read(file, "cp1252")
            said.append("read as cp1252, the usual encoding of Windows, since it is no UTF-8")
    except (ValueError, OSError, csv.Error) as error:
        raise Refused(f"{file} cannot be read as a table: {short(error)}") from None
    return table, [*table.notes, *said]


def in_small_letters(table: Table) -> Table:
    """The same with its columns without blanks and in small letters; of two that are called alike then, the first."""
    name: dict[str, str] = {}
    for column in table.columns:
        name.setdefault(column.strip().lower(), column)
    return Table(list(name), lambda column: table.values(name[column]))


def cell(value: str) -> str:
    """A value as a spreadsheet takes it: no formula, and no longer than a cell; what is cut ends in three dots."""
    value = f"'{value}" if value.startswith(FORMULA) else value
    if len(value.encode("utf-16-le")) <= 2 * MOST:  # they count as UTF-16 does
        return value
    return value.encode("utf-16-le")[: 2 * (MOST - 1)].decode("utf-16-le", errors="ignore") + "…"


def uncell(value: str) -> str:
    """What a cell held before `cell`, but for what was cut."""
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA) else value
