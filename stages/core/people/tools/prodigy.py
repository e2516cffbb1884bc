"""Prodigy: what `prodigy db-out` writes, and tasks for `prodigy textcat.manual --exclusive`.

`accept` holds the chosen options, or `label` the one that was asked about. To reject says what a text is not, which is no answer;
to ignore says that one cannot say.
"""

import json
import re
from collections.abc import Collection, Iterator

from stages.core.people.records.journal import CANNOT_SAY
from stages.core.people.tools.given import ID, Given, key_and_text, labels_of, moment
from stages.core.people.tools.task import Task

NAME = "prodigy"
ANSWERS = ("accept", "reject", "ignore")
NO_NAME = re.compile(r".*\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")  # a session that nobody named is called after its time


def taken_for(columns: Collection[str], records: list[dict]) -> str | None:
    return "an export of Prodigy" if "answer" in columns and {"accept", "label"} & set(columns) else None


def given(records: list[dict], classes: Collection[str]) -> Iterator[Given]:
    """Raises ValueError, naming the record, for what is none of Prodigy's."""
    for number, record in enumerate(records, start=1):
        answer = record["answer"]
        try:
            if answer not in ANSWERS:
                raise ValueError(f"answer = {str(answer)[:60]}, possible: {', '.join(ANSWERS)}; mend it")
            key, text = key_and_text(record)
            chosen = record["accept"] if record.get("accept") is not None else record.get("label")
            labels = {"accept": labels_of(chosen), "reject": (), "ignore": (CANNOT_SAY,)}[answer]
        except ValueError as error:
            raise ValueError(f"record {number:,}: {error}") from None
        who = str(record.get("_annotator_id") or record.get("_session_id") or "")
        when = moment(record.get("_timestamp"))
        yield Given(f"record {number:,}", key, text, labels, "" if NO_NAME.fullmatch(who) else who, when)


def tasks(rows: list[Task], classes: list[str]) -> dict[str, str]:
    """By the end of a file's name: the tasks."""
    options = [{"id": name, "text": name} for name in classes]
    made = ({"text": row.text, "options": options, ID: row.key} | ({"accept": [row.guess]} if row.guess else {}) for row in rows)
    return {".jsonl": "".join(json.dumps(task, ensure_ascii=False) + "\n" for task in made)}
