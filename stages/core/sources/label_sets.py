"""Labels of texts that may have several: lists, names with a separator between them, or a column of 0 and 1 for each label."""

import ast
import json
import re
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress
from typing import Any

from stages.core.base.errors import Refused, choices, short
from stages.core.sources import spellings
from stages.core.sources.tables import Table, as_text, cells, means
from stages.core.task import multi

# A separator is guessed where so many rows have one, and so many of these join labels that occur alone.
LEAST, SHARE, PURE = 10, 0.05, 0.9
DECIMAL = re.compile(r"\d+,\d+")
WRITTEN = re.compile(r"\[.*\]", re.DOTALL)
BESIDE = re.compile(r"""(['"])\s+(['"])""")  # in a list as NumPy writes it
YES, NO = {"1", "1.0", "true"}, {"0", "0.0", "false"}


@dataclass(frozen=True)
class LabelSets:
    """How the labels of a row are written."""

    columns: tuple[str, ...]  # one that has all labels, or one for each label
    separator: str = ""  # "" where cells are lists, or single labels
    blank_is_open: bool = False  # whether people still have to label a row with a blank cell; else it has none of the labels

    def labels(self, table: Table, prepare: Any, where: str) -> list[tuple[str, ...] | None]:
        """Names of each row's labels, none twice; None where they are missing. Raises Refused for a value that is no label."""
        missing = lambda name: any(means(wanted, name) for wanted in prepare.missing_labels)  # noqa: E731
        if len(self.columns) > 1:
            marks = [_marks(cells(table, column, where), f"{where}, column {column}", missing) for column in self.columns]
            is_open = all if self.blank_is_open else any  # who fills in the ones alone has answered
            return [None if is_open(mark is None for mark in row) else tuple(compress(self.columns, row)) for row in zip(*marks)]
        [column], made = self.columns, []
        for number, value in enumerate(table.values(column), start=1):
            try:
                none = isinstance(value, str) and value.strip() == multi.NONE and not missing(multi.NONE)
                names = [] if none else [as_text(part) for part in self._parts(value)]
                names = [name and name.strip() for name in names if name is None or spellings.visible(name)]
                if len(set(names)) < len(names) and not self.separator:
                    remedy = "mend it, or give each label a column of 0 and 1, named in prepare.label_columns"
                    raise ValueError(f"{str(value)[:60]} names a label twice; {remedy}")
            except (ValueError, OverflowError) as error:
                raise Refused(f"{where}, row {number:,}, column {column}: {short(error)}") from None
            made.append(None if None in names or any(map(missing, names)) else tuple(dict.fromkeys(names)))
        return made

    def _parts(self, value: Any) -> list[Any]:
        """The labels in a cell; [None] where it has nothing, not even an empty text."""
        if isinstance(value, list | tuple):
            return [part for part in value if part is not None]
        text = as_text(value)
        if self.blank_is_open and not spellings.visible(text or ""):
            return [None]
        if text and not self.separator and WRITTEN.fullmatch(text.strip()):
            return _elements(text.strip())
        return text.split(self.separator) if text and self.separator else [text]


def found(table: Table, prepare: Any, kind: str, column: str | None, blank_is_open: bool = False) -> LabelSets | None:
    """How the table gives several labels a text; None where each has one. Prints what was guessed.

    kind     labels.kind: auto, single or multi
    column   that has the labels, if there is one
    """
    made = partial(LabelSets, blank_is_open=blank_is_open)
    if prepare.label_columns and kind == "single":
        raise Refused(
            "params.yaml: prepare.label_columns names labels that a text may share, labels.kind is single; set it to multi"
        )
    if prepare.label_columns:
        return made(_named(table, prepare.label_columns))
    if lists := [value for value in table.values(column) if isinstance(value, list | tuple)]:
        return made((column,)) if kind == "multi" or max(map(len, lists)) > 1 else None
    if prepare.label_separator != "auto":
        return made((column,), prepare.label_separator)
    distinct = Counter(value.strip() for value in table.values(column) if isinstance(value, str))
    if_not = "; if not, set labels.kind: single" if kind == "auto" else ""
    if _are_lists(distinct, kind):
        print(f"prepare: texts have several labels, in lists{if_not}")
        return made((column,))
    sign = _guessed(distinct, kind)
    if sign:
        print(f"prepare: texts have several labels, with {sign} between them{if_not}")
    if kind == "multi" and blank_is_open:
        sign = sign or multi.BETWEEN
    return made((column,), sign) if sign or kind == "multi" else None


