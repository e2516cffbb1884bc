"""From raw rows to a pool and a holdout that share no text: pure functions, each counts what it drops."""

import re
from collections import Counter, defaultdict

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.sources import spellings

Rows = list[dict]


def normalised(rows: Rows, lower: bool) -> Rows:
    """Rows with None as empty text; lower-cased and stripped if `lower`."""
    texts = ((row["text"] or "") for row in rows)
    return [{**row, "text": text.lower().strip() if lower else text} for row, text in zip(rows, texts)]


def without_missing_labels(rows: Rows, where: str) -> tuple[Rows, Rows]:
    """(rows that have a label, rows that have none). Raises Refused where no row has one."""
    labelled, missing = [], []
    for row in rows:
        (missing if row["label"] in (None, "") else labelled).append(row)
    if missing and not labelled:
        raise Refused(f"{where}: none of {len(missing):,} rows has a label; is prepare.label_column the right column?")
    return labelled, missing


def without_empty(rows: Rows, empty_texts: str, where: str) -> Rows:
    """Rows that have a text; raises Refused instead if `empty_texts` is refuse."""
    empty = [number for number, row in enumerate(rows, start=1) if not row["text"].strip()]
    if empty and empty_texts == "refuse":
        raise Refused(
            f"{where}: {len(empty):,} rows have no text, the first is row {empty[0]:,}; "
            f"mend them or set prepare.empty_texts to drop"
        )
    return [row for row in rows if row["text"].strip()]


def without_duplicates(rows: Rows) -> tuple[Rows, Rows, Rows]:
    """Rows whose text stands once and with one label.

    Returns (rows, duplicates dropped, rows of contradictory texts dropped), each in order: of equal texts with equal labels
    the first stays, of equal texts with different labels none does.
    """
    labels = defaultdict(set)
    for row in rows:
        labels[row["text"]].add(row["label"])
    first, duplicates, contradictory = {}, [], []
    for row in rows:
        if len(labels[row["text"]]) > 1:
            contradictory.append(row)
        elif first.setdefault(row["text"], row) is not row:
            duplicates.append(row)
    return list(first.values()), duplicates, contradictory


def without_texts_of(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """(pool without the texts of the holdout, rows dropped)."""
    seen = {row["text"] for row in holdout}
    kept, shared = [], []
    for row in pool:
        (shared if row["text"] in seen else kept).append(row)
    return kept, shared


def unify_spellings(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """Both with the labels that are one class called alike, see spellings.unified; that, and what is likely a slip, is printed."""
    name = spellings.unified(row["label"] for row in (*pool, *holdout) if row["label"])
    if changed := sorted(label for label in name if name[label] != label):
        print(f"prepare: labels in two spellings are one class: {', '.join(f'{label} is {name[label]}' for label in changed)}")
    sides = [[{**row, "label": name.get(row["label"])} for row in rows] for rows in (pool, holdout)]
    for line in spellings.slips(*({row["label"] for row in rows} - {None} for rows in sides)):
        print(f"prepare: {line}")
    return sides[0], sides[1]


def split(rows: Rows, share: float, seed: int, rare_below: int = 0) -> tuple[Rows, Rows]:
    """(pool, holdout) with about `share` of the rows in the holdout.

    rows         where one carries a `group`, all rows of the group go to one side
    share        in (0, 1)
    rare_below   classes of fewer rows go to the pool alone, with the groups that their rows are of, which is printed

    Which side a text goes to depends on the text (or the group) and the seed alone: neither a label that is corrected nor a
    row that is added moves another. So the share is met about, and a class can be missing on one side, which is printed.
    Raises Refused where a side stays empty.
    """
    held = [keys.chance(f"group {row['group']}" if row.get("group") else keys.key(row["text"]), seed) < share for row in rows]
    if rare := sorted(name for name, count in Counter(row["label"] for row in rows).items() if count < rare_below):
        print(f"prepare: in the pool alone, for want of {rare_below:,} rows: {', '.join(rare)}")
        groups = {row.get("group") for row in rows if row["label"] in rare} - {None, ""}
        held = [away and row["label"] not in rare and row.get("group") not in groups for row, away in zip(rows, held)]
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


def check_holdout_classes(pool: Rows, holdout: Rows) -> None:
    """Print the classes of the source's own holdout that the pool lacks: they count as scikit-learn's measures have it.

    Raises Refused where the two share no class, as where one has numbers and the other names: then nothing would be measured.
    """
    names, counts = {row["label"] for row in pool}, Counter(row["label"] for row in holdout)
    strange = sorted(counts.keys() - names)
    if not strange:
        return
    if not counts.keys() & names:
        raise Refused(
            f"the holdout has labels that the pool lacks, and no other: {', '.join(strange)}; the pool has "
            f"{', '.join(sorted(names))}; spell them alike, or name the column of both in prepare.label_column"
        )
    print(
        f"prepare: the holdout has classes that the pool lacks: {', '.join(strange)}; no model can learn them, so "
        f"{sum(counts[name] for name in strange):,} of its {len(holdout):,} rows count as mistakes; mend what is misspelt, and "
        "name what is no class in prepare.missing_labels"
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
