"""A text as it goes to a labelling tool (Task) and comes back (ToolAnswer), and how to find key, label and time in a record."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stages.core.people.records.journal import KEY, stamp

ID = "gleaner_id"
HOLDERS = ("data", "meta", "metadata")  # where tools keep the record that they were given


@dataclass(frozen=True)
class Task:
    key: str
    text: str
    guess: tuple[str, ...] = ()  # the model's classes, if they are to be shown


@dataclass(frozen=True)
class ToolAnswer:
    where: str  # row or record with its number, from 1
    key: str  # "" if the record has none, and the text decides
    text: str
    labels: tuple[str, ...]  # empty: no answer; several are refused later, unless texts may have them
    who: str = ""  # the annotator's name in the tool
    when: str = ""  # as journal.stamp writes it; of answers within one second the last in the file counts
    whole: bool = True  # where texts may have several labels: whether these are all; if so, and there are none, the text has none


def numbered(records: Iterable[dict]) -> Iterator[tuple[str, dict]]:
    """("record 1", the first record), and so on."""
    return ((f"record {number:,}", record) for number, record in enumerate(records, start=1))


@contextmanager
def naming(where: str) -> Iterator[None]:
    """A ValueError in the block names the record."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def json_lines(records: Iterable[dict]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def key_and_text(record: Mapping[str, Any]) -> tuple[str, str]:
    """Of a record, or of the record it was made from; "" for one that is missing.

    Tools renumber records, so `id` counts only if it looks like a key. Raises ValueError if both are missing.
    """
    places = [record, *(record[name] for name in HOLDERS if isinstance(record.get(name), Mapping))]
    key = next((str(place[name]).strip() for place in places for name in (ID, "key") if place.get(name)), "")
    if not key and KEY.fullmatch(str(record.get("id"))):
        key = record["id"]
    text = next((place["text"] for place in places if isinstance(place.get("text"), str)), "")
    if not key and not text:
        raise ValueError(f"holds {', '.join(map(str, record))[:200]}, possible: {ID}, or text; add one of them")
    return key, text


def moment(value: Any) -> str:
    """ISO 8601, or seconds since 1970, as journal.stamp writes it; "" for anything else."""
    try:
        if isinstance(value, int | float):
            return stamp(datetime.fromtimestamp(value, UTC))
        read = datetime.fromisoformat(value)
        return stamp(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def labels_of(value: Any) -> tuple[str, ...]:
    """The labels of a cell, without blank ones: a word, a number, a list, {"choices": ...}, or JSON of these; else ValueError."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        with suppress(ValueError):  # a label may begin like JSON
            value = json.loads(value)
    if isinstance(value, Mapping):
        value = value.get("choices", [value])
    values = value if isinstance(value, list | tuple) else [] if value is None or value != value else [value]
    if wrong := [label for label in values if not isinstance(label, str | int | float)]:
        raise ValueError(f"label = {str(wrong[0])[:60]}, possible: a class; only choices of classes can be read")
    return tuple(word for word in (str(label).strip() for label in values) if word)


def question(labels_by_name: Mapping[str, Collection[tuple[str, ...]]], classes: Collection[str]) -> str | None:
    """The one control, question or column whose labels are classes; if no label is a class, the only one with labels.

    labels_by_name   name -> the labels of every record
    classes          present and former ones

    Returns None if there are no labels. Raises ValueError if several names fit.
    """
    answered = {name: {label for labels in several for label in labels} for name, several in labels_by_name.items()}
    answered = {name: labels for name, labels in answered.items() if labels}
    fitting = [name for name, labels in answered.items() if labels & set(classes)] or list(answered)
    if len(fitting) > 1:
        shown = "; ".join(f"{name}: {', '.join(sorted(answered[name])[:3])[:60]}" for name in fitting)
        raise ValueError(f"labels are under {', '.join(fitting)} ({shown}), possible: one of them; leave out the others")
    return fitting[0] if fitting else None
