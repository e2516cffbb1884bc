"""A plain table, such as labels/STAGE.csv with the labels filled in: `key` or the texts, and labels.

The column `label` holds the labels, and another column may say whose they are; or each annotator has a column, such as label_anna.
Where texts may have several labels, a column of 0 and 1 for each class does too.
"""

import re
from collections.abc import Iterator
from typing import Any

from stages.core.base import formulas, keys
from stages.core.base.errors import Refused, choices
from stages.core.people.labelling import Labelling
from stages.core.people.records import spreadsheets
from stages.core.people.tools.exchange import ID, ToolAnswer
from stages.core.sources.label_sets import LabelSets
from stages.core.sources.splits import LABEL_COLUMNS, TEXT_COLUMNS
from stages.core.sources.tables import Table, cells, matching

OF_ONE = re.compile(r"label[_: ]\s*(.+)", re.IGNORECASE)  # the column of one annotator


def read(table: Table, file: str, state: Labelling, who_column: str = "") -> Iterator[ToolAnswer]:
    """Rows without a label are left out. Raises Refused, naming file and row, for columns or cells that cannot be used."""
    own = {column.strip().lower(): found[1] for column in table.columns if (found := OF_ONE.fullmatch(column.strip()))}
    table, who_column = spreadsheets.lower_case(table), who_column.strip().lower()
    names = (LABEL_COLUMNS, TEXT_COLUMNS, ("key", ID))
    label_column, text_column, key_column = (next(iter(matching("auto", guesses, table)), None) for guesses in names)
    if who_column and who_column not in table.columns:
        raise Refused(f"WHO_COLUMN={who_column}: {file} has no such column; {choices(who_column, table.columns)}")
    if label_column and own and not any(map(str.strip, map(str, table.values(label_column)))):
        label_column = None  # nobody filled it in
    marked = _marked(table, file, state)
    annotators = {label_column: ""} if label_column else own if own and not who_column else {"": ""} if marked else {}
    if not annotators or not (key_column or text_column):
        found = ", ".join(table.columns)[:200] or "none, since it is empty"
        raise Refused(f"{file} has columns {found}, possible: label, and key or text; rename them")
    for column, annotator in annotators.items():
        labels = _labels(table, column, file, state) if column else [None] * len(marked)
        if marked and annotator == "":
            labels = [mark if names is None else names for names, mark in zip(labels, marked)]
        texts = cells(table, text_column, file) if text_column else [None] * len(labels)
        its_keys = cells(table, key_column, file) if key_column else [keys.key(formulas.unguarded(text or "")) for text in texts]
        whose = cells(table, who_column, file) if who_column else [annotator] * len(labels)
        for number, (key, text, names, who) in enumerate(zip(its_keys, texts, labels, whose), start=1):
            who = (who or "").strip()
            if names is not None and who_column and not who:
                raise Refused(f"{file}, row {number:,}: {who_column} is empty; name who gave the label {'; '.join(names)[:60]}")
            if names is not None:
                yield ToolAnswer(f"row {number:,}", (key or "").strip() or "none", text or "", names, who)


def _marked(table: Table, file: str, state: Labelling) -> list[tuple[str, ...] | None]:
    """The names by columns of 0 and 1, one for each class; None where all are blank. Nothing without such columns."""
    name_of = {name.strip().lower(): name for name in state.classes}
    if not state.kind.nothing or len(name_of) < len(state.classes) or not set(name_of) <= set(table.columns):
        return []
    said = LabelSets(tuple(name_of), blank_is_open=True).labels(table, _usual(state), file)
    return [names if names is None else tuple(map(name_of.get, names)) for names in said]


def _usual(state: Labelling) -> Any:
    """Section prepare of params.yaml without its missing labels: among answers, "?" says that one cannot say."""
    return state.settings.prepare.model_copy(update={"missing_labels": []})


def _labels(table: Table, column: str, file: str, state: Labelling) -> list[tuple[str, ...] | None]:
    """The names in each cell; None where it is blank."""
    if state.kind.nothing:
        separator = state.settings.prepare.label_separator
        sets = LabelSets((column,), "" if separator == "auto" else separator, blank_is_open=True)
        return sets.labels(table, _usual(state), file)
    return [(label.strip(),) if label and label.strip() else None for label in cells(table, column, file, listed=True)]
