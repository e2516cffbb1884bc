"""From raw rows to a pool and a holdout that share no text: pure functions, each counts what it drops."""

import re
from collections import defaultdict

from stages.core.base import keys
from stages.core.base.errors import Refused

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
    """(pool, holdout) with about `share` of the rows in the holdout.

    rows    where one carries a `group`, all rows of the group go to one side
    share   in (0, 1)

    Which side a text goes to depends on the text (or the group) and the seed alone: neither a label that is corrected nor a
    row that is added moves another. So the share is met about, and a class can be missing on one side, which is printed.
    Raises Refused where a side stays empty.
    """
    held = [keys.chance(f"group {row['group']}" if row.get("group") else keys.key(row["text"]), seed) < share for row in rows]
    pool, holdout = ([row for row, away in zip(rows, held) if away == side] for side in (False, True))
    if not pool or not holdout:
        raise Refused(
            f"params.yaml: prepare.holdout_share = {share}: of {len(rows):,} rows {len(holdout):,} fall to the holdout and "
            f"{len(pool):,} to the pool, and both need some; change the share or prepare.holdout_seed, or bring more rows or groups"
        )
    names = [{row["label"] for row in side} for side in (pool, holdout)]
    for side, here, there in (("pool", *names), ("holdout", *names[::-1])):
        if missing := sorted(there - here):
            print(f"prepare: the {side} has no row of class {', '.join(missing)}: too few rows or groups of it fell to that side")
    return pool, holdout


def refuse_strange_labels(pool: Rows, holdout: Rows) -> None:
    """Raise Refused for a label of the source's own holdout that the pool lacks."""
    names = {row["label"] for row in pool}
    strange = {row["label"] for row in holdout} - names
    if strange:
        raise Refused(
            f"the holdout has labels that the pool lacks: {', '.join(sorted(strange))}; the pool has {', '.join(sorted(names))}"
        )


def classes(pool: Rows, holdout: Rows) -> list[str]:
    """Names of the classes of both in order: as numbers where all are numbers, else by letter.

    Raises Refused where the pool has a single class.
    """
    names = {row["label"] for row in pool}
    if len(names) < 2:
        raise Refused(f"the pool has a single class ({', '.join(names) or 'none'}); a classifier needs two or more")
    names |= {row["label"] for row in holdout}
    numbers = all(re.fullmatch(r"-?[0-9]{1,15}", name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))
