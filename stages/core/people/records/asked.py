"""The rows that a round asks people to label: labels/STAGE.csv, and in the same form labels/holdout.csv and labels/random.csv.

    key, text, group, bucket, found, number, label

People may open and save the file in a spreadsheet, sort it, and add columns. Only key and number, the place in the round, count;
`found` says how a row came to be asked for, if no strategy chose it: the words of `make find` in it, "like: " and a text, "class: "
and a name, the name of a program whose guess was taken, or ALIKE. Only `make answers FILE=` reads the column `label`.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

from stages.core.base.errors import Refused
from stages.core.people.records import journal, spreadsheets
from stages.core.people.records.journal import KEY, KEY_FORM

FOLDER = Path("labels")
HOLDOUT, RANDOM = "holdout", "random"
FAIR = (HOLDOUT, RANDOM)  # drawn at random: only people answer them, one by one
ALIKE = "a near-duplicate"  # of a row whose answer counts for this one too
ADDED = FOLDER / "added.csv"  # key, label, when, file: the texts that `make add` brought, in the form of an annotator's answers
NAME = re.compile(rf"stage[0-9]+|{HOLDOUT}|{RANDOM}")


@dataclass(frozen=True)
class Row:
    key: str
    text: str = ""
    group: str = ""
    bucket: str = ""
    found: str = ""
    number: str = ""
    label: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether a person found the row; others hold the name of a program that answered it, or are like one that was answered."""
        return self.found not in ("", ALIKE) and not self.found.startswith(journal.PROGRAM)


COLUMNS = [field.name for field in fields(Row)]


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.csv"


def written() -> list[str]:
    """Names of all rounds that have a file, whether params.yaml still names them or not. Other tables are ignored."""
    return sorted(file.stem for file in FOLDER.glob("*.csv") if NAME.fullmatch(file.stem))


def keys(name: str) -> list[str]:
    """The keys of a round, in order and without repeats; empty if nothing was asked yet."""
    return list(dict.fromkeys(row.key for row in read(name)))


def keys_in(names: Iterable[str]) -> set[str]:
    """The keys of these rounds."""
    return {key for name in names for key in keys(name)}


def read(name: str) -> list[Row]:
    """The rows of a round's file by their numbers; empty without a file. Raises Refused if it cannot be read or a key is broken."""
    file = file_of(name)
    version = journal.version(file)
    return list(_read(file, version)) if version else []


@lru_cache(maxsize=64)
def _read(file: Path, version: tuple) -> list[Row]:
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
    return sorted(rows, key=lambda row: int(row.number) if row.number.isdecimal() else 0)


def add(name: str, rows: list[Row]) -> None:
    """Append rows to a round's file, or begin it."""
    if rows:
        _rewrite(name, rows, set())


def drop(name: str, keys: set[str]) -> None:
    """Take the rows of these keys out of a round's file, unless they hold a label or a note; delete a file of no rows."""
    if keys:
        _rewrite(name, [], keys)


def _rewrite(name: str, added: list[Row], without: set[str]) -> None:
    """What people saved since the file was read stays, and so do columns and cells of their own."""
    file = file_of(name)
    with journal.locked():
        header, *lines = spreadsheets.grid(file) if file.exists() else [[]]
        names = [column.strip().lower() for column in header]
        new = [column for column in COLUMNS if column not in names and (column != "found" or any(row.found for row in added))]
        kept, present, highest = [], set(), 0
        own = set(names) - set(COLUMNS) | {"label"}  # what a person fills in
        for place, line in enumerate(lines, start=1):
            cells = dict(zip(reversed(names), map(str.strip, reversed(line))))  # of two equal names the first counts
            highest = max(highest, int(cells["number"]) if cells.get("number", "").isdecimal() else place)
            if cells["key"] not in without or any(cells[column] for column in own & cells.keys()):
                present.add(cells["key"])
                kept.append([*line, *(str(place) if column == "number" else "" for column in new)])
        added = [row for row in added if row.key not in present]  # two windows may have found the same row
        for number, row in enumerate(added, start=highest + 1):
            row = asdict(row) | {"number": str(number)}
            kept.append([spreadsheets.cell(row.get(column, "")) for column in [*names, *new]])
        if kept:
            spreadsheets.write(file, [*header, *new], kept)
        else:
            file.unlink(missing_ok=True)
