"""Pure functions from rows with few or no labels to a pool and a holdout that people label."""

from collections import Counter
from collections.abc import Collection
from itertools import accumulate

from stages.core.base import keys
from stages.core.base.errors import Refused, choices
from stages.core.sources import cleaning
from stages.core.sources.cleaning import Rows, partition, unit


def drawn(rows: Rows, wanted: int, seed: int, fixed: Collection[str] = ()) -> tuple[Rows, Rows, Rows]:
    """(pool, holdout, rows left out because their group is in the holdout).

    rows     one per key; rows of one `group`, if given, stay on one side; groups that are cleaning.too_large in the pool
    wanted   rows of the holdout, drawn at random; the last group is taken whole
    fixed    keys of a holdout that was asked already: it stays, whatever is wanted

    Raises Refused if nothing is left for one of the two.
    """
    if fixed:
        fixed = set(fixed)
        holdout, others = partition(rows, lambda row: keys.key(row["text"]) in fixed)
    else:
        rows_of = Counter(map(unit, rows))
        free = rows_of.keys() - (cleaning.too_large(rows, wanted) if wanted else ())
        order = sorted(free, key=lambda name: (keys.chance(name, seed), name))
        rows_before = accumulate((rows_of[name] for name in order), initial=0)
        held = {name for name, before in zip(order, rows_before) if before < wanted}
        holdout, others = partition(rows, lambda row: unit(row) in held)
    pool, _, aside = cleaning.without_those_of(others, holdout)
    if not pool or (wanted and not fixed and not holdout):
        lacking, change = ("holdout", "raise") if pool else ("pool", "lower")
        raise Refused(
            f"params.yaml: prepare.holdout_rows = {wanted}: of {len(rows):,} rows {len(holdout):,} fall to the holdout, and none "
            f"is left for the {lacking}; {change} it, bring more rows, or set prepare.group_column to none"
        )
    return pool, holdout, aside


def classes(named: list[str], pool: Rows, holdout: Rows) -> list[str]:
    """The classes of labels.classes, in its order, or the source's in alphabetical order if it names none.

    Raises Refused for fewer than two, and for a label of the source that is not named.
    """
    found = {row["label"] for row in (*pool, *holdout)} - {None, ""}
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
