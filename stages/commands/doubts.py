"""`make doubts [MOST=30]`: the answers that a cross-validated model finds least likely, to be looked at again.

    tasks/doubts.csv      a tenth of them, or MOST; the worst first
    tasks/conflicts.csv   all texts of which people say different things

Both are read again by `make answers FILE=tasks/doubts.csv WHO=decided`, once `label` is filled in where it should be; the page of
`make label` shows doubts, too. What was decided, or answered alike twice by one person, is not listed again. The holdout is left
out: to mend the labels that a model doubts, and no others, would flatter it.
"""

import csv
import io
import re
from collections.abc import Iterable

from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.people import label_errors
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal, spreadsheets
from stages.core.people.records.journal import DECIDED
from stages.core.people.tasks import FOLDER

SHOWN = 10


def main(most: str = "") -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,5}|", most):
        raise Refused(f"MOST={most}: possible: a number from 1 to 999999, the most answers to list")
    for note in journal.restore():
        print(note)
    state = Labelling()
    found = state.resolved()
    if found.conflicts:
        conflicts = [[key, state.texts[key].text, label_errors.by_whom(found, key), ""] for key in found.conflicts]
        written("conflicts", ["key", "text", "said", "label"], conflicts)
    doubts = label_errors.listed(state, found)
    doubts = doubts[: int(most)] if most else label_errors.worst(doubts)
    rows = [
        [
            doubt.key,
            state.texts[doubt.key].text,
            label_errors.by_whom(found, doubt.key),
            f"{doubt.probability:.4f}",
            doubt.likelier,
            "",
        ]
        for doubt in doubts
    ]
    written("doubts", ["key", "text", "said", "probability", "likelier", "label"], rows)
    for doubt in doubts[:SHOWN]:
        text, by = state.texts[doubt.key].text, label_errors.by_whom(found, doubt.key)
        print(f"  {doubt.probability:.4f}  {by}, likelier {doubt.likelier}  {doubt.key}  {text[:60]!r}")
    print(f"fill in label where it should be another, then: make answers FILE={FOLDER / 'doubts.csv'} WHO={DECIDED}")


def written(name: str, columns: list[str], rows: Iterable[list[str]]) -> None:
    """Write a table for spreadsheets."""
    text, file, rows = io.StringIO(newline=""), FOLDER / f"{name}.csv", list(rows)
    table = csv.writer(text, lineterminator="\n")
    table.writerows([columns, *([spreadsheets.cell(value) for value in row] for row in rows)])
    with artifacts.whole(file) as part:
        part.write_bytes(text.getvalue().encode("utf-8-sig"))
    print(f"{file}: {len(rows):,} {name}")
