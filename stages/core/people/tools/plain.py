"""A table of one's own, such as labels/STAGE.csv after it was filled in: `label`, and `key` or the texts."""

from collections.abc import Iterator

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.records import spreadsheets
from stages.core.people.tools.given import ID, Given
from stages.core.sources.splits import LABEL_COLUMNS, TEXT_COLUMNS
from stages.core.sources.tables import Table, cells, matching


def given(table: Table, file: str) -> Iterator[Given]:
    """Raises Refused, naming file and row, for columns or cells that cannot be used."""
    table = spreadsheets.in_small_letters(table)
    label_column, text_column, key_column = (column_of(table, guesses) for guesses in (LABEL_COLUMNS, TEXT_COLUMNS, ("key", ID)))
    if label_column is None or not (key_column or text_column):
        raise Refused(f"{file} has columns {', '.join(table.columns)[:200]}, possible: label, and key or text; name them so")
    labels = cells(table, label_column, file, listed=True)
    texts = cells(table, text_column, file) if text_column else [None] * len(labels)
    its_keys = cells(table, key_column, file) if key_column else [keys.key(spreadsheets.uncell(text or "")) for text in texts]
    for number, (key, text, label) in enumerate(zip(its_keys, texts, labels), start=1):
        label = (label or "").strip()
        yield Given(f"row {number:,}", (key or "").strip() or "none", text or "", (label,) if label else ())


def column_of(table: Table, guesses: tuple[str, ...]) -> str | None:
    """The first column of one of these names."""
    found = matching("auto", guesses, table)
    return found[0] if found else None
