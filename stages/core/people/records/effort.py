"""How people label: who, how much, how fast, and where they disagree or cannot say; for a person to read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from stages.core.people.records.conflicts import Resolved
from stages.core.people.records.journal import CANNOT_SAY, Answer

BREAK = 300  # seconds between two answers from which on a person did something else


def pace(said: Iterable[Answer]) -> float | None:
    """Answers an hour of work of one annotator: breaks left out, and lines without a time; None below two answers in a row.

    said   all lines, oldest first, those that were changed later too: they were work
    """
    times = [time for time in (_time(answer.when) for answer in said if answer.label) if time]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    worked = [gap for gap in gaps if 0 <= gap < BREAK]
    return round(3600 * len(worked) / sum(worked), 1) if sum(worked) else None


def done(
    said: Mapping[str, list[Answer]],
    given: Mapping[str, Mapping[str, Answer]],
    found: Resolved,
    keys: Mapping[str, list[str]],
) -> dict:
    """{"annotators", "conflicts", "doubts"}, each a list of plain values.

    said    annotator -> all lines
    given   annotator -> key -> the answer that counts
    found   what came of it
    keys    "pool" and "holdout" -> key of every row
    """
    places = {key: [side, row] for side, of_side in keys.items() for row, key in enumerate(of_side)}
    return {
        "annotators": [
            {"who": who, "answers": len(given[who]), "an_hour": pace(lines), "last": max((line.when for line in lines), default="")}
            for who, lines in said.items()
        ],
        "conflicts": [[*places[key], dict(sorted(by.items()))] for key, by in found.conflicts.items()],
        "doubts": [
            [*places[key], [who for who in given if key in given[who]]]
            for key, label in found.labels.items()
            if label == CANNOT_SAY
        ],
    }


def _time(when: str) -> datetime | None:
    try:
        return datetime.fromisoformat(when).replace(tzinfo=None)
    except ValueError:
        return None
