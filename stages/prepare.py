"""prepare: read the data set, clean it, split off a holdout where it has none, and lay texts and labels apart.

reads   params prepare.dataset: a package, a hub or files; data/inputs/prepare.json, so that new content there is seen
writes  data/pool.jsonl           text, group where the source has one; line i is row i of every later artifact
        data/answers.npy          int64 [pool]      class number that the source gives each row
        data/holdout.jsonl        the same for the holdout, which is used for measuring alone
        data/holdout_labels.npy   int64 [holdout]
        data/classes.json         names of the classes, in the order of their numbers
        data/prepare.json         how many rows there are, and what was dropped
params  prepare
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core.base import artifacts, params
from stages.core.base.errors import Refused, run
from stages.core.sources import cleaning, splits


@dataclass(frozen=True)
class Prepared:
    """What the data set gives, read and cleaned.

    pool, holdout   rows {"text", "label", "group"?} that share no text
    classes         names of the labels, in the order of their numbers
    counts          of rows and classes, and of what was dropped
    """

    pool: list[dict]
    holdout: list[dict]
    classes: list[str]
    counts: dict[str, int]


def main() -> None:
    made = prepared(params.read("prepare").prepare)
    number = {name: i for i, name in enumerate(made.classes)}
    for rows, texts, labels in (
        (made.pool, artifacts.POOL, artifacts.ANSWERS),
        (made.holdout, artifacts.HOLDOUT, artifacts.HOLDOUT_LABELS),
    ):
        artifacts.save(labels, np.array([number[row["label"]] for row in rows], np.int64))
        artifacts.save_jsonl(texts, ({key: value for key, value in row.items() if key != "label"} for row in rows))
    artifacts.save_json(artifacts.CLASSES, made.classes)
    artifacts.save_json(artifacts.COUNTS, made.counts)


def prepared(prepare: Any) -> Prepared:
    """All of the stage's reading and cleaning and none of its writing; what was found and what was dropped is printed.

    prepare   the section of params.yaml

    Raises Refused where the source cannot be read or its rows can train or measure nothing.
    """
    pool, holdout = splits.read(prepare)
    counts = Counter()
    pool = _clean(pool, prepare, "pool", counts)
    if holdout is None:
        pool, holdout = cleaning.split(pool, prepare.holdout_share, prepare.holdout_seed)
    else:
        holdout = _clean(holdout, prepare, "holdout", counts)
        cleaning.refuse_strange_labels(pool, holdout)
        pool, shared = cleaning.without_texts_of(pool, holdout)
        counts["pool_texts_of_the_holdout"] = shared
        print(f"prepare: {shared:,} texts of the holdout dropped from the pool")
    classes = cleaning.classes(pool, holdout)
    print(f"prepare: {len(pool):,} rows in the pool, {len(holdout):,} in the holdout, classes {', '.join(classes)}")
    counts = {"pool_rows": len(pool), "holdout_rows": len(holdout), "classes": len(classes), **counts}
    return Prepared(pool, holdout, classes, counts)


def _clean(rows: list[dict], prepare: Any, where: str, counts: Counter) -> list[dict]:
    """The rows that can be used; what was dropped is printed and counted."""
    rows = cleaning.normalised(rows, prepare.normalise)
    kept = cleaning.without_empty(rows, prepare.empty_texts, f"prepare.dataset = {prepare.dataset}, {where}")
    unique, duplicates, contradictory = cleaning.without_duplicates(kept)
    dropped = {"empty": len(rows) - len(kept), "duplicates": duplicates, "with_two_labels": contradictory}
    counts.update({f"{where}_{what}": number for what, number in dropped.items()})
    print(
        f"prepare: {where}: {len(rows):,} rows read; dropped {dropped['empty']:,} empty, "
        f"{duplicates:,} duplicates, {contradictory:,} with two labels"
    )
    if not unique:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: the {where} has no row to use, see the counts above")
    return unique


if __name__ == "__main__":
    run(main)
