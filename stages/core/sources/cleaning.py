"""Pure functions from raw rows to a pool and a holdout that share no text. Each returns or prints what it drops.

Two texts with one key (see base/keys.py) are one text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.sources import spellings

Rows = list[dict]
TOO_LARGE = 2  # times the rows that the holdout is to have: a group of more rows than that would make up most of it


def partition(rows: Rows, belongs: Callable[[dict], bool]) -> tuple[Rows, Rows]:
    """(rows that belong, all others), each in order."""
    sides = ([], [])
    for row in rows:
        sides[not belongs(row)].append(row)
    return sides


def unit(row: dict) -> str:
    """What a row goes to a side with: its group, or its text's key if it has none."""
    return f"group {row['group']}" if row.get("group") else keys.key(row["text"])


def without_missing_labels(rows: Rows, where: str) -> tuple[Rows, Rows]:
    """(rows with a label, rows without). Raises Refused if no row has one."""
    labelled, missing = partition(rows, lambda row: row["label"] not in (None, ""))
    if missing and not labelled:
        raise Refused(f"{where}: none of {len(missing):,} rows has a label; is prepare.label_column the right column?")
    return labelled, missing


def without_empty(rows: Rows, empty_texts: str, where: str) -> tuple[Rows, Rows]:
    """(rows with a text, rows without). If `empty_texts` is refuse, raises Refused for the latter."""
    filled, empty = partition(rows, lambda row: row["text"].strip() != "")
    if empty and empty_texts == "refuse":
        first = next(number for number, row in enumerate(rows, start=1) if not row["text"].strip())
        raise Refused(
            f"{where}: {len(empty):,} rows have no text, the first is row {first:,}; mend them or set prepare.empty_texts to drop"
        )
    return filled, empty


def without_duplicates(rows: Rows) -> tuple[Rows, Rows, Rows]:
    """(rows to keep, duplicates, rows of texts with conflicting labels), each in order.

    The first of equal texts with one label stays. Of equal texts with several labels none stays.
    """
    keyed = [(keys.key(row["text"]), row) for row in rows]
    labels = defaultdict(set)
    for key, row in keyed:
        labels[key].add(row["label"])
    first, duplicates, conflicting = {}, [], []
    for key, row in keyed:
        if len(labels[key]) > 1:
            conflicting.append(row)
        elif first.setdefault(key, row) is not row:
            duplicates.append(row)
    return list(first.values()), duplicates, conflicting


