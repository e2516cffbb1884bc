"""The rows that a round asks people to label: labels/STAGE.csv, and in the same form labels/holdout.csv and labels/random.csv.

    key, text, group, bucket, found, label

People may open and save the file in a spreadsheet. Only the key counts; the other columns are for the reader. `found` holds the
words of `make find` that the text matched. Only `make answers FILE=` reads the column `label`.
"""

import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from stages.core.base.errors import Refused
from stages.core.people.records import spreadsheets
from stages.core.people.records.journal import KEY, KEY_FORM

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
    """Names of all rounds that have a file, whether params.yaml still names them or not. Other tables are ignored."""
    return sorted(file.stem for file in FOLDER.glob("*.csv") if NAME.fullmatch(file.stem))


def keys(name: str) -> list[str]:
    """The keys of a round, in order and without repeats; empty if nothing was asked yet."""
    return list(dict.fromkeys(row.key for row in read(name)))


def read(name: str) -> list[Row]:
    """The rows of a round's file; empty without a file. Raises Refused if it cannot be read or a key is broken."""
    file = file_of(name)
    if not file.exists():
        return []
    table = spreadsheets.lower_case(spreadsheets.read(file))
    if "key" not in table.columns:
        raise Refused(f"{file} has columns {', '.join(table.columns)[:200]}, possible: {', '.join(COLUMNS)}; key is needed")
    present = [column for column in COLUMNS if column in table.columns]
    lines = zip(*(table.values(column) for column in present))
    rows = [Row(**{column: cell.strip() for column, cell in zip(present, line)}) for line in lines]
    for number, row in enumerate(rows, start=1):
        if not KEY.fullmatch(row.key):
            raise Refused(
                f"{file}, row {number:,}: key = {row.key[:60]!r}, possible: {KEY_FORM}; a spreadsheet may have changed it: restore "
                f"the file with git, or delete the row"
            )
    return rows


def write(name: str, rows: list[Row]) -> None:
    columns = [column for column in COLUMNS if column != "found" or any(row.found for row in rows)]
    spreadsheets.write(file_of(name), columns, ([asdict(row)[column] for column in columns] for row in rows))
