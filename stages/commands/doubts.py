"""`make doubts [MOST=30]`: list the answers that a cross-validated model finds least likely, for a second look.

    tasks/doubts.csv      a tenth of them, or MOST; the worst first
    tasks/conflicts.csv   all texts with different answers

Fill in `label` where the answer should change, then run `make answers FILE=tasks/doubts.csv WHO=decided`. The page of `make label`
shows doubts too. Decided answers, and those that one annotator gave twice, are not listed again. The holdout is left out:
correcting only the answers that a model doubts would flatter it.
"""

import re

from stages.core.base.errors import Refused
from stages.core.people import label_errors
from stages.core.people.labelling import begin
from stages.core.people.records import journal, spreadsheets
from stages.core.people.tasks import FOLDER

SHOWN = 10


def main(most: str = "") -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,5}|", most):
        raise Refused(f"MOST={most}: possible: a number from 1 to 999999, the most answers to list")
    state = begin()
    resolved = state.resolved()

    def row(key: str, *cells: str) -> list[str]:
        """Key, text, who gave which label (such as "anna pos, bob neg"), the cells, and an empty label."""
        by = resolved.answers.get(key) or {"the source": resolved.labels[key]}
        return [key, state.texts[key].text, ", ".join(f"{who} {label}" for who, label in sorted(by.items())), *cells, ""]

    if resolved.conflicts:
        write("conflicts", ["key", "text", "said", "label"], [row(key) for key in resolved.conflicts])
    doubts = label_errors.listed(state, resolved)
    doubts = doubts[: int(most)] if most else label_errors.worst(doubts)
    rows = [row(doubt.key, f"{doubt.probability:.4f}", doubt.likelier) for doubt in doubts]
    write("doubts", ["key", "text", "said", "probability", "likelier", "label"], rows)
    for key, text, by_whom, probability, likelier, _ in rows[:SHOWN]:
        print(f"  {probability}  {by_whom}, likelier {likelier}  {key}  {text[:60]!r}")
    print(f"fill in label where it should change, then: make answers FILE={FOLDER / 'doubts.csv'} WHO={journal.DECIDED}")


def write(name: str, columns: list[str], rows: list[list[str]]) -> None:
    file = FOLDER / f"{name}.csv"
    if file.exists():
        filled, decided = spreadsheets.lower_case(spreadsheets.read(file)), journal.answers_of(journal.DECIDED)
        labels = {key: label.strip() for key, label in zip(filled.values("key"), filled.values("label")) if label.strip()}
        if unread := [key for key, label in labels.items() if key not in decided or decided[key].label != label]:
            raise Refused(
                f"{file} holds {len(unread):,} labels that were not read yet: make answers FILE={file} WHO={journal.DECIDED} first"
            )
    spreadsheets.write(file, columns, (map(spreadsheets.cell, row) for row in rows))
    print(f"{file}: {len(rows):,} {name}")
