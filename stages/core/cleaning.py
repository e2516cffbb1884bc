"""From raw rows to a pool and a holdout that share no text: pure functions, each counts what it drops."""

import re
from collections import Counter, defaultdict

import numpy as np

from stages.core.errors import Refused

Rows = list[dict]


def normalised(rows: Rows, lower: bool) -> Rows:
    """Rows with None as empty text; lower-cased and stripped if `lower`."""
    texts = ((row["text"] or "") for row in rows)
    return [{**row, "text": text.lower().strip() if lower else text} for row, text in zip(rows, texts)]


def without_empty(rows: Rows, empty_texts: str, where: str) -> Rows:
    """Rows that have a text; raises Refused instead if `empty_texts` is refuse. A missing label is always refused."""
    unlabelled = [number for number, row in enumerate(rows, start=1) if row["label"] in (None, "")]
    if unlabelled:
        raise Refused(f"{where}: {len(unlabelled):,} rows have no label, the first is row {unlabelled[0]:,}; label or remove them")
    empty = [number for number, row in enumerate(rows, start=1) if not row["text"].strip()]
    if empty and empty_texts == "refuse":
        raise Refused(
            f"{where}: {len(empty):,} rows have no text, the first is row {empty[0]:,}; "
            f"mend them or set prepare.empty_texts to drop"
        )
    return [row for row in rows if row["text"].strip()]


def without_duplicates(rows: Rows) -> tuple[Rows, int, int]:
    """Rows whose text stands once and with one label.

    Returns (rows, duplicates dropped, rows of contradictory texts dropped): of equal texts with equal labels
    the first stays, of equal texts with different labels none does.
    """
    labels = defaultdict(set)
    for row in rows:
        labels[row["text"]].add(row["label"])
    agreed = [row for row in rows if len(labels[row["text"]]) == 1]
    first = {}
    for row in agreed:
        first.setdefault(row["text"], row)
    return list(first.values()), len(agreed) - len(first), len(rows) - len(agreed)


def without_texts_of(pool: Rows, holdout: Rows) -> tuple[Rows, int]:
    """(pool without the texts of the holdout, number dropped)."""
    seen = {row["text"] for row in holdout}
    kept = [row for row in pool if row["text"] not in seen]
    return kept, len(pool) - len(kept)


def split(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """(pool, holdout) with about `share` of the rows in the holdout, label by label, groups never cut in two.

    rows    where they carry a `group`, all rows of a group go to one side
    share   in (0, 1); by groups it is rounded to one part in 2, 3, 4 and so on

    Raises Refused where a class has too few rows or groups to stand on both sides.
    """
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split

    counts = Counter(row["label"] for row in rows)
    rarest, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < 2:
        raise Refused(f"label {rarest} stands on a single row: no holdout can be split off; drop it or merge it with another")
    # As numbers: an array of strings takes the width of its longest in every row.
    numbers = {label: number for number, label in enumerate(sorted(counts))}
    labels = np.array([numbers[row["label"]] for row in rows])
    if any("group" in row for row in rows):
        parts = max(2, round(min(1 / share, len(rows) + 1)))
        groups = [row["group"] or f"row {number}" for number, row in enumerate(rows)]
        if min(len(set(groups)), max(counts.values())) < parts:
            raise Refused(
                f"params.yaml: prepare.holdout_share = {share}: a holdout by group wants at least {parts} groups and a label "
                f"with as many rows, found {len(set(groups))} and {max(counts.values())}; raise the share or set "
                f"prepare.group_column to none"
            )
        folds = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
        # Large groups always land in the same fold, whatever the shuffle: so the fold, too, is drawn.
        kept, held = list(folds.split(labels, labels, groups))[np.random.default_rng(seed).integers(parts)]
    else:
        held_rows = round(share * len(rows))
        if not len(counts) <= held_rows <= len(rows) - len(counts):
            raise Refused(
                f"params.yaml: prepare.holdout_share = {share}: {held_rows} of {len(rows)} rows cannot hold "
                f"{len(counts)} classes on both sides; change the share"
            )
        kept, held = train_test_split(np.arange(len(rows)), test_size=held_rows, stratify=labels, random_state=seed)
    for side, chosen in (("pool", kept), ("holdout", held)):
        absent = counts.keys() - {rows[i]["label"] for i in chosen}
        if absent:
            raise Refused(
                f"label {min(absent)} has too few rows or groups to stand in pool and holdout, the {side} has none; "
                f"drop it, merge it with another or change prepare.holdout_share"
            )
    return [rows[i] for i in sorted(kept)], [rows[i] for i in sorted(held)]


def classes(pool: Rows, holdout: Rows) -> list[str]:
    """Names of the pool's classes in order: as numbers where all are numbers, else by letter.

    Raises Refused for a single class and for a label of the holdout that the pool lacks.
    """
    names = {row["label"] for row in pool}
    if len(names) < 2:
        raise Refused(f"the pool has a single class ({', '.join(names) or 'none'}); a classifier needs two or more")
    strange = {row["label"] for row in holdout} - names
    if strange:
        raise Refused(
            f"the holdout has labels that the pool lacks: {', '.join(sorted(strange))}; the pool has {', '.join(sorted(names))}"
        )
    numbers = all(re.fullmatch(r"-?[0-9]{1,15}", name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))
