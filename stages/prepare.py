"""prepare: read the data set, clean it, split off a holdout where it has none, and lay texts and labels apart.

reads   params prepare.dataset: a package, a hub or files; where people label, labels/holdout.csv; data/inputs/prepare.json, so
        that new content there is seen
writes  data/pool.jsonl                 text, group where the source has one; line i is row i of every later artifact
        data/source_labels.npy          int64 [pool]      class number that the source gives each row; -1 where it gives none
        data/holdout.jsonl              the same for the holdout, which is used for measuring alone
        data/source_holdout_labels.npy  int64 [holdout]
        data/classes.json               names of the classes, in the order of their numbers
        data/prepare.json               how many rows there are, and what was dropped
        data/dropped.json               a few rows of each kind that was dropped
params  prepare, labels.from, labels.classes, labels.rename

Where people label (labels.from), rows need no label, the classes are those that labels.classes names, and the holdout is
prepare.holdout_rows rows drawn at random, which are labelled first: once labels/holdout.csv is there, it is those.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core.base import artifacts, label_codes, params, paths
from stages.core.base.errors import Refused
from stages.core.people.records import asked, resolve
from stages.core.sources import cleaning, splits, unlabelled

CLASSES_NAMED = 20  # in a line for people
EXAMPLES, CHARACTERS = 5, 300  # rows of each kind that was dropped, and how much of each, to be looked at


class Dropped(Counter):
    """How many rows of each kind were dropped, and in `examples` the first of them."""

    def __init__(self):
        super().__init__()
        self.examples: dict[str, list[dict]] = {}

    def add(self, kind: str, rows: list[dict]) -> None:
        self[kind] = len(rows)
        self.examples[kind] = [{"text": row["text"][:CHARACTERS], "label": row["label"]} for row in rows[:EXAMPLES]]


@dataclass(frozen=True)
class Prepared:
    """What the data set gives, read and cleaned.

    pool, holdout   rows {"text", "label", "group"?} that share no text; where people label, the label may be None
    classes         names of the labels, in the order of their numbers
    counts          of rows and classes, and of what was dropped
    examples        by what was dropped: a few rows
    """

    pool: list[dict]
    holdout: list[dict]
    classes: list[str]
    counts: dict[str, int]
    examples: dict[str, list[dict]]


def main() -> None:
    settings = params.read("prepare", "labels.from", "labels.classes", "labels.rename")
    made = prepared(settings.prepare, settings)
    number = {None: label_codes.OPEN} | {name: i for i, name in enumerate(made.classes)}
    for rows, texts, labels in (
        (made.pool, paths.POOL, paths.SOURCE_LABELS),
        (made.holdout, paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS),
    ):
        artifacts.save(labels, np.array([number[row["label"]] for row in rows], np.int64))
        artifacts.save_jsonl(texts, ({key: value for key, value in row.items() if key != "label"} for row in rows))
    artifacts.save_json(paths.CLASSES, made.classes)
    artifacts.save_json(paths.COUNTS, made.counts)
    artifacts.save_json(paths.DROPPED, made.examples)


def prepared(prepare: Any, labels: Any) -> Prepared:
    """All of the stage's reading and cleaning and none of its writing; what was found and what was dropped is printed.

    prepare   the section of params.yaml
    labels    from, classes and rename of the section labels

    Raises Refused where the source cannot be read or its rows can train or measure nothing.
    """
    made = _for_people(prepare, labels) if vars(labels)["from"] == "people" else _labelled(prepare)
    print(
        f"prepare: {len(made.pool):,} rows in the pool, {len(made.holdout):,} in the holdout; "
        f"pool {_by_class(made.pool)}; holdout {_by_class(made.holdout)}"
    )
    counts = {"pool_rows": len(made.pool), "holdout_rows": len(made.holdout), "classes": len(made.classes), **made.counts}
    return Prepared(made.pool, made.holdout, made.classes, counts, made.examples)


def _for_people(prepare: Any, labels: Any) -> Prepared:
    """Rows that people label, or have labelled; the counts are those of what was dropped."""
    pool, holdout = splits.read(prepare, labelled=False)
    own_holdout, counts = holdout is not None, Dropped()
    sides = cleaning.unify_spellings(pool, holdout or [])
    rename = vars(labels.rename)
    pool, holdout = ([{**row, "label": resolve.renamed(row["label"] or None, rename)} for row in side] for side in sides)
    pool = _clean(pool, prepare, "pool", counts, labelled=False)
    if own_holdout:
        holdout = _clean(holdout, prepare, "holdout", counts)
        pool = _apart(pool, holdout, prepare, counts, unlabelled.without_keys_of)
    else:
        fixed = asked.keys(asked.HOLDOUT)
        pool, holdout, aside = unlabelled.drawn(pool, prepare.holdout_rows, prepare.holdout_seed, fixed)
        counts.add("of_groups_of_the_holdout", aside)
        told = f"those of {asked.file_of(asked.HOLDOUT)}" if fixed else "drawn at random, to be labelled first"
        print(f"prepare: holdout of {len(holdout):,} rows, {told}; {len(aside):,} rows of their groups left out{_example(aside)}")
    return Prepared(pool, holdout, unlabelled.classes(list(labels.classes), pool, holdout), counts, counts.examples)


def _labelled(prepare: Any) -> Prepared:
    """Rows that all have a label; the counts are those of what was dropped."""
    pool, holdout = splits.read(prepare)
    own_holdout, counts = holdout is not None, Dropped()
    pool, holdout = cleaning.unify_spellings(pool, holdout or [])
    pool = _clean(pool, prepare, "pool", counts)
    if own_holdout:
        holdout = _clean(holdout, prepare, "holdout", counts)
        pool = _apart(pool, holdout, prepare, counts)
        cleaning.check_holdout_classes(pool, holdout)
    else:
        pool, holdout = cleaning.split(pool, prepare.holdout_share, prepare.holdout_seed, prepare.rare_below)
    return Prepared(pool, holdout, cleaning.classes(pool, holdout), counts, counts.examples)


def _clean(rows: list[dict], prepare: Any, where: str, counts: Dropped, labelled: bool = True) -> list[dict]:
    """The rows that can be used; what was dropped is printed and counted."""
    source = f"prepare.dataset = {prepare.dataset}, {where}"
    rows = cleaning.normalised(rows, prepare.normalise)
    kept = cleaning.without_empty(rows, prepare.empty_texts, source)
    with_label, without = cleaning.without_missing_labels(kept, source) if labelled else (kept, [])
    unique, duplicates, contradictory = (cleaning.without_duplicates if labelled else unlabelled.one_per_key)(with_label)
    dropped = {
        "empty": [row for row in rows if not row["text"].strip()],
        "unlabelled": without,
        "duplicates": duplicates,
        "with_two_labels": contradictory,
    }
    for what, gone in dropped.items():
        counts.add(f"{where}_{what}", gone)
    said = [f"{len(gone):,} {what.replace('_', ' ')}{_example(gone)}" for what, gone in dropped.items()]
    print(f"prepare: {where}: {len(rows):,} rows read, {_by_class(rows)}; dropped {', '.join(said)}")
    if not unique:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: the {where} has no row to use, see the counts above")
    return unique


def _apart(
    pool: list[dict], holdout: list[dict], prepare: Any, counts: Dropped, without: Callable = cleaning.without_texts_of
) -> list[dict]:
    """The pool without the texts of the holdout. Raises Refused where nothing is left of it."""
    kept, shared = without(pool, holdout)
    counts.add("pool_texts_of_the_holdout", shared)
    print(f"prepare: {len(shared):,} texts of the holdout dropped from the pool{_example(shared)}")
    if not kept:
        raise Refused(
            f"params.yaml: prepare.dataset = {prepare.dataset}: all {len(pool):,} texts of the pool stand in the holdout too: "
            f"test is a copy of train, or holds it; give a holdout of other texts, or train alone, of which a share is split off"
        )
    return kept


def _example(rows: list[dict]) -> str:
    """The first of rows, for a person to find it by."""
    if not rows:
        return ""
    text, label = rows[0]["text"], rows[0]["label"]
    return f" ({text[:60]!r}{f', {label}' if label else ''})"


def _by_class(rows: list[dict]) -> str:
    """How many rows each class has, the largest first; rows without a label are told by their own count."""
    counts = Counter(row["label"] for row in rows if row["label"] not in (None, "")).most_common()
    more = f" and {len(counts) - CLASSES_NAMED:,} classes more" if len(counts) > CLASSES_NAMED else ""
    return f"{', '.join(f'{name}: {count:,}' for name, count in counts[:CLASSES_NAMED])}{more}" or "none labelled"
