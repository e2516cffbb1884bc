"""Argilla 2: `records.to_list(flatten=True)` of a dataset, saved as JSON, and records for `records.log`.

What an annotator discarded, or left as a draft, is no answer.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any

from stages.core.people.tools.given import ID, Given, key_and_text, labels_of, question
from stages.core.people.tools.task import Task

NAME = "argilla"
END = ".responses"
NO_ANSWER = ("discarded", "draft", "pending")
STATUS = ("submitted", *NO_ANSWER)


def taken_for(columns: Collection[str], records: list[dict]) -> str | None:
    return "records of Argilla" if any(name.endswith(END) for name in columns) else None


def given(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    """Raises ValueError, naming the record, for what is none of Argilla's."""
    names = [name.removesuffix(END) for name in records[0] if name.endswith(END)]
    read, found = [], {name: [] for name in names}
    for number, record in enumerate(records, start=1):
        try:
            key, text = key_and_text(record)
            for name in names:
                for labels, who in _responses(record, name):
                    read.append((name, Given(f"record {number:,}", key, text, labels, who)))
                    found[name].append(labels)
        except ValueError as error:
            raise ValueError(f"record {number:,}: {error}") from None
    asked = question(found, classes)
    return (answer for name, answer in read if name == asked)


def _responses(record: dict, name: str) -> list[tuple[tuple[str, ...], str]]:
    """(labels, who) of each that counts."""
    values = _listed(record, f"{name}{END}")
    users, status = (
        next((_listed(record, place) for place in places if record.get(place) is not None), [None] * len(values))
        for places in ((f"{name}{END}.{end}", f"{name}.{end}") for end in ("users", "status"))
    )
    if not len(values) == len(users) == len(status):
        raise ValueError(f"{name}: {len(values)} responses, {len(users)} users, {len(status)} status, possible: as many of each")
    if wrong := [each for each in status if each not in (None, *STATUS)]:
        raise ValueError(f"{name}{END}.status = {str(wrong[0])[:60]}, possible: {', '.join(STATUS)}; mend it")
    return [(labels_of(value), str(who or "")) for value, who, state in zip(values, users, status) if state not in NO_ANSWER]


def _listed(record: dict, name: str) -> list[Any]:
    value = record.get(name)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{name} = {str(value)[:60]}, possible: a list; export as JSON, not as a table")
    return value or []


def tasks(rows: list[Task], classes: list[str]) -> dict[str, str]:
    """By the end of a file's name: the records. `label` is the name of the question, and what stands there a suggestion."""
    made = ({"id": row.key, "text": row.text, ID: row.key} | ({"label": row.guess} if row.guess else {}) for row in rows)
    return {".jsonl": "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in made)}
