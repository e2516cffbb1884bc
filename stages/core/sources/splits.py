"""Where texts come from: the splits of a data set, be it in an installed package, in files or on a hub.

`read` gives plain rows, `{"text", "label", "group"?}`, for the pool and, where the source has one, the holdout;
`columns` gives chosen columns of one split, for pairs of texts. `setting` is the name in params.yaml that an error blames.
"""

from typing import Any

from stages.core.base.errors import Refused, short
from stages.core.sources import files, hub_sets
from stages.core.sources.files import HOLDOUT_NAMES
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table, cells, choose, matching

TEXT_COLUMNS = ("text", "sentence", "review", "content", "document")
LABEL_COLUMNS = ("label", "labels", "category", "class", "target", "sentiment")
GROUP_COLUMNS = ("group",)

Rows = list[dict[str, str | None]]


def read(prepare: Any) -> tuple[Rows, Rows | None]:
    """Rows of the pool, and of the source's own holdout or None.

    prepare   the section of params.yaml: dataset, text_column, label_column, group_column

    Texts come as they stand in the source, labels and groups without blanks around them; None where one is
    missing. Raises Refused for a dataset that is unknown, out of reach or unreadable, and for a column or value
    that cannot be used.
    """
    tables = _tables(prepare.dataset, "prepare.dataset")
    pool_name, holdout_name = _splits(tables, prepare)
    print(f"prepare: pool from {pool_name}, holdout from {holdout_name or 'the pool, split off here'}")
    pool = _rows(tables[pool_name], prepare, pool_name)
    return pool, _rows(tables[holdout_name], prepare, holdout_name) if holdout_name else None


def columns(dataset: str, setting: str, splits: tuple[str, ...], wanted: dict[str, tuple[str, tuple]]) -> dict[str, list]:
    """Columns of one split, as text, None where a cell is empty.

    dataset   a path, a hub name or a packaged one, as in params `setting`
    splits    the first of these that is there is read; of a single split its name does not matter
    wanted    key: (name as in params, names that auto looks for); the setting of column `left` is left_column

    Raises Refused as `read` does.
    """
    tables = _tables(dataset, setting)
    split = next((split for split in splits if split in tables), next(iter(tables)))
    if len(tables) > 1 and split not in splits:
        raise Refused(f"params.yaml: {setting} = {dataset}: no split is called {splits[0]}; found {', '.join(tables)}")
    table, section = tables[split], setting.split(".")[0]
    names = {key: choose(name, guesses, table, f"{section}.{key}_column") for key, (name, guesses) in wanted.items()}
    return {key: cells(table, name, f"{setting} = {dataset}, {split}") for key, name in names.items()}


def _tables(name: str, setting: str) -> dict[str, Table]:
    """The splits of a data set by their names."""
    if name in PACKAGED:
        return {name: PACKAGED[name]()}
    try:
        if path := files.local_path(name):
            return files.read(path, setting)
    except (OSError, RuntimeError, ValueError) as error:  # too long, an unknown ~user, a NUL, no access
        raise Refused(f"params.yaml: {setting} = {name[:300]!r} cannot be opened: {short(error)}") from None
    return hub_sets.read(name, setting)


def _splits(tables: dict[str, Table], prepare: Any) -> tuple[str, str | None]:
    """Names of the pool's table and of the holdout's."""
    if len(tables) == 1:
        return next(iter(tables)), None
    if "train" not in tables:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: one split must be train; found {', '.join(tables)}")
    for candidate in HOLDOUT_NAMES:
        if candidate in tables and not _labels_hidden(tables[candidate], prepare, candidate):
            return "train", candidate
    return "train", None


def _labels_hidden(table: Table, prepare: Any, split: str) -> bool:
    """Has no row a label? GLUE ships its test split with every label -1: validation is the holdout there."""
    found = matching(prepare.label_column, LABEL_COLUMNS, table)
    return not found or set(cells(table, found[0], f"prepare.dataset = {prepare.dataset}, {split}")) in ({"-1"}, {None}, {""})


def _rows(table: Table, prepare: Any, split: str) -> Rows:
    picked = {
        "text": choose(prepare.text_column, TEXT_COLUMNS, table, "prepare.text_column"),
        "label": choose(prepare.label_column, LABEL_COLUMNS, table, "prepare.label_column"),
    }
    if prepare.group_column != "none" and (prepare.group_column != "auto" or matching("auto", GROUP_COLUMNS, table)):
        picked["group"] = choose(prepare.group_column, GROUP_COLUMNS, table, "prepare.group_column")
    where = f"prepare.dataset = {prepare.dataset}, {split}"
    values = {key: cells(table, column, where) for key, column in picked.items()}
    for key in values.keys() - {"text"}:  # " pos" and "pos" are one class
        values[key] = [value and value.strip() for value in values[key]]
    return [dict(zip(values, row)) for row in zip(*values.values())]