def without_texts_of(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """(pool without the holdout's texts, dropped rows)."""
    held = {keys.key(row["text"]) for row in holdout}
    return partition(pool, lambda row: keys.key(row["text"]) not in held)


def without_groups_of(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """(pool without rows of the holdout's groups, dropped rows)."""
    held = {row.get("group") for row in holdout} - {None, ""}
    return partition(pool, lambda row: row.get("group") not in held)


def unify_spellings(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """Both sides with one name per class, see spellings.unified. Prints the changes, and labels that look like slips."""
    name = spellings.unified(row["label"] for row in (*pool, *holdout) if row["label"])
    if changed := sorted(label for label in name if name[label] != label):
        shown = (one if spellings.visible(one) == one else f"{one!a}, which looks the same," for one in changed)
        said = ", ".join(f"{label} is {name[one]}" for label, one in zip(shown, changed))
        print(f"prepare: labels in two spellings are one class: {said}")
    pool, holdout = ([{**row, "label": name.get(row["label"])} for row in rows] for rows in (pool, holdout))
    for line in spellings.slips(*({row["label"] for row in rows} - {None} for rows in (pool, holdout))):
        print(f"prepare: {line}")
    return pool, holdout


def too_large(rows: Rows, wanted: float) -> set[str]:
    """Units of groups with over twice the rows `wanted` of the holdout: they stay in the pool. Prints how many there are."""
    counts = Counter(unit(row) for row in rows if row.get("group"))
    large = {name for name, count in counts.items() if count > max(1, TOO_LARGE * wanted)}
    if large:
        print(f"prepare: {len(large):,} groups are too large for a holdout of {wanted:,.0f} rows and stay in the pool")
    return large


def split(rows: Rows, share: float, seed: int, rare_below: int = 0) -> tuple[Rows, Rows]:
    """(pool, holdout) with about `share` of the rows in the holdout.

    rows         rows of one `group`, if given, stay on one side; groups that are `too_large` in the pool
    share        in (0, 1)
    rare_below   classes with fewer rows, and the groups of these rows, go to the pool; printed

    The side of a row depends only on the seed and its text or group. So a corrected label or an added row moves no other row,
    the share is met approximately, and one side can lack a class, which is printed. If a group is too large, a larger share of the
    others is held out. Raises Refused if one side is empty, or if the two share no class.
    """
    rare = {name for name, count in Counter(row["label"] for row in rows).items() if count < rare_below}
    if rare:
        print(f"prepare: classes with fewer than {rare_below:,} rows stay in the pool: {', '.join(sorted(rare))}")
    wanted = share * len(rows)
    large = too_large(rows, wanted)
    held = wanted / max(1, sum(unit(row) not in large for row in rows)) if large else share
    kept = large | {unit(row) for row in rows if row["label"] in rare}
    pool, holdout = partition(rows, lambda row: unit(row) in kept or keys.chance(unit(row), seed) >= held)
    remedy = "change the share or prepare.holdout_seed, or bring more rows or groups"
    if any(row.get("group") for row in rows):
        remedy += "; rows of one group stay on one side, unless prepare.group_column is none"
    if not pool or not holdout:
        raise Refused(
            f"params.yaml: prepare.holdout_share = {share}: of {len(rows):,} rows {len(holdout):,} fall to the holdout and "
            f"{len(pool):,} to the pool, and both need some; {remedy}"
        )
    names = [{row["label"] for row in side} for side in (pool, holdout)]
    _refuse_disjoint(*names, f"it was split off by prepare.holdout_share = {share}: {remedy}")
    for side, here, there in (("pool", *names), ("holdout", *names[::-1])):
        if missing := sorted(there - here):
            print(f"prepare: the {side} has no row of class {', '.join(missing)}: too few rows or groups of it fell to that side")
    return pool, holdout


def check_holdout_classes(pool: Rows, holdout: Rows) -> None:
    """Print the classes of the source's own holdout that the pool lacks. Measures count them as scikit-learn does.

    Raises Refused if the two share no class, e.g. numbers against names: then nothing would be measured.
    """
    names, counts = {row["label"] for row in pool}, Counter(row["label"] for row in holdout)
    strange = sorted(counts.keys() - names)
    _refuse_disjoint(names, set(counts), "spell them alike, or name the column of both in prepare.label_column")
    if strange:
        print(
            f"prepare: the holdout has classes that the pool lacks: {', '.join(strange)}; no model can learn them, so "
            f"{sum(counts[name] for name in strange):,} of its {len(holdout):,} rows count as mistakes; mend misspelt labels, and "
            "add what is no class to prepare.missing_labels"
        )


def _refuse_disjoint(pool: set[str], holdout: set[str], remedy: str) -> None:
    """Raise Refused if no class is on both sides: then nothing would be measured."""
    if not pool & holdout:
        raise Refused(
            f"the holdout and the pool share no label: the holdout has {', '.join(sorted(holdout))}, the pool has "
            f"{', '.join(sorted(pool))}; {remedy}"
        )


def classes(pool: Rows, holdout: Rows) -> list[str]:
    """Names of the classes of both sides: in numeric order if all are numbers, else in alphabetical order.

    Raises Refused if the pool has a single class.
    """
    names = {row["label"] for row in pool}
    if len(names) < 2:
        raise Refused(f"the pool has a single class ({', '.join(names) or 'none'}); a classifier needs two or more")
    names |= {row["label"] for row in holdout}
    numbers = all(re.fullmatch(r"-?[0-9]{1,15}", name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))
