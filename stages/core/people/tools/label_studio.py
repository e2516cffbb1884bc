"""Label Studio: its exports JSON, JSON-MIN and CSV, and tasks for it.

In JSON a task has several annotations, and each says who made it and whether it was skipped. JSON-MIN and CSV have a row an
annotation, leave skipped ones out, and put labels beside the data: in JSON-MIN a control that is named like a key of the data
stands in its place, in CSV it is lost.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from stages.core.people.records.journal import CANNOT_SAY
from stages.core.people.tools.given import ID, Given, key_and_text, labels_of, moment, question
from stages.core.people.tools.task import Task

NAME = "label-studio"
ANNOTATIONS = ("annotations", "completions")  # so called before 1.0
OF_ROWS = {"annotator", "annotation_id"}
NO_LABEL = {*OF_ROWS, ID, "id", "created_at", "updated_at", "lead_time", "agreement", "history"}
HOTKEYS = 9


def taken_for(columns: Collection[str], records: list[dict]) -> str | None:
    if "data" in columns and any(name in columns for name in ANNOTATIONS):
        return "an export of Label Studio, JSON"
    return "an export of Label Studio, JSON-MIN or CSV" if set(columns) >= OF_ROWS else None


def given(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    """Raises ValueError, naming the record, for what is none of Label Studio's."""
    return _of_tasks(records, classes) if "data" in records[0] else _of_rows(records, classes)


def _of_tasks(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    read = []
    for number, record in enumerate(records, start=1):
        made = next((record[name] for name in ANNOTATIONS if record.get(name) is not None), [])
        try:
            key, text = key_and_text(record)
            if not isinstance(made, list) or not all(isinstance(each, Mapping) for each in made):
                raise ValueError(f"annotations = {str(made)[:60]}, possible: a list of objects; export as JSON, not as a snapshot")
            read += [(f"record {number:,}", key, text, each, _choices(each)) for each in made]
        except ValueError as error:
            raise ValueError(f"record {number:,}: {error}") from None
    found: dict[str, list] = {}
    for *_, choices in read:
        for name, labels in choices.items():
            found.setdefault(name, []).append(labels)
    control = question(found, classes)
    for where, key, text, made, choices in read:
        skipped = made.get("was_cancelled") or made.get("skipped")
        labels = (CANNOT_SAY,) if skipped else choices.get(control, ())
        yield Given(where, key, text, labels, _who(made.get("completed_by")), _when(made))


def _choices(annotation: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """By name of the control; regions of other kinds, such as notes, are passed over."""
    found: dict[str, tuple[str, ...]] = {}
    for region in annotation.get("result") or []:
        value = region.get("value") if isinstance(region, Mapping) else None
        if isinstance(value, Mapping) and "choices" in value:
            name = str(region.get("from_name"))
            found[name] = (*found.get(name, ()), *labels_of(value))
    return found


def _of_rows(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    answered = [record for record in records if record.get("annotation_id") not in (None, "")]
    found: dict[str, list] = {}
    for record in answered:
        for name, value in record.items():
            if name not in NO_LABEL:
                found.setdefault(name, []).append(_labels_or_none(value))
    held = {name: each for name, each in found.items() if any(label in classes for labels in each for label in labels)}
    if len(held) > 1:
        held.pop("text", None)  # a text may be called like a class
    if answered and not held:
        raise ValueError(
            f"columns {', '.join(found)[:200]}: none holds a class, possible: {', '.join(classes)[:200]}; a control that is named "
            "like a key of the data is lost in CSV: export as JSON, or mend labels.classes"
        )
    control = question(held, classes)
    for number, record in enumerate(records, start=1):
        if record.get("annotation_id") not in (None, ""):
            try:
                key, text = key_and_text(record)
                labels = labels_of(record.get(control))
            except ValueError as error:
                raise ValueError(f"record {number:,}: {error}") from None
            yield Given(
                f"record {number:,}", key, "" if control == "text" else text, labels, _who(record.get("annotator")), _when(record)
            )


def _labels_or_none(value: Any) -> tuple[str, ...]:
    try:
        return labels_of(value)
    except ValueError:
        return ()


def _who(annotator: Any) -> str:
    """A number, a name, or an object that has them."""
    if isinstance(annotator, Mapping):
        annotator = annotator.get("id") or annotator.get("email") or annotator.get("username")
    return "" if annotator is None else str(annotator)


def _when(made: Mapping[str, Any]) -> str:
    return moment(made.get("updated_at") or made.get("created_at"))


def tasks(rows: list[Task], classes: list[str]) -> dict[str, str]:
    """By the end of a file's name: the tasks, and the labelling config to paste."""
    return {".json": json.dumps([_task(row) for row in rows], ensure_ascii=False, indent=1) + "\n", ".xml": config(classes)}


def _task(row: Task) -> dict:
    task: dict[str, Any] = {"data": {ID: row.key, "text": row.text}}
    if row.guess:
        choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [row.guess]}}
        task["predictions"] = [{"model_version": "gleaner", "result": [choice]}]
    return task


def config(classes: list[str]) -> str:
    """The labelling config: one choice among the classes, the first nine by a key."""
    keys = [f' hotkey="{number}"' if number <= HOTKEYS else "" for number in range(1, len(classes) + 1)]
    choices = "\n".join(f"    <Choice value={quoteattr(name)}{key}/>" for name, key in zip(classes, keys))
    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="label" toName="text" choice="single" showInLine="true">\n{choices}\n  </Choices>\n</View>\n'
    )
