"""prepare: read the data set, clean it, split off a holdout if it has none, and store texts and labels apart.

reads   params prepare.dataset: a package, a hub or files; if people label, labels/holdout.csv; data/inputs/prepare.json, which
        changes when the content of the data set does
writes  data/pool.jsonl                 text as in the source, group if there is one; line i is row i of every later artifact
        data/source_labels.npy          labels [pool]     from the source, as in stages/core/task; -1 if it gives none
        data/holdout.jsonl              as pool.jsonl; used only for measuring
        data/source_holdout_labels.npy  labels [holdout]
        data/classes.json               names of the classes, in the order of their numbers
        data/prepare.json               how many rows there are, and how many were dropped
        data/dropped.json               a few dropped rows of each kind
params  prepare, labels.kind, labels.from, labels.classes, labels.rename

If people label (labels.from), rows need no label, labels.classes names the classes, and the holdout is prepare.holdout_rows
random rows, which are labelled first. Once labels/holdout.csv exists, the holdout is the rows in it.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from stages.core import task
from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.people.records import asked, conflicts
from stages.core.sources import cleaning, spellings, splits

Rows = cleaning.Rows
CLASSES_SHOWN = 20  # in a printed line
EXAMPLES, CHARACTERS = 5, 300  # dropped rows of each kind that are stored, and how much of each


@dataclass(frozen=True)
class Prepared:
    """The cleaned data set: rows {"text", "label", "group"?}; if people label, the label may be None."""

    pool: Rows
    holdout: Rows  # shares no text with the pool
    classes: list[str]  # names of the labels, in the order of their numbers
    kind: task.Task
    dropped: dict[str, Rows]  # the rows of each kind that were


def main() -> None:
    settings = params.read("prepare", "labels.kind", "labels.from", "labels.classes", "labels.rename")
    made = prepared(settings.prepare, settings)
    kind = made.kind
    holdout = (made.holdout, paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS)
    for rows, texts, labels in ((made.pool, paths.POOL, paths.SOURCE_LABELS), holdout):
        artifacts.save(labels, kind.array([row["label"] for row in rows], made.classes))
        artifacts.save_jsonl(texts, ({key: value for key, value in row.items() if key != "label"} for row in rows))
    artifacts.save_json(paths.CLASSES, task.stored(kind, made.classes))
    counts = {"pool_rows": len(made.pool), "holdout_rows": len(made.holdout), "classes": len(made.classes)}
    artifacts.save_json(paths.COUNTS, counts | {kind: len(rows) for kind, rows in made.dropped.items()})
    shown = lambda row: {"text": row["text"][:CHARACTERS], "label": "; ".join(task.names(row["label"])) or None}  # noqa: E731
    artifacts.save_json(paths.DROPPED, {kind: list(map(shown, rows[:EXAMPLES])) for kind, rows in made.dropped.items()})


def prepared(prepare: Any, labels: Any) -> Prepared:
    """Read and clean the data set, print what was found and dropped, and write nothing.

    prepare   the section of params.yaml
    labels    kind, from, classes and rename of the section labels

    Raises Refused if the source cannot be read or its rows cannot train or measure anything.
    """
    people = vars(labels)["from"] == "people"
    pool, holdout = splits.read(prepare, not people, labels.kind)
    kind = task.of_rows([*pool, *(holdout or ())], "multi" if prepare.label_columns else labels.kind)
    own_holdout, dropped = holdout is not None, {}
    pool, holdout = cleaning.unify_spellings(pool, holdout or [])
    if people:
        known = {spellings.visible(name): name for name in (*labels.classes, *vars(labels.rename))}
        for row in (*pool, *holdout):
            now = {name: known.get(spellings.visible(name), name) for name in task.names(row["label"])}
            now = {name: conflicts.renamed(now[name], vars(labels.rename)) for name in now}
            row["label"] = task.renamed(row["label"], now)
    pool = _clean(pool, prepare, "pool", dropped, labelled=not people)
    if own_holdout:
        holdout = _clean(holdout, prepare, "holdout", dropped)
        before = len(pool)
        pool, shared, aside = cleaning.without_those_of(pool, holdout)
        dropped |= {"pool_texts_of_the_holdout": shared, "of_groups_of_the_holdout": aside}
        of_groups = f"{len(aside):,} other rows of its groups{_example(aside)}"
        print(f"prepare: {len(shared):,} texts of the holdout dropped from the pool{_example(shared)}, and {of_groups}")
        if not pool:
            raise Refused(
                f"params.yaml: prepare.dataset = {prepare.dataset}: all {before:,} rows of the pool have a text or a group of the "
                f"holdout; give another holdout, or train alone, from which one is split off, or set prepare.group_column to none"
            )
    elif people:
        fixed = asked.keys(asked.HOLDOUT)
        pool, holdout, aside = cleaning.drawn(pool, prepare.holdout_rows, prepare.holdout_seed, fixed)
        dropped["of_groups_of_the_holdout"] = aside
        origin = f"those of {asked.file_of(asked.HOLDOUT)}" if fixed else "drawn at random, to be labelled first"
        print(f"prepare: holdout of {len(holdout):,} rows, {origin}; {len(aside):,} rows of their groups left out{_example(aside)}")
    else:
        pool, holdout = cleaning.split(pool, prepare.holdout_share, prepare.holdout_seed, prepare.rare_below)
    if not people:
        cleaning.check_holdout_classes(pool, holdout, own_holdout)
    classes = cleaning.named_classes(list(labels.classes), pool, holdout) if people else cleaning.classes(pool, holdout)
    if strange := [name for name in classes if task.names(kind.read(name)) != (name,)]:
        raise Refused(
            f"class {strange[0]!r}: written down, it cannot be told from several names with ; between, or from none of them; give "
            f"it another name in the data set and in labels.classes"
        )
    print(
        f"prepare: {len(pool):,} rows in the pool, {len(holdout):,} in the holdout; "
        f"pool {_by_class(pool)}; holdout {_by_class(holdout)}"
    )
    print(f"prepare: {kind.described(pool)}")
    return Prepared(pool, holdout, classes, kind, dropped)


def _clean(rows: Rows, prepare: Any, where: str, dropped: dict[str, Rows], labelled: bool = True) -> Rows:
    """The usable rows. What is dropped is printed, and added to `dropped` by its kind."""
    source = f"prepare.dataset = {prepare.dataset}, {where}"
    rows = [{**row, "text": row["text"] or ""} for row in rows]
    filled, empty = cleaning.without_empty(rows, prepare.empty_texts, source)
    kept, without_label = cleaning.without_missing_labels(filled, source) if labelled else (filled, [])
    unique, duplicates, conflicting = cleaning.one_per_text(kept, labelled)
    kinds = {"empty": empty, "unlabelled": without_label, "duplicates": duplicates, "with_two_labels": conflicting}
    dropped |= {f"{where}_{kind}": gone for kind, gone in kinds.items()}
    counts = ", ".join(f"{len(gone):,} {kind.replace('_', ' ')}{_example(gone)}" for kind, gone in kinds.items())
    print(f"prepare: {where}: {len(rows):,} rows read, {_by_class(rows)}; dropped {counts}")
    if not unique:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: the {where} has no row to use, see the counts above")
    return unique


def _example(rows: Rows) -> str:
    """The first row, so that a person can find it."""
    if not rows:
        return ""
    text, label = rows[0]["text"], "; ".join(task.names(rows[0]["label"]))
    return f" ({text[:60]!r}{f', {label}' if label else ''})"


def _by_class(rows: Rows) -> str:
    """Labelled rows per class, the largest class first."""
    counts = Counter(name for row in rows for name in task.names(row["label"])).most_common()
    more = f" and {len(counts) - CLASSES_SHOWN:,} classes more" if len(counts) > CLASSES_SHOWN else ""
    return f"{', '.join(f'{name}: {count:,}' for name, count in counts[:CLASSES_SHOWN])}{more}" or "none labelled"
