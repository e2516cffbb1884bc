"""Prodigy: the output of `prodigy db-out`, and tasks for `prodigy textcat.manual`, with --exclusive where a text has one label.

`accept` holds the chosen options, or `label` the one in question. "reject" names no class and is no answer; "ignore" is CANNOT_SAY.
"""

import re
from collections.abc import Collection, Iterator

from stages.core.people.records.journal import CANNOT_SAY
from stages.core.people.tools.exchange import ID, Task, ToolAnswer, json_lines, key_and_text, labels_of, moment, naming, numbered

NAME = "prodigy"
ANSWERS = ("accept", "reject", "ignore")
UNNAMED = re.compile(r".*\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")  # the name of a session that nobody named is its time


def recognised(columns: Collection[str], records: list[dict]) -> str | None:
    return "an export of Prodigy" if "answer" in columns and {"accept", "label"} & set(columns) else None


def read(records: list[dict], classes: Collection[str]) -> Iterator[ToolAnswer]:
    """Raises ValueError, naming the record, for what Prodigy does not write."""
    for where, record in numbered(records):
        answer = record["answer"]
        with naming(where):
            if answer not in ANSWERS:
                raise ValueError(f"answer = {str(answer)[:60]}, possible: {', '.join(ANSWERS)}; correct it")
            key, text = key_and_text(record)
            chosen = record["accept"] if record.get("accept") is not None else record.get("label")
            text_of = {str(option.get("id")): str(option.get("text")) for option in record.get("options") or () if option}
            words = ((text_of.get(label, label), label) for label in labels_of(chosen))  # the id of an option may be a number
            named = (label if label in classes and text not in classes else text for text, label in words)
            labels = {"accept": tuple(named), "reject": (), "ignore": (CANNOT_SAY,)}[answer]
            one_of_several = record.get("accept") is None and record.get("label") is not None
            whole = answer == "ignore" or (answer == "accept" and not one_of_several)
        who = str(record.get("_annotator_id") or record.get("_session_id") or "")
        yield ToolAnswer(where, key, text, labels, "" if UNNAMED.fullmatch(who) else who, moment(record.get("_timestamp")), whole)


def tasks(rows: list[Task], classes: list[str], nothing: str = "") -> dict[str, str]:
    """End of a file's name -> its content: the tasks."""
    options = [{"id": name, "text": name} for name in classes]
    several = {"config": {"choice_style": "multiple"}} if nothing else {}
    guesses = ({"accept": list(row.guess)} if row.guess else {} for row in rows)
    records = ({"text": row.text, "options": options, ID: row.key} | several | guess for row, guess in zip(rows, guesses))
    return {".jsonl": json_lines(records)}
