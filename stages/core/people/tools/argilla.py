"""Argilla 2: `records.to_list(flatten=True)` saved as JSON, without discarded responses and drafts; records for `records.log`."""

from collections.abc import Collection, Iterator
from typing import Any

from stages.core.people.tools.exchange import ID, Task, ToolAnswer, json_lines, key_and_text, labels_of, naming, numbered, question

NAME = "argilla"
END = ".responses"
NO_ANSWER = ("discarded", "draft", "pending")
STATUS = ("submitted", *NO_ANSWER)


def recognised(columns: Collection[str], records: list[dict]) -> str | None:
    return "records of Argilla" if any(name.endswith(END) for name in columns) else None


def read(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    """Raises ValueError, naming the record, for what Argilla does not write."""
    answers: dict[str, list[ToolAnswer]] = {name.removesuffix(END): [] for name in records[0] if name.endswith(END)}
    for where, record in numbered(records):
        with naming(where):
            key, text = key_and_text(record)
            for name, own in answers.items():
                own += [ToolAnswer(where, key, text, labels, who, whole=bool(labels)) for labels, who in _responses(record, name)]
    name = question({name: [answer.labels for answer in own] for name, own in answers.items()}, classes)
    return iter(answers.get(name, ()))


def _responses(record: dict, name: str) -> list[tuple[tuple[str, ...], str]]:
    """(labels, annotator) of each submitted response."""
    values = _list(record, f"{name}{END}")
    users, status = (
        next((_list(record, place) for place in places if record.get(place) is not None), [None] * len(values))
        for places in ((f"{name}{END}.{end}", f"{name}.{end}") for end in ("users", "status"))
    )
    if not len(values) == len(users) == len(status):
        raise ValueError(f"{name}: {len(values)} responses, {len(users)} users, {len(status)} status, possible: as many of each")
    if wrong := [state for state in status if state not in (None, *STATUS)]:
        raise ValueError(f"{name}{END}.status = {str(wrong[0])[:60]}, possible: {', '.join(STATUS)}; correct it")
    return [(labels_of(value), str(who or "")) for value, who, state in zip(values, users, status) if state not in NO_ANSWER]


def _list(record: dict, name: str) -> list[Any]:
    value = record.get(name)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{name} = {str(value)[:60]}, possible: a list; export as JSON, not as a table")
    return value or []


def tasks(rows: list[Task], classes: list[str], nothing: str = "") -> dict[str, str]:
    """End of a file's name -> its content: the records. `label` is the name of the question; its value is a suggestion."""
    guesses = ({"label": list(row.guess) if nothing else row.guess[0]} if row.guess else {} for row in rows)
    records = ({"id": row.key, "text": row.text, ID: row.key} | guess for row, guess in zip(rows, guesses))
    return {".jsonl": json_lines(records)}
