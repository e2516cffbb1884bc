"""doccano: JSONL, where `label` is a list, and CSV, where "#" stands between labels; and texts for it.

It does not say who answered: of an archive of several files each holds the answers of one annotator, for WHO.
"""

import json
from collections.abc import Collection, Iterator

from stages.core.people.tools.given import ID, Given, key_and_text, labels_of
from stages.core.people.tools.task import Task

NAME = "doccano"
BETWEEN = "#"
SHORTCUTS = 9


def taken_for(columns: Collection[str], records: list[dict]) -> str | None:
    if not {"id", "label"} <= set(columns) or not {"text", "data"} & set(columns) or "key" in columns:
        return None
    if all(isinstance(record["label"], list) for record in records):
        return "an export of doccano, JSONL"
    marked = {ID, "data", "Comments", "comments"} & set(columns)  # else it is a table like any other
    return "an export of doccano, CSV" if marked and all(isinstance(record["label"], str) for record in records) else None


def given(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    """Raises ValueError, naming the record, for what is none of doccano's."""
    for number, record in enumerate(records, start=1):
        try:
            key, text = key_and_text(record if "text" in record else record | {"text": record["data"]})
            labels = _labels(record["label"], classes)
        except ValueError as error:
            raise ValueError(f"record {number:,}: {error}") from None
        yield Given(f"record {number:,}", key, text, labels)


def _labels(value: list | str, classes: Collection[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value] if value.strip() in classes else value.split(BETWEEN)
    return labels_of(value)


def tasks(rows: list[Task], classes: list[str]) -> dict[str, str]:
    """By the end of a file's name: the texts, and the classes for the page `Labels`."""
    texts = ({"text": row.text, "label": [row.guess] if row.guess else [], ID: row.key} for row in rows)
    labels = [
        {"text": name} | ({"suffix_key": str(number)} if number <= SHORTCUTS else {})
        for number, name in enumerate(classes, start=1)
    ]
    return {
        ".jsonl": "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts),
        "-labels.json": json.dumps(labels, ensure_ascii=False, indent=1) + "\n",
    }
