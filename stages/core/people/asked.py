"""Which rows a round asks for: labels/STAGE.csv, and in the same form labels/holdout.csv and labels/random.csv.

    key, text, group, bucket, found, label

A spreadsheet opens it, and may save it in its own way; the key decides, all else is for people. `found` are the words by which
a row was found, where one was. What stands under `label` is read by `make answers FILE=` alone.
"""

import csv
import io
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from stages.core.base import artifacts
from stages.core.base.errors import Refused, short
from stages.core.people.journal import KEY
from stages.core.sources import delimited, packed
from stages.core.sources.tables import Table

FOLDER = Path("labels")
HOLDOUT, RANDOM = "holdout", "random"
NAME = re.compile(rf"stage[0-9]+|{HOLDOUT}|{RANDOM}")
MOST = 32_767  # characters a cell of Excel and LibreOffice holds
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Row:
    key: str
    text: str = ""
    group: str = ""
    bucket: str = ""
    found: str = ""
    label: str = ""


COLUMNS = [field.name for field in fields(Row)]


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.csv"


def written() -> list[str]:
    """Names of all that was ever asked, whether params name it still or not; other tables in the folder are not looked at."""
    return sorted(file.stem for file in FOLDER.glob("*.csv") if NAME.fullmatch(file.stem))


def keys(name: str) -> list[str]:
    """Keys that a round asks for, in order, none twice; none where nothing was asked yet."""
    return list(dict.fromkeys(row.key for row in read(name)))


def read(name: str) -> list[Row]:
    """The rows of a round's file; none where there is no file. Raises Refused where it cannot be read, or a key is broken."""
    file = file_of(name)
    if not file.exists():
        return []
    table, _ = opened(file)
    if "key" not in table.columns:
        raise Refused(f"{file} has columns {', '.join(table.columns)[:200]}, possible: {', '.join(COLUMNS)}; key is needed")
    cells = [list(table.values(column)) if column in table.columns else None for column in COLUMNS]
    rows = [Row(*(column[i].strip() if column else "" for column in cells)) for i in range(len(cells[0]))]
    for number, row in enumerate(rows, start=1):
        if not KEY.fullmatch(row.key):
            raise Refused(
                f"{file}, row {number:,}: key = {row.key[:60]!r}, possible: t and 24 hexadecimal digits; a spreadsheet may have "
                f"changed it: bring the file back by git, or take the row out"
            )
    return rows


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


def write(name: str, rows: list[Row]) -> None:
    """Write a round's file, whole or not at all: UTF-8 with a byte order mark, by which Excel knows it."""
    columns = [column for column in COLUMNS if column != "found" or any(row.found for row in rows)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows({column: cell(value) for column, value in asdict(row).items()} for row in rows)
    with artifacts.whole(file_of(name)) as part:
        part.write_bytes(text.getvalue().encode("utf-8-sig"))


def cell(value: str) -> str:
    """A value as a spreadsheet takes it: no formula, and no longer than a cell; what is cut ends in three dots."""
    value = f"'{value}" if value.startswith(FORMULA) else value
    if len(value.encode("utf-16-le")) <= 2 * MOST:  # they count as UTF-16 does
        return value
    return value.encode("utf-16-le")[: 2 * (MOST - 1)].decode("utf-16-le", errors="ignore") + "…"


def uncell(value: str) -> str:
    """What a cell held before `cell`, but for what was cut."""
    return value[1:] if value.startswith("'") and value[1:].startswith(FORMULA) else value
