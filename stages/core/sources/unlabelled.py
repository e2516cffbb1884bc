"""From raw rows of which few or none have a label to a pool and a holdout that people label: pure functions.

What a text is known by is its key (see keys): two rows of one key are one, since one answer is given to both.
"""

from collections import defaultdict
from collections.abc import Collection

from stages.core.base import keys
from stages.core.base.errors import Refused, choices

Rows = list[dict]


def one_per_key(rows: Rows) -> tuple[Rows, Rows, Rows]:
    """(rows of different keys, duplicates dropped, rows that stay without a label since their text stands with two), in order."""
    labels = defaultdict(set)
    of_row = [keys.key(row["text"]) for row in rows]
    for key, row in zip(of_row, rows):
        labels[key] |= {row["label"]} - {None, ""}
    first, duplicates, disputed = {}, [], []
    for key, row in zip(of_row, rows):
        if key in first:
            duplicates.append(row)
        else:
            first[key] = {**row, "label": next(iter(labels[key])) if len(labels[key]) == 1 else None}
            disputed += [row] if len(labels[key]) > 1 else []
    return list(first.values()), duplicates, disputed


def without_keys_of(pool: Rows, holdout: Rows) -> tuple[Rows, Rows]:
    """(pool without the texts of the holdout, rows dropped)."""
    held = {keys.key(row["text"]) for row in holdout}
    sides = ([], [])
    for row in pool:
        sides[keys.key(row["text"]) in held].append(row)
    return sides


def drawn(rows: Rows, wanted: int, seed: int, fixed: Collection[str] = ()) -> tuple[Rows, Rows, Rows]:
    """(pool, holdout, rows that are left out since their group is in the holdout).

    rows     of different keys; where one carries a `group`, all rows of the group go to one side
    wanted   rows of the holdout, drawn at random; a group that is begun is taken whole
    fixed    keys of the holdout where it was asked already: then it stays, whatever is wanted

    Raises Refused where nothing would be left in the pool.
    """
    if fixed:
        fixed = set(fixed)
        held = [keys.key(row["text"]) in fixed for row in rows]
    else:
        unit = [f"group {row['group']}" if row.get("group") else keys.key(row["text"]) for row in rows]
        members = defaultdict(list)
        for place, name in enumerate(unit):
            members[name].append(place)
        held, count = [False] * len(rows), 0
        for name in sorted(members, key=lambda name: (keys.chance(name, seed), name)):
            if count >= wanted:
                break
            count += len(members[name])
            for place in members[name]:
                held[place] = True
    groups = {row.get("group") for row, away in zip(rows, held) if away} - {None, ""}
    holdout = [row for row, away in zip(rows, held) if away]
    pool = [row for row, away in zip(rows, held) if not away and row.get("group") not in groups]
    aside = [row for row, away in zip(rows, held) if not away and row.get("group") in groups]
    if not pool:
        raise Refused(
            f"params.yaml: prepare.holdout_rows = {wanted}: of {len(rows):,} rows {len(holdout):,} fall to the holdout, and none "
            f"is left for the pool; lower it, bring more rows, or set prepare.group_column to none"
        )
    return pool, holdout, aside


def classes(named: list[str], pool: Rows, holdout: Rows) -> list[str]:
    """The classes that labels.classes names, in its order; where it names none, those of the source, by letter.

    Raises Refused where there are fewer than two, or where the source has one that is not named.
    """
    found = {row["label"] for row in (*pool, *holdout)} - {None, ""}
    if named and (strange := sorted(found - set(named))):
        raise Refused(
            f"params.yaml: labels.classes lacks {strange[0]}, a label of the source ({len(strange)} such); "
            f"{choices(strange[0], named)}; add it, tell its new name in labels.rename, or name it in prepare.missing_labels"
        )
    names = named or sorted(found)
    if len(names) < 2:
        raise Refused(
            f"params.yaml: labels.classes = {named}: the source has {len(found)} classes, and a classifier needs two or more; "
            f"name them, such as [positive, negative]"
        )
    return names
