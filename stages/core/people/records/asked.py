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
from stages.core.base.errors import Refused
from stages.core.people.records import spreadsheets
from stages.core.people.records.journal import KEY

FOLDER = Path("labels")
HOLDOUT, RANDOM = "holdout", "random"
NAME = re.compile(rf"stage[0-9]+|{HOLDOUT}|{RANDOM}")


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
    table, _ = spreadsheets.opened(file)
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


def write(name: str, rows: list[Row]) -> None:
    """Write a round's file, whole or not at all: UTF-8 with a byte order mark, by which Excel knows it."""
    columns = [column for column in COLUMNS if column != "found" or any(row.found for row in rows)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows({column: spreadsheets.cell(value) for column, value in asdict(row).items()} for row in rows)
    with artifacts.whole(file_of(name)) as part:
        part.write_bytes(text.getvalue().encode("utf-8-sig"))
