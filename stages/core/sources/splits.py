"""Reading a data set from an installed package, local files or a hub.

`read` gives rows, `{"text", "label", "group"?}`, for the pool and, if the source has one, the holdout, and prints what these are
and what is not used. `columns` gives columns of one split, for pairs of texts. Errors blame `setting`, a name in params.yaml.
"""

from collections import Counter
from typing import Any

from stages.core.base.errors import Refused, choices, short
from stages.core.sources import file_names, files, hub_sets, label_sets, spellings
from stages.core.sources.file_names import HOLDOUT_NAMES
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table, cells, choose, matching, means

TEXT_COLUMNS = ("text", "sentence", "review", "content", "document")
LABEL_COLUMNS = ("label", "labels", "category", "class", "target", "sentiment")
GROUP_COLUMNS = ("group",)
SPLIT_COLUMNS = ("split",)
NO_LABELS = (
    "; if each label has a column of 0 and 1, name these in prepare.label_columns; if there are no labels, let people label: "
    "labels.from: people, as in params/people.yaml"
)

Rows = list[dict[str, str | None]]


def read(prepare: Any, labelled: bool = True, kind: str = "single") -> tuple[Rows, Rows | None]:
    """(rows of the pool, rows of the source's own holdout or None).

    prepare    the section of params.yaml: dataset, config, encoding, splits, missing_labels, and text_column, label_column,
               group_column and split_column
    labelled   whether the pool needs a label column; if not, and auto finds none, all labels are None
    kind       labels.kind: where texts have several labels, `label` is a tuple of names (see `label_sets`)

    Texts are as in the source. Labels and groups have no blanks around them and are None if missing. Raises Refused for a data set
    that cannot be found, reached or read, and for a column or value that cannot be used.
    """
    tables, unused = _tables(prepare.dataset, "prepare.dataset", prepare.encoding, prepare.config)
    tables = _by_column(tables, prepare)
    pool_name = _pool(tables, prepare)
    table, of_several = tables[pool_name], None
    there = prepare.label_columns or labelled or prepare.label_column != "auto" or matching("auto", LABEL_COLUMNS, table)
    if there and (kind != "single" or prepare.label_columns):
        column = None if prepare.label_columns else _label_column(table, prepare)
        of_several = label_sets.found(table, prepare, kind, column, blank_is_open=not labelled)
    holdout_name = _holdout(tables, prepare, of_several)
    pool = _rows(table, prepare, pool_name, "pool", labelled, of_several)
    holdout = _rows(tables[holdout_name], prepare, holdout_name, "holdout", of_several=of_several) if holdout_name else None
    if holdout is None:
        print("prepare: the holdout is split off from the pool")
    if unused := [split for split in tables if split not in (pool_name, holdout_name)] + unused:
        print(f"prepare: not used: {', '.join(unused)}")
    return pool, holdout


def columns(dataset: str, setting: str, splits: tuple[str, ...], wanted: dict[str, tuple[str, tuple]]) -> dict[str, list]:
    """Columns of one split as text, None for empty cells.

    dataset   a path, a hub name or a packaged one, as in params `setting`
    splits    the first of these that exists is read; a single split may have any name
    wanted    key: (name as in params, names that auto looks for); the setting of column `left` is left_column

    Raises Refused as `read` does.
    """
    tables, _ = _tables(dataset, setting)
    split = next((split for split in splits if split in tables), next(iter(tables)))
    if len(tables) > 1 and split not in splits:
        raise Refused(f"params.yaml: {setting} = {dataset}: no split is called {splits[0]}; found {', '.join(tables)}")
    table, section = tables[split], setting.split(".")[0]
    for note in table.notes:
        print(f"{section}: {table.origin}: {note}")
    chosen = {key: choose(name, guesses, table, f"{section}.{key}_column") for key, (name, guesses) in wanted.items()}
    return {key: cells(table, name, f"{setting} = {dataset}, {split}") for key, name in chosen.items()}


def _tables(name: str, setting: str, encoding: str = "auto", config: Any = "none") -> tuple[dict[str, Table], list[str]]:
    """(splits of a data set by name, names of unused files)."""
    if name in PACKAGED:
        if config != "none":
            raise Refused(f"params.yaml: prepare.config = {config}: {name} has no configs; set it to none")
        return {name: PACKAGED[name]()}, []
    try:
        if path := files.local_path(name):
            return files.read(path, setting, encoding, config)
    except (OSError, RuntimeError, ValueError) as error:  # too long, an unknown ~user, a NUL, no access
        raise Refused(f"params.yaml: {setting} = {name[:300]!r} cannot be opened: {short(error)}") from None
    return hub_sets.read(name, setting, config), []