def _elements(written: str) -> list[Any]:
    """Of a list as JSON, Python or NumPy writes it, or of words in brackets with commas between."""
    for read, text in ((json.loads, written), (ast.literal_eval, BESIDE.sub(r"\1, \2", written))):
        with suppress(ValueError, SyntaxError, RecursionError):
            return [part for part in read(text) if part is not None]
    return [part for part in map(str.strip, written[1:-1].split(",")) if part]


def _are_lists(distinct: Counter[str], kind: str) -> bool:
    """Whether the labels are written lists, one of them longer than 1. "[0, 10]", without quotes, may be one label."""
    lists = {cell: [*map(str, _elements(cell))] for cell in distinct if WRITTEN.fullmatch(cell)}
    longer = {cell: parts for cell, parts in lists.items() if len(parts) > 1}
    if not longer or distinct.keys() - lists.keys() - {""}:
        return False
    alone = {parts[0] for parts in lists.values() if len(parts) == 1}
    return kind == "multi" or any("'" in cell or '"' in cell for cell in longer) or _surely(longer, alone, distinct)[0] > 0


def _surely(joined: dict[str, list[str]], alone: Container[str], distinct: Counter[str]) -> tuple[int, int]:
    """(the second number, or 0 where that is too few; rows whose labels all occur alone too: "Berlin, Germany" is one label)."""
    good = sum(distinct[cell] for cell, parts in joined.items() if all(part in alone for part in parts))
    enough = good >= max(LEAST, SHARE * distinct.total(), PURE * sum(map(distinct.get, joined)))
    return (good if enough else 0), good


def _guessed(distinct: Counter[str], kind: str) -> str:
    """The separator, or "". Its labels occur alone too; with kind multi it is enough that they occur in other rows."""
    sure = {}
    for sign in spellings.SIGNS_BETWEEN_LABELS:
        cells_with = [cell for cell in distinct if sign in cell and not DECIMAL.fullmatch(cell)]
        joined = {cell: [part.strip() for part in cell.split(sign)] for cell in cells_with}
        times = Counter(chain.from_iterable(joined.values()))
        known = (distinct.keys() - joined.keys()) | {part for part in times if kind == "multi" and times[part] > 1}
        sure[sign] = _surely(joined, known, distinct)
    sign = max(sure, key=sure.__getitem__)
    return sign if any(sure[sign]) and (kind == "multi" or sure[sign][0]) else ""


def _named(table: Table, wanted: Any) -> tuple[str, ...]:
    """The columns of prepare.label_columns, where "a..c" are all from a to c. Raises Refused for one that is not there."""
    names, setting = [], f"params.yaml: prepare.label_columns = {wanted}"
    for each in wanted:
        ends = [each] if any(means(each, column) for column in table.columns) else str(each).split("..")
        places = [next((i for i, column in enumerate(table.columns) if means(end, column)), None) for end in ends]
        if None in places or len(places) > 2 or places[0] > places[-1]:
            lacking = ends[places.index(None)] if None in places else each
            raise Refused(f"{setting}: {lacking} is no column, or no columns in that order; {choices(lacking, table.columns)}")
        names += table.columns[places[0] : places[-1] + 1]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise Refused(f"{setting}: {len(set(names))} different columns of {len(names)}; possible: two or more, none twice")
    return tuple(names)


def _marks(values: list[str | None], where: str, missing: Any) -> list[bool | None]:
    """Whether each row has the label; None where that is missing: an empty cell, or -1."""
    marks = {text: True for text in YES} | {text: False for text in NO} | {"": None, "-1": None}
    for number, value in enumerate(values, start=1):
        text = (value or "").strip().lower()
        if text not in marks and missing(value):
            marks[text] = None
        if text not in marks:
            raise Refused(
                f"{where}, row {number:,}: found {value}, possible: 1 and 0, true and false; mend it, or leave the column out"
            )
    return [marks[(value or "").strip().lower()] for value in values]
