"""What a file that comes back says of one text, and how labels and keys are found in a record, whatever tool wrote it."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stages.core.people.records.journal import KEY, stamp

ID = "gleaner_id"
HOLDERS = ("data", "meta", "metadata")  # of a record, where tools keep what they were given


@dataclass(frozen=True)
class Given:
    """
    where    row or record, with its number, from 1
    key      of the text; "" where the record has none, and the text decides
    labels   none: no answer; more than one cannot be used
    who      as the tool calls the annotator; "" where it does not say
    when     as journal.stamp has it, and of one second what was later further down; "" where the tool does not say
    """

    where: str
    key: str
    text: str
    labels: tuple[str, ...]
    who: str = ""
    when: str = ""


def key_and_text(record: Mapping[str, Any]) -> tuple[str, str]:
    """Of a record, or of what it was made from; "" for what is not there.

    Tools number records anew, so an `id` counts only where it has the form of a key. Raises ValueError where there is neither.
    """
    places = [record, *(record[name] for name in HOLDERS if isinstance(record.get(name), Mapping))]
    key = next((str(place[name]).strip() for place in places for name in (ID, "key") if place.get(name)), "")
    if not key and KEY.fullmatch(str(record.get("id"))):
        key = record["id"]
    text = next((place["text"] for place in places if isinstance(place.get("text"), str)), "")
    if not key and not text:
        raise ValueError(f"holds {', '.join(map(str, record))[:200]}, possible: {ID}, or text; bring one of them back")
    return key, text


def moment(told: Any) -> str:
    """A time as journal.stamp has it, of ISO 8601 or of seconds since 1970; "" for what is none of them."""
    try:
        if isinstance(told, int | float):
            return stamp(datetime.fromtimestamp(told, UTC))
        read = datetime.fromisoformat(told)
        return stamp(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def labels_of(value: Any) -> tuple[str, ...]:
    """The labels of a cell: a word, a number, a list, {"choices": ...}, or one of these as JSON text; no blank ones.

    Raises ValueError for anything else.
    """
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        with suppress(ValueError):  # a label that begins so
            value = json.loads(value)
    if isinstance(value, Mapping):
        if "choices" not in value:
            raise ValueError(f"label = {str(value)[:60]}, possible: a class; only choices of classes can be read")
        value = value["choices"]
    values = value if isinstance(value, list | tuple) else [] if value is None or value != value else [value]
    if wrong := [each for each in values if not isinstance(each, str | int | float)]:
        raise ValueError(f"label = {str(wrong[0])[:60]}, possible: a class; only choices of classes can be read")
    return tuple(word for word in (str(each).strip() for each in values) if word)


def question(found: Mapping[str, Collection[tuple[str, ...]]], classes: Collection[str]) -> str | None:
    """The one control, question or column whose labels are classes; where no label is one, the only one there is.

    found   by name, the labels of every record
    classes   those of old, too

    Returns None where nothing was answered. Raises ValueError where it cannot be told.
    """
    answered = {name: {label for labels in each for label in labels} for name, each in found.items()}
    answered = {name: labels for name, labels in answered.items() if labels}
    fitting = [name for name, labels in answered.items() if labels & set(classes)]
    fitting = fitting or list(answered)
    if len(fitting) > 1:
        shown = "; ".join(f"{name}: {', '.join(sorted(answered[name])[:3])[:60]}" for name in fitting)
        raise ValueError(f"labels are looked for under {', '.join(fitting)} ({shown}), possible: one of them; leave out the others")
    return fitting[0] if fitting else None
