"""doccano: JSONL, where `label` is a list, and CSV, where "#" separates labels; and texts to import.

It does not name annotators: each file of an exported archive holds the answers of one annotator, for WHO.
"""

import json
from collections.abc import Collection, Iterator

from stages.core.people.tools.exchange import ID, Task, ToolAnswer, json_lines, key_and_text, labels_of, naming, numbered

NAME = "doccano"
SEPARATOR = "#"
SHORTCUTS = 9


def recognised(columns: Collection[str], records: list[dict]) -> str | None:
    if not {"id", "label"} <= set(columns) or not {"text", "data"} & set(columns) or "key" in columns:
        return None
    if all(isinstance(record["label"], list) for record in records):
        return "an export of doccano, JSONL"
    marked = {ID, "data", "Comments", "comments"} & set(columns)  # a plain table has none of these
    return "an export of doccano, CSV" if marked and all(isinstance(record["label"], str) for record in records) else None


def read(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    """Raises ValueError, naming the record, for what doccano does not write."""
    for where, record in numbered(records):
        with naming(where):
            key, text = key_and_text(record if "text" in record else record | {"text": record["data"]})
            labels = record["label"]
            if isinstance(labels, str):  # a class may contain the separator
                labels = [labels] if labels.strip() in classes else labels.split(SEPARATOR)
            labels = labels_of(labels)
        yield ToolAnswer(where, key, text, labels, whole=bool(labels))  # one that nobody looked at has none either


def tasks(rows: list[Task], classes: list[str], nothing: str = "") -> dict[str, str]:
    """End of a file's name -> its content: the texts, and the classes for the page `Labels`."""
    labels = [{"text": name} for name in classes]
    for number, label in enumerate(labels[:SHORTCUTS], start=1):
        label["suffix_key"] = str(number)
    labels += [{"text": nothing, "suffix_key": "0"}] if nothing else []
    return {
        ".jsonl": json_lines({"text": row.text, "label": list(row.guess), ID: row.key} for row in rows),
        "-labels.json": json.dumps(labels, ensure_ascii=False, indent=1) + "\n",
    }
