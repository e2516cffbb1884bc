"""Pure functions from raw rows to a pool and a holdout that share no text (base/keys.py). Each returns or prints what it drops."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from itertools import accumulate

from stages.core import task
from stages.core.base import keys
from stages.core.base.errors import Refused, choices
from stages.core.sources import spellings

Rows = list[dict]
ANOTHER_SPLIT = "change prepare.holdout_share or prepare.holdout_seed, bring more rows, or set prepare.group_column to none"


def partition(rows: Rows, belongs: Callable[[dict], bool]) -> tuple[Rows, Rows]:
    """(rows that belong, all others), each in order."""
    sides = ([], [])
    for row in rows:
        sides[not belongs(row)].append(row)
    return sides


def _names(rows: Rows) -> set[str]:
    """Names of the classes that some row has."""
    return {name for row in rows for name in task.names(row["label"])}


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
        rows_without = f"{len(empty):,} rows have no text, the first is row {rows.index(empty[0]) + 1:,}"
        raise Refused(f"{where}: {rows_without}; mend them or set prepare.empty_texts to drop")
    return filled, empty


def one_per_text(rows: Rows, labelled: bool) -> tuple[Rows, Rows, Rows]:
    """(one row per text, duplicates, rows of texts with conflicting labels), each in order.

    labelled   whether texts with conflicting labels go; if not, the first row of each stays, without a label
    """
    keyed = [(keys.key(row["text"]), row) for row in rows]
    labels, merged = defaultdict(set), task.of_rows(rows).merged
    for key, row in keyed:
        labels[key] |= {row["label"]} - {None, ""}
    if together := sum(len(said) > 1 and merged(said) is not None for said in labels.values()):
        print(f"prepare: {together:,} texts have their labels on several rows, which are joined")
    first, duplicates, conflicting = {}, [], []
    for key, row in keyed:
        disputed = len(labels[key]) > 1 and merged(labels[key]) is None
        if key in first:
            duplicates.append(row)
        elif disputed and labelled:
            conflicting.append(row)
        else:
            first[key] = {**row, "label": merged(labels[key])}
            conflicting += [row] if disputed else []
    return list(first.values()), duplicates, conflicting


def without_those_of(pool: Rows, holdout: Rows) -> tuple[Rows, Rows, Rows]:
    """(pool without the holdout's texts and groups, dropped rows of its texts, dropped rows of its groups)."""
    texts, groups = {keys.key(row["text"]) for row in holdout}, {row.get("group") for row in holdout} - {None, ""}
    others, of_texts = partition(pool, lambda row: keys.key(row["text"]) not in texts)
    kept, of_groups = partition(others, lambda row: row.get("group") not in groups)
    return kept, of_texts, of_groups


def unify_spellings(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """Both sides with one name per class, see spellings.unified. Prints the changes, and labels that look like slips."""
    name = spellings.unified(each for row in (*pool, *holdout) for each in task.names(row["label"]))
    if changed := sorted(label for label in name if name[label] != label):
        print(f"prepare: labels in two spellings are one class: {', '.join(f'{label!a} is {name[label]}' for label in changed)}")
    pool, holdout = ([{**row, "label": task.renamed(row["label"], name)} for row in rows] for rows in (pool, holdout))
    for line in spellings.slips(*map(_names, (pool, holdout))):
        print(f"prepare: {line}")
    return pool, holdout


def too_large(rows: Rows, wanted: float) -> set[str]:
    """Units of groups with over twice the rows `wanted` of the holdout: they stay in the pool. Prints how many they are."""
    counts = Counter(unit(row) for row in rows if row.get("group"))
    large = {name for name, count in counts.items() if count > max(1, 2 * wanted)}
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
    others is held out. Raises Refused if one side is empty.
    """
    rare = {
        name for name, count in Counter(name for row in rows for name in task.names(row["label"])).items() if count < rare_below
    }
    if rare:
        print(f"prepare: classes with fewer than {rare_below:,} rows stay in the pool: {', '.join(sorted(rare))}")
    wanted = share * len(rows)
    large = too_large(rows, wanted)
    held = wanted / max(1, sum(unit(row) not in large for row in rows)) if large else share
    kept = large | {unit(row) for row in rows if rare.intersection(task.names(row["label"]))}
    pool, holdout = partition(rows, lambda row: unit(row) in kept or keys.chance(unit(row), seed) >= held)
    if not pool or not holdout:
        raise Refused(
            f"params.yaml: prepare.holdout_share = {share}: of {len(rows):,} rows {len(holdout):,} fall to the holdout and "
            f"{len(pool):,} to the pool, and both need some; {ANOTHER_SPLIT}"
        )
    if missing := sorted(_names(pool) - _names(holdout)):
        print(f"prepare: the holdout has no row of class {', '.join(missing)}: too few rows or groups of it fell to that side")
    return pool, holdout


def drawn(rows: Rows, wanted: int, seed: int, fixed: Collection[str] = ()) -> tuple[Rows, Rows, Rows]:
    """(pool, holdout, rows left out because their group is in the holdout), where people label.

    rows     one per key; rows of one `group`, if given, stay on one side; groups that are `too_large` in the pool
    wanted   rows of the holdout, drawn at random; the last group is taken whole
    fixed    keys of a holdout that was asked already: it stays, whatever is wanted

    Raises Refused if nothing is left for one of the two.
    """
    if fixed:
        fixed = set(fixed)
        holdout, others = partition(rows, lambda row: keys.key(row["text"]) in fixed)
    else:
        rows_of = Counter(map(unit, rows))
        free = rows_of.keys() - (too_large(rows, wanted) if wanted else ())
        order = sorted(free, key=lambda name: (keys.chance(name, seed), name))
        rows_before = accumulate((rows_of[name] for name in order), initial=0)
        held = {name for name, before in zip(order, rows_before) if before < wanted}
        holdout, others = partition(rows, lambda row: unit(row) in held)
    pool, _, aside = without_those_of(others, holdout)
    if not pool or (wanted and not fixed and not holdout):
        lacking, change = ("holdout", "raise") if pool else ("pool", "lower")
        raise Refused(
            f"params.yaml: prepare.holdout_rows = {wanted}: of {len(rows):,} rows {len(holdout):,} fall to the holdout, and none "
            f"is left for the {lacking}; {change} it, bring more rows, or set prepare.group_column to none"
        )
    return pool, holdout, aside


def check_holdout_classes(pool: Rows, holdout: Rows, own: bool) -> None:
    """Print the classes of the holdout that the pool lacks. Measures count them as scikit-learn does.

    own   whether the holdout is the source's own

    Raises Refused if the two share no class, e.g. numbers against names: then nothing would be measured.
    """
    names, counts = _names(pool), Counter(name for row in holdout for name in task.names(row["label"]))
    strange = sorted(counts.keys() - names)
    if strange and not counts.keys() & names:
        raise Refused(
            f"the holdout and the pool share no label: the holdout has {', '.join(strange)}, the pool has "
            f"{', '.join(sorted(names))}; "
            + ("spell them alike, or name the column of both in prepare.label_column" if own else ANOTHER_SPLIT)
        )
    if strange:
        print(
            f"prepare: the holdout has classes that the pool lacks: {', '.join(strange)}; no model can learn them, so "
            f"{sum(counts[name] for name in strange):,} of its {len(holdout):,} rows count as mistakes; mend misspelt labels, and "
            "add what is no class to prepare.missing_labels"
        )


def classes(pool: Rows, holdout: Rows) -> list[str]:
    """Names of the classes of both sides, in numeric order if all are numbers, else alphabetical. Refuses a pool of one class."""
    names = _names(pool)
    if len(names) < 2:
        raise Refused(f"the pool has a single class ({', '.join(names) or 'none'}); a classifier needs two or more")
    names |= _names(holdout)
    numbers = all(re.fullmatch(r"-?[0-9]{1,15}", name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))


def named_classes(named: list[str], pool: Rows, holdout: Rows) -> list[str]:
    """The classes of labels.classes, in its order, or the source's in alphabetical order if it names none.

    Raises Refused for fewer than two, and for a label of the source that is not named.
    """
    found = _names(pool) | _names(holdout)
    if named and (strange := sorted(found - set(named))):
        raise Refused(
            f"params.yaml: labels.classes lacks {strange[0]}, a label of the source ({len(strange)} such); "
            f"{choices(strange[0], named)}; add it, give its new name in labels.rename, or add it to prepare.missing_labels"
        )
    names = named or sorted(found)
    if len(names) < 2:
        raise Refused(
            f"params.yaml: labels.classes = {named}: the source has {len(found)} classes, and a classifier needs two or more; "
            f"name them, such as [positive, negative]"
        )
    return names
