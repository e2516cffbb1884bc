"""How people label: who, how much, how fast, and where they disagree or cannot say. report.html shows it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import pairwise

from stages.core.people.records.conflicts import Resolved
from stages.core.people.records.journal import CANNOT_SAY, Answer

BREAK = 300  # seconds; a longer gap between two answers is a break


def gaps(lines: Iterable[Answer]) -> list[float]:
    """Seconds from each answer of one annotator to the next, without breaks and lines without a time.

    lines   all lines, oldest first; answers that were changed later are work too
    """
    times = []
    for answer in lines:
        with suppress(ValueError):
            times += [datetime.fromisoformat(answer.when).replace(tzinfo=None)] if answer.label else []
    seconds = ((after - before).total_seconds() for before, after in pairwise(times))
    return [gap for gap in seconds if 0 <= gap < BREAK]


def pace(lines: Iterable[Answer]) -> float | None:
    """Answers per hour of work; None if there is no gap."""
    worked = gaps(lines)
    return round(3600 * len(worked) / sum(worked), 1) if sum(worked) else None


def summary(
    lines: Mapping[str, list[Answer]],
    answers: Mapping[str, Mapping[str, Answer]],
    resolved: Resolved,
    keys: Mapping[str, list[str]],
) -> dict:
    """{"annotators", "conflicts", "doubts"}, each a list of plain values.

    lines      annotator -> all lines
    answers    annotator -> key -> the answer that counts
    resolved   made of these answers
    keys       "pool" and "holdout" -> key of every row
    """
    places = {key: [side, row] for side, its_keys in keys.items() for row, key in enumerate(its_keys)}
    return {
        "annotators": [
            {"who": who, "answers": len(answers[who]), "an_hour": pace(own), "last": max((line.when for line in own), default="")}
            for who, own in lines.items()
        ],
        "conflicts": [[*places[key], dict(sorted(labels.items()))] for key, labels in resolved.conflicts.items()],
        "doubts": [
            [*places[key], [who for who in answers if key in answers[who]]]
            for key, label in resolved.labels.items()
            if label == CANNOT_SAY
        ],
    }
