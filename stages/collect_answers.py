"""collect_answers: the labels that the source and people give, and the rows that each round asks people for.

Nothing else reads labels/.

reads   labels/                         STAGE.csv, holdout.csv, random.csv: what was asked; answers/ANNOTATOR.csv: what was answered
        data/pool.jsonl, data/source_labels.npy, data/holdout.jsonl, data/source_holdout_labels.npy, data/classes.json
writes  data/answers.npy                int64 [pool]      class number; -1 waits for an answer, -2 cannot be said, -3 conflict
        data/holdout_labels.npy         int64 [holdout]   the same for the holdout
        data/asked/STAGE.npy            int64 [rows]      rows of pool.jsonl that the round asks for, in order; none before it asks
        data/asked/random.npy           int64 [rows]      the same for the random arm
        data/asked/prelabelled.npy          int64 [rows]      rows with a label that no round asked for
        data/asked/several.json         key -> annotator -> label, of the texts that two or more answered
        data/asked/people.json          who answered how much and how fast, rows in conflict and rows that cannot be said
        data/asked/read.json            sha256 of what was read in labels/: what came while this ran is not in it
params  labels.from, labels.rename, stages

Where the data set plays the labeller its labels are passed on, and nothing is asked. All else depends on these outs and not on
labels/: an answer runs this stage, label, and what was waiting for it. Nothing is ever written below labels/ here.
"""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts, keys, label_codes, params, paths
from stages.core.people.records import asked, conflicts, effort, journal

ASKED = Path("data/asked")


def main() -> None:
    settings = params.read("labels.from", "labels.rename", "stages")
    classes = artifacts.load_json(paths.CLASSES)
    source = load_source(paths.SOURCE_LABELS, len(classes)), load_source(paths.SOURCE_HOLDOUT_LABELS, len(classes))
    names = [*settings.stages, asked.RANDOM]
    if vars(settings)["from"] == "dataset":
        save(*source, dict.fromkeys([*names, "prelabelled"], np.empty(0, np.int64)), {}, None, {})
        print(f"collect_answers: {len(source[0]):,} labels of the source are passed on")
        return
    with journal.locked():
        seen = journal.digest()
        said = {who: journal.lines(journal.file_of(who)) for who in journal.annotators()}
        ever = {name: asked.keys(name) for name in asked.written()}
    for notes in said.values():
        print("".join(f"collect_answers: {note}\n" for note in notes[1]), end="")
    texts = [artifacts.texts(path) for path in (paths.POOL, paths.HOLDOUT)]
    pool, holdout = ([keys.key(text) for text in side] for side in texts)
    given = {who: journal.current(lines) for who, (lines, _) in said.items()}
    found = conflicts.resolve(given, classes, vars(settings.rename), [*pool, *holdout])
    answers, held = (merged(*each, found, classes) for each in zip((pool, holdout), source))
    row_of = {key: row for row, key in enumerate(pool)}
    rows = {name: np.array([row_of[key] for key in ever.get(name, []) if key in row_of], np.int64) for name in names}
    once = {key for asked_for in ever.values() for key in asked_for}
    rows["prelabelled"] = np.array([row for row, key in enumerate(pool) if answers[row] >= 0 and key not in once], np.int64)
    lines = {who: of_one for who, (of_one, _) in said.items()}
    done = effort.done(lines, given, found, {"pool": pool, "holdout": holdout})
    save(answers, held, rows, found.several(), seen, done)
    told = ", ".join(f"{name} {len(each):,}" for name, each in rows.items() if len(each)) or "nothing"
    print(
        f"collect_answers: {len(given)} annotators, {counted(answers)} of {len(pool):,} rows; {counted(held)} of {len(holdout):,} "
        f"of the holdout; asked for: {told}"
    )
    strange = len({key for answers in given.values() for key in answers} - {*pool, *holdout})
    if strange:
        print(f"collect_answers: {strange:,} are to texts that are not in the data set now; they stay where they are")


def load_source(path: Path, classes: int) -> np.ndarray:
    return artifacts.load(path, np.int64, (None,), within=(label_codes.OPEN, classes))


def merged(row_keys: list[str], source: np.ndarray, found: conflicts.Resolved, classes: list[str]) -> np.ndarray:
    """int64 [rows]: what people say of each row; what the source says, where they say nothing."""
    number = {journal.CANNOT_SAY: label_codes.NO_CLASS} | {name: i for i, name in enumerate(classes)}
    answers = np.array(source)
    for row, key in enumerate(row_keys):
        if key in found.labels:
            answers[row] = number[found.labels[key]]
        elif key in found.conflicts:
            answers[row] = label_codes.CONFLICT
    return answers


def counted(answers: np.ndarray) -> str:
    count = {mark: (answers == mark).sum() for mark in (label_codes.NO_CLASS, label_codes.CONFLICT)}
    more = f", {count[label_codes.NO_CLASS]:,} that cannot be said" if count[label_codes.NO_CLASS] else ""
    return f"{(answers >= 0).sum():,} labels{more}" + (
        f", {count[label_codes.CONFLICT]:,} in conflict" if count[label_codes.CONFLICT] else ""
    )


def save(
    answers: np.ndarray, holdout: np.ndarray, rows: dict[str, np.ndarray], several: dict, seen: str | None, done: dict
) -> None:
    artifacts.save(paths.ANSWERS, answers)
    artifacts.save(paths.HOLDOUT_LABELS, holdout)
    for name, each in rows.items():
        artifacts.save(ASKED / f"{name}.npy", each)
    for left in set(ASKED.glob("*.npy")) - {ASKED / f"{name}.npy" for name in rows}:
        left.unlink()  # of a round that params name no longer; DVC clears its outs, a person who calls the stage may not
    artifacts.save_json(ASKED / "several.json", several)
    artifacts.save_json(paths.PEOPLE, done)
    artifacts.save_json(ASKED / "read.json", {"sha256": seen})
