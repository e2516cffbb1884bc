"""Label Studio: its exports JSON, JSON-MIN and CSV, and tasks to import.

In JSON a task has several annotations, each with its annotator and whether it was skipped. JSON-MIN and CSV have one row for each
that was not skipped, labels beside the data: a control named like a key of the data replaces it in JSON-MIN, and is lost in CSV.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any
from xml.sax.saxutils import quoteattr

from stages.core.people.records.journal import CANNOT_SAY
from stages.core.people.tools.exchange import ID, Task, ToolAnswer, key_and_text, labels_of, moment, naming, numbered, question

NAME = "label-studio"
ANNOTATIONS = ("annotations", "completions")  # the second name is from before 1.0
OF_ROWS = {"annotator", "annotation_id"}
NO_LABEL = {*OF_ROWS, ID, "id", "created_at", "updated_at", "lead_time", "agreement", "history"}
HOTKEYS = 9


def recognised(columns: Collection[str], records: list[dict]) -> str | None:
    if "data" in columns and any(name in columns for name in ANNOTATIONS):
        return "an export of Label Studio, JSON"
    return "an export of Label Studio, JSON-MIN or CSV" if set(columns) >= OF_ROWS else None


def read(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    """Raises ValueError, naming the record, for what Label Studio does not write."""
    return _of_tasks(records, classes) if "data" in records[0] else _of_rows(records, classes)


def _of_tasks(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    annotated = []
    for where, record in numbered(records):
        annotations = next((record[name] for name in ANNOTATIONS if record.get(name) is not None), [])
        with naming(where):
            key, text = key_and_text(record)
            if not isinstance(annotations, list) or not all(isinstance(annotation, Mapping) for annotation in annotations):
                found = str(annotations)[:60]
                raise ValueError(f"annotations = {found}, possible: a list of objects; export as JSON, not as a snapshot")
            annotated += [(where, key, text, annotation, _choices(annotation)) for annotation in annotations]
    results = [region for *_, annotation, _ in annotated for region in annotation.get("result") or ()]
    if results and not any(choices for *_, choices in annotated):
        raise ValueError(f"only results of <Choices> can be read, not of <Labels>, <Taxonomy> and others: {str(results[0])[:200]}")
    labels_by_control: dict[str, list] = {}
    for *_, choices in annotated:
        for name, labels in choices.items():
            labels_by_control.setdefault(name, []).append(labels)
    control = question(labels_by_control, classes)
    for where, key, text, annotation, choices in annotated:
        skipped = annotation.get("was_cancelled") or annotation.get("skipped")
        labels = (CANNOT_SAY,) if skipped else choices.get(control, ())
        yield ToolAnswer(where, key, text, labels, _who(annotation.get("completed_by")), _when(annotation))


def _choices(annotation: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Control -> labels. Regions of other kinds, such as notes, are ignored."""
    choices: dict[str, tuple[str, ...]] = {}
    for region in annotation.get("result") or []:
        value = region.get("value") if isinstance(region, Mapping) else None
        if isinstance(value, Mapping) and "choices" in value:
            name = str(region.get("from_name"))
            choices[name] = (*choices.get(name, ()), *labels_of(value))
    return choices


def _of_rows(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    annotated = [(where, record) for where, record in numbered(records) if record.get("annotation_id") not in (None, "")]
    columns: dict[str, list] = {}
    for _, record in annotated:
        for name, value in record.items():
            if name not in NO_LABEL:
                labels = columns.setdefault(name, [])
                with suppress(ValueError):  # a column that holds no labels
                    labels.append(labels_of(value))
    with_classes = {name: each for name, each in columns.items() if any(label in classes for labels in each for label in labels)}
    if len(with_classes) > 1:
        with_classes.pop("text", None)  # a text may read like a class
    if annotated and not with_classes:
        raise ValueError(
            f"columns {', '.join(columns)[:200]}: none holds a class, possible: {', '.join(classes)[:200]}; a control named like a "
            "key of the data is lost in CSV: export as JSON, or correct labels.classes; <Labels> and <Taxonomy> cannot be read"
        )
    control = question(with_classes, classes)
    for where, record in annotated:
        with naming(where):
            key, text = key_and_text(record)
            labels = labels_of(record.get(control))
        text = "" if control == "text" else text
        yield ToolAnswer(where, key, text, labels, _who(record.get("annotator")), _when(record))


def _who(annotator: Any) -> str:
    """A number, a name, or an object that holds one."""
    if isinstance(annotator, Mapping):
        annotator = annotator.get("id") or annotator.get("email") or annotator.get("username")
    return "" if annotator is None else str(annotator)


def _when(annotation: Mapping[str, Any]) -> str:
    return moment(annotation.get("updated_at") or annotation.get("created_at"))


def tasks(rows: list[Task], classes: list[str], nothing: str = "") -> dict[str, str]:
    """End of a file's name -> its content: the tasks, and the labelling config to paste."""
    records: list[dict[str, Any]] = [{"data": {ID: row.key, "text": row.text}} for row in rows]
    for record, row in zip(records, rows):
        if row.guess:
            choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": list(row.guess)}}
            record["predictions"] = [{"model_version": "gleaner", "result": [choice]}]
    return {".json": json.dumps(records, ensure_ascii=False, indent=1) + "\n", ".xml": config(classes, nothing)}


def config(classes: list[str], nothing: str = "") -> str:
    """The labelling config: one choice among the classes, or any number; the first nine have a key."""
    how = 'choice="multiple" required="false"' if nothing else 'choice="single"'
    keys = [f' hotkey="{number}"' if number <= HOTKEYS else "" for number in range(1, len(classes) + 1)]
    choices = "\n".join(f"    <Choice value={quoteattr(name)}{key}/>" for name, key in zip(classes, keys))
    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="label" toName="text" {how} showInLine="true">\n{choices}\n  </Choices>\n</View>\n'
    )
