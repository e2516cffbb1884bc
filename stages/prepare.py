"""prepare: read the data set, clean it, and split off a holdout where it has none.

reads   params prepare.dataset: a package, a hub or files
writes  data/pool.jsonl      text, label, group where the source has one; line i is row i of every later artifact
        data/test.jsonl      the same for the holdout, which is used for measuring alone
        data/classes.json    names of the classes, in the order of their numbers
params  prepare
"""

from stages.core import artifacts, cleaning, settings, sources
from stages.core.errors import Refused, run


def main() -> None:
    prepare = settings.read("prepare").prepare
    pool, holdout = sources.read(prepare)
    pool = _clean(pool, prepare, "pool")
    if holdout is None:
        pool, holdout = cleaning.split(pool, prepare.holdout_share, prepare.holdout_seed)
    else:
        holdout = _clean(holdout, prepare, "holdout")
        pool, shared = cleaning.without_texts_of(pool, holdout)
        print(f"prepare: {shared:,} texts of the holdout dropped from the pool")
    classes = cleaning.classes(pool, holdout)
    settings.refuse_budget_over(len(pool))

    artifacts.save_jsonl(artifacts.POOL, pool)
    artifacts.save_jsonl(artifacts.HOLDOUT, holdout)
    artifacts.save_json(artifacts.CLASSES, classes)
    print(f"prepare: {len(pool):,} rows in the pool, {len(holdout):,} in the holdout, classes {', '.join(classes)}")


def _clean(rows: list[dict], prepare: settings.Prepare, where: str) -> list[dict]:
    rows = cleaning.normalised(rows, prepare.normalise)
    kept = cleaning.without_empty(rows, prepare.empty_texts, f"prepare.dataset = {prepare.dataset}, {where}")
    unique, duplicates, contradictory = cleaning.without_duplicates(kept)
    print(
        f"prepare: {where}: {len(rows):,} rows read; dropped {len(rows) - len(kept):,} empty, "
        f"{duplicates:,} duplicates, {contradictory:,} with two labels"
    )
    if not unique:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: the {where} has no row to use, see the counts above")
    return unique


if __name__ == "__main__":
    run(main)
