"""`make add FILE=new.csv [TEXT=column]`: append the texts of a file to the data set that people label.

FILE is anything that `make predict IN=` reads. Its columns go into those of the data set with the same name, labels too; texts that
are there already are left out. Answers, holdout and rounds stay. labels/added.csv holds what was added, and when.
"""

import io
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.core.base import artifacts, keys, params, paths
from stages.core.base.errors import Refused, choices
from stages.core.new_texts import reading
from stages.core.people import appending
from stages.core.people.labelling import Labelling, begin
from stages.core.people.records import asked, conflicts, journal
from stages.core.sources import files, label_sets, spellings, splits, tables
from stages.core.task import multi


def main(file: str = "", column: str = "") -> None:
    state, prepare = begin(), params.read("prepare").prepare
    target, split = appending.target(prepare)
    before = journal.version(target)
    with redirect_stdout(io.StringIO()):  # what prepare says of the data set
        pool, own_holdout = splits.read(prepare, labelled=False, kind=state.settings.labels.kind)
    there = {keys.key(row["text"] or "") for row in (*pool, *(own_holdout or ()))}
    new, text_column, places = reading.fresh(file, column, prepare, there)
    if not places:
        print("nothing is added")
        return
    old = files.read_file(target, prepare.encoding)
    columns = {name.strip().lower(): name for name in new.columns}
    taken = {own: columns[own.strip().lower()] for own in old.columns if own.strip().lower() in columns}
    taken[tables.choose(prepare.text_column, splits.TEXT_COLUMNS, old, "prepare.text_column")] = text_column
    [label, *_] = [*tables.matching(prepare.label_column, splits.LABEL_COLUMNS, old), ""]
    sets = of_several(old, label, state)
    cells = {own: tables.cells(new, name, file, listed=True) for own, name in taken.items() if not (sets and own == label)}
    if sets and label in taken:
        listed = any(isinstance(value, list) for value in old.values(label))
        cells[label] = [as_there(value, sets, listed) for value in new.values(taken[label])]
    if prepare.split_column != "none":  # of a file that holds pool and holdout
        for own in tables.matching(prepare.split_column, splits.SPLIT_COLUMNS, old):
            cells[own] = [split] * len(next(iter(cells.values())))
    if sets and set(sets.columns) <= cells.keys():
        said = sets.labels(tables.Table(list(cells), cells.__getitem__), prepare, file)
    else:
        said = [(cell,) if cell else () for cell in cells.get(label, [""] * (1 + max(places.values())))]
    rows = {key: {own: values[place] for own, values in cells.items()} for key, place in places.items()}
    first = {name: place for place in reversed(places.values()) for name in said[place] or ()}
    for name, place in sorted(first.items(), key=lambda item: item[1]):
        refuse_unknown(name, state, f"{file}, row {place + 1:,}")
    if not own_holdout:
        keep_holdout(state, there)
    now, others = journal.stamp(datetime.now(UTC)), {"file": " ".join(Path(file).name.split())}
    added = [journal.Answer(key, " ".join("; ".join(said[place] or ()).split()), now, 0, others) for key, place in places.items()]
    with journal.locked():
        if journal.version(target) != before:
            raise Refused(f"{target} changed while the texts were read; nothing was added: run the same again")
        whole = appending.grown(target, prepare.encoding, list(rows.values()))
        journal.add(asked.ADDED, added, (*journal.COLUMNS, *others))  # first: a run that is killed between the two can be repeated
        appending.replace(target, whole)
    print(f"{target}: {len(rows):,} texts added, columns {', '.join(cells)}")
    print("next: make repro reads them, encodes only these, and says which lie far from the others; make label asks among all")


def of_several(old: tables.Table, label: str, state: Labelling) -> label_sets.LabelSets | None:
    """How the data set writes several labels; None where each text has one, or no column has any."""
    if not state.kind.nothing or not (label or state.settings.prepare.label_columns):
        return None
    with redirect_stdout(io.StringIO()):
        return label_sets.found(old, state.settings.prepare, state.settings.labels.kind, label or None, blank_is_open=True)


def as_there(value: Any, sets: label_sets.LabelSets, listed: bool) -> Any:
    """A cell with labels; a list in the form that the data set has."""
    if not isinstance(value, list):
        return tables.as_text(value)
    names = sets.separator.join(filter(None, map(tables.as_text, value))) or multi.NONE
    return value if listed else names if sets.separator else str(value)


def keep_holdout(state: Labelling, there: set[str]) -> None:
    """Write down the holdout that prepare drew, if no round asked for it yet: else it would be drawn again, among more rows."""
    if not asked.file_of(asked.HOLDOUT).exists() and paths.HOLDOUT.exists():
        held = [keys.key(text) for text in artifacts.texts(paths.HOLDOUT)]
        if held and there.issuperset(held):
            asked.add(asked.HOLDOUT, state.rows(held))


def refuse_unknown(label: str, state: Labelling, where: str) -> None:
    """Refuse, before anything is written, a label that prepare would refuse."""
    settings, classes = state.settings, state.settings.labels.classes
    shown = {spellings.visible(name): name for name in (*classes, *state.rename)}
    name = conflicts.renamed(shown.get(spellings.visible(label), label), state.rename)
    missing = not label.strip() or any(tables.means(wanted, label) for wanted in settings.prepare.missing_labels)
    if classes and not missing and name not in classes:
        raise Refused(
            f"{where}: label = {label}, which is no class; {choices(name, classes)}; correct it, add it to labels.classes or to "
            "prepare.missing_labels, or give its new name in labels.rename; nothing was added"
        )
