"""collect_answers: the labels that the data set and people give, and the rows that each round asks people for.

No other stage reads labels/.

reads   labels/                         STAGE.csv, holdout.csv, random.csv: what was asked; answers/ANNOTATOR.csv: what was answered
        labels/added.csv                what `make add` brought
        data/pool.jsonl, data/source_labels.npy, data/holdout.jsonl, data/source_holdout_labels.npy, data/classes.json
writes  data/answers.npy                labels [pool]     see core/task; -1 waits for an answer, -2 cannot be said, -3 conflict
        data/holdout_labels.npy         labels [holdout]  the same for the holdout
        data/asked/STAGE.npy            int64 [rows]      rows of pool.jsonl that the round asks for, in order; empty before it asks
        data/asked/random.npy           int64 [rows]      the same for the random arm
        data/asked/prelabelled.npy      int64 [rows]      rows with a label that no round asked for
        data/asked/added.npy            int64 [rows]      rows of labels/added.csv; the file is missing if there are none
        data/asked/several.json         key -> annotator -> label, of the texts that two or more answered
        data/asked/people.json          who answered how much and how fast; rows in conflict, and rows that cannot be said; rows of
                                        each round that a person found by hand
        data/asked/read.json            sha256 of labels/ as it was read; answers that came later are not in it
params  labels.from, labels.rename, stages

If the data set has the labels, they are passed on and nothing is asked. All later stages depend on these outs and not on labels/,
so an answer runs only this stage, buy_labels and what waited for it. No stage ever writes into labels/.
"""

from pathlib import Path

import numpy as np

from stages.core import task
from stages.core.base import artifacts, keys, label_codes, params, paths
from stages.core.people.records import asked, conflicts, effort, journal

ASKED = Path("data/asked")


def main() -> None:
    settings = params.read("labels.from", "labels.rename", "stages")
    classes, kind = task.classes(), task.load()
    source = [
        kind.load(path, (None,), len(classes), label_codes.OPEN) for path in (paths.SOURCE_LABELS, paths.SOURCE_HOLDOUT_LABELS)
    ]
    names = [*settings.stages, asked.RANDOM]
    if vars(settings)["from"] == "dataset":
        save(*source, dict.fromkeys([*names, "prelabelled"], np.empty(0, np.int64)))
        save_about_people({}, {}, None)
        print(f"collect_answers: {len(source[0]):,} labels of the data set are passed on")
        return
    with journal.locked():
        digest = journal.digest()
        files = {who: journal.lines(journal.file_of(who)) for who in journal.annotators()}
        asked_keys = {name: asked.keys(name) for name in asked.written()}
        by_hand = {name: {row.key for row in asked.read(name) if row.by_hand} for name in asked_keys}
        added_lines, _ = journal.lines(asked.ADDED)
    for note in (note for _, notes in files.values() for note in notes):
        print(f"collect_answers: {note}")
    lines = {who: own for who, (own, _) in files.items()}
    given = {who: journal.current(own) for who, own in lines.items()}
    pool, holdout = ([keys.key(text) for text in artifacts.texts(path)] for path in (paths.POOL, paths.HOLDOUT))
    labelled = {key for own, values in zip((pool, holdout), source) for key, code in zip(own, task.codes(values)) if code >= 0}
    resolved = conflicts.resolve(given, classes, kind, vars(settings.rename), [*pool, *holdout], labelled)
    answers, holdout_answers = (merged(*side, resolved, classes) for side in zip((pool, holdout), source))
    row_of = {key: row for row, key in enumerate(pool)}
    rows = {name: np.array([row_of[key] for key in asked_keys.get(name, []) if key in row_of], np.int64) for name in names}
    ever = {key for its_keys in asked_keys.values() for key in its_keys}
    known = task.codes(answers) >= 0
    rows["prelabelled"] = np.array([row for row, key in enumerate(pool) if known[row] and key not in ever], np.int64)
    added = sorted({row_of[line.key] for line in added_lines if line.key in row_of})
    save(answers, holdout_answers, rows | ({"added": np.array(added, np.int64)} if added else {}))
    found = {name: [row_of[key] for key in asked_keys[name] if key in row_of and key in by_hand[name]] for name in asked_keys}
    about = effort.summary(lines, given, resolved, {"pool": pool, "holdout": holdout})
    save_about_people(resolved.several(), about | {"found": {name: those for name, those in found.items() if those}}, digest)
    asked_for = ", ".join(f"{name} {len(numbers):,}" for name, numbers in rows.items() if len(numbers)) or "nothing"
    print(
        f"collect_answers: {len(given)} annotators, {counted(answers)} of {len(pool):,} rows; {counted(holdout_answers)} of "
        f"{len(holdout):,} of the holdout; asked for: {asked_for}"
    )
    unknown = len({key for own in given.values() for key in own} - {*pool, *holdout})
    if unknown:
        print(f"collect_answers: {unknown:,} answers belong to texts that are not in the data set now; they stay in labels/")


def merged(row_keys: list[str], source: np.ndarray, resolved: conflicts.Resolved, classes: list[str]) -> np.ndarray:
    """Labels [rows]: the answer of people to each row, or else the data set's label."""
    kind, answers = task.of(source), np.array(source)
    for row, key in enumerate(row_keys):
        label = resolved.labels.get(key)
        if key in resolved.conflicts:
            answers[row] = label_codes.CONFLICT
        elif label == journal.CANNOT_SAY:
            answers[row] = label_codes.NO_CLASS
        elif label:
            answers[row] = kind.array([kind.read(label)], classes)[0]
    return answers


def counted(answers: np.ndarray) -> str:
    answers = task.codes(answers)
    codes = {"that cannot be said": label_codes.NO_CLASS, "in conflict": label_codes.CONFLICT}
    counts = {what: (answers == code).sum() for what, code in codes.items()}
    return f"{(answers >= 0).sum():,} labels" + "".join(f", {count:,} {what}" for what, count in counts.items() if count)


def save(answers: np.ndarray, holdout_answers: np.ndarray, rows: dict[str, np.ndarray]) -> None:
    files = {ASKED / f"{name}.npy": numbers for name, numbers in rows.items()}
    for file, numbers in ({paths.ANSWERS: answers, paths.HOLDOUT_LABELS: holdout_answers} | files).items():
        artifacts.save(file, numbers)
    for stale in set(ASKED.glob("*.npy")) - files.keys():
        stale.unlink()  # of a round that params.yaml no longer names; DVC deletes outs itself, a caller by hand does not


def save_about_people(several: dict, effort_summary: dict, digest: str | None) -> None:
    artifacts.save_json(ASKED / "several.json", several)
    artifacts.save_json(paths.PEOPLE, effort_summary)
    artifacts.save_json(ASKED / "read.json", {"sha256": digest})