def _by_column(tables: dict[str, Table], prepare: Any) -> dict[str, Table]:
    """The splits that a column of the only table names, or the tables unchanged if there is no such column.

    Raises Refused if params name a column that does not give the split of every row.
    """
    setting = f"params.yaml: prepare.split_column = {prepare.split_column}"
    asked = prepare.split_column not in ("auto", "none")
    if asked and len(tables) > 1:
        raise Refused(f"{setting}: the source has splits of its own, {', '.join(tables)}; set it to auto, or name one file")
    (name, table), *others = tables.items()
    if others or prepare.split_column == "none" or not (asked or matching("auto", SPLIT_COLUMNS, table)):
        return tables
    column = choose(prepare.split_column, SPLIT_COLUMNS, table, "prepare.split_column")
    if not asked and column in (*matching(prepare.text_column, TEXT_COLUMNS, table), *matching(prepare.label_column, (), table)):
        return tables
    found = cells(table, column, f"prepare.dataset = {prepare.dataset}, {name}")
    split_of = [file_names.split_of_cell(cell or "") for cell in found]
    if None in split_of:
        strange = sorted({cell or "nothing" for cell, split in zip(found, split_of) if split is None})[:5]
        names = ", ".join(("train", *HOLDOUT_NAMES))
        problem = f"in {split_of.count(None):,} rows it is none of {names}, but e.g. {', '.join(strange)}"
        if asked:
            raise Refused(f"{setting}: {problem}; mend them or set it to none")
        print(f"prepare: column {column} is not used for splits: {problem}")
        return tables
    counts = Counter(split_of)
    print(f"prepare: splits by column {column}: {', '.join(f'{split} {rows:,} rows' for split, rows in counts.items())}")
    return {name: table.where([split == name for split in split_of]) for name in counts} if len(counts) > 1 else tables


def _pool(tables: dict[str, Table], prepare: Any) -> str:
    """Name of the pool's table."""
    if prepare.splits != "auto":
        for split in prepare.splits:
            if split not in tables:
                raise Refused(f"params.yaml: prepare.splits names {split}, which the source lacks; {choices(split, tables)}")
        return prepare.splits[0]
    if len(tables) == 1:
        return next(iter(tables))
    if "train" not in tables:
        raise Refused(
            f"params.yaml: prepare.dataset = {prepare.dataset}: one split must be train; found {', '.join(tables)}; "
            f"name the pool's and the holdout's in prepare.splits"
        )
    return "train"


def _holdout(tables: dict[str, Table], prepare: Any, of_several: Any) -> str | None:
    """Name of the holdout's table, if there is one. A candidate without labels is skipped."""
    if prepare.splits != "auto" or len(tables) == 1:
        return prepare.splits[1] if prepare.splits != "auto" and len(prepare.splits) > 1 else None
    candidates = [name for name in HOLDOUT_NAMES if name in tables]
    return next((name for name in candidates if not _labels_hidden(tables[name], prepare, name, of_several)), None)


def _labels_hidden(table: Table, prepare: Any, split: str, of_several: Any) -> bool:
    """Whether no row has a label. All labels of GLUE's test splits are -1, so validation is the holdout there."""
    found = of_several.columns if of_several else matching(prepare.label_column, LABEL_COLUMNS, table)
    if not found or not set(found) <= set(table.columns):
        return True
    return set(_labels(table, found[0], prepare, split, of_several)) in ({"-1"}, {None}, {("-1",)})


def _label_column(table: Table, prepare: Any) -> str:
    return choose(prepare.label_column, LABEL_COLUMNS, table, "prepare.label_column", NO_LABELS)


def _labels(table: Table, column: str, prepare: Any, split: str, of_several: Any) -> list[Any]:
    """Labels without blanks around them, since " pos" and "pos" are one class. None for missing ones."""
    if of_several:
        return of_several.labels(table, prepare, f"prepare.dataset = {prepare.dataset}, {split}")
    found = cells(table, column, f"prepare.dataset = {prepare.dataset}, {split}", listed=True)
    found = [value.strip() if value and spellings.visible(value) else None for value in found]
    missing = {value for value in set(found) - {None} if any(means(wanted, value) for wanted in prepare.missing_labels)}
    return [None if value in missing else value for value in found]


def _rows(table: Table, prepare: Any, split: str, role: str, labelled: bool = True, of_several: Any = None) -> Rows:
    """Rows of a split, whose columns are printed. `role` is pool or holdout."""
    picked = {"text": choose(prepare.text_column, TEXT_COLUMNS, table, "prepare.text_column")}
    if of_several:
        picked["label"] = " to ".join(dict.fromkeys((of_several.columns[0], of_several.columns[-1])))
    elif labelled or prepare.label_column != "auto" or matching("auto", LABEL_COLUMNS, table):
        picked["label"] = _label_column(table, prepare)
    if prepare.group_column != "none" and (prepare.group_column != "auto" or matching("auto", GROUP_COLUMNS, table)):
        picked["group"] = choose(prepare.group_column, GROUP_COLUMNS, table, "prepare.group_column")
    where = f"prepare.dataset = {prepare.dataset}, {split}"
    values = {"text": cells(table, picked["text"], where)}
    there = "label" in picked
    values["label"] = _labels(table, picked["label"], prepare, split, of_several) if there else [None] * len(values["text"])
    if "group" in picked:
        values["group"] = [value and value.strip() for value in cells(table, picked["group"], where)]
    origin = table.origin or split
    source = origin if origin == split or origin.startswith(f"{split}.") else f"{split} ({origin})"
    columns = ", ".join(column.strip() + (f" ({key})" if column.strip().lower() != key else "") for key, column in picked.items())
    print("; ".join([f"prepare: {role} from {source}, columns {columns}", *table.notes]))
    return [dict(zip(values, row)) for row in zip(*values.values())]
