"""A plain table, such as labels/STAGE.csv with the labels filled in: the column `label`, and `key` or the texts."""

from collections.abc import Iterator

from stages.core.base import formulas, keys
from stages.core.base.errors import Refused
from stages.core.people.records import spreadsheets
from stages.core.people.tools.exchange import ID, ToolAnswer
from stages.core.sources.splits import LABEL_COLUMNS, TEXT_COLUMNS
from stages.core.sources.tables import Table, cells, matching


def read(table: Table, file: str) -> Iterator[ToolAnswer]:
    """Raises Refused, naming file and row, for columns or cells that cannot be used."""
    table = spreadsheets.lower_case(table)
    names = (LABEL_COLUMNS, TEXT_COLUMNS, ("key", ID))
    label_column, text_column, key_column = (next(iter(matching("auto", guesses, table)), None) for guesses in names)
    if label_column is None or not (key_column or text_column):
        found = ", ".join(table.columns)[:200] or "none, since it is empty"
        raise Refused(f"{file} has columns {found}, possible: label, and key or text; rename them")
    labels = cells(table, label_column, file, listed=True)
    texts = cells(table, text_column, file) if text_column else [None] * len(labels)
    its_keys = cells(table, key_column, file) if key_column else [keys.key(formulas.unguarded(text or "")) for text in texts]
    for number, (key, text, label) in enumerate(zip(its_keys, texts, labels), start=1):
        label = (label or "").strip()
        yield ToolAnswer(f"row {number:,}", (key or "").strip() or "none", text or "", (label,) if label else ())
