"""Parquet files and folders from `datasets.save_to_disk`. The datasets library stores class labels as numbers, with their names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.core.base.errors import short
from stages.core.sources import file_names, packed
from stages.core.sources.tables import Row, Stream, Table

BATCH_ROWS = 8_192


def read(file: Path, encoding: str) -> Table:
    """The table of a parquet file; `encoding` does not apply."""
    import pyarrow.parquet

    # read_table would take a folder called label=1 for a column.
    table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(packed.contents(file))).read()
    table.validate(full=True)  # finds broken UTF-8 now, not in the middle of a column
    features = _features(table.schema)
    return Table(table.column_names, lambda column: (named(cell.as_py(), features.get(column)) for cell in table.column(column)))


def stream(file: Path, encoding: str) -> Stream:
    """The rows of a parquet file, class labels as they are stored. A packed one is held in memory, and read from there."""
    import pyarrow.parquet

    def parquet() -> Any:
        packing = file_names.suffixes(file)[1]
        return pyarrow.parquet.ParquetFile(pyarrow.BufferReader(packed.contents(file)) if packing else str(file))

    def rows() -> Iterator[Row]:
        for batch in parquet().iter_batches(BATCH_ROWS):
            batch.validate(full=True)  # finds broken UTF-8
            yield from batch.to_pylist()

    schema = parquet().schema_arrow
    return Stream(rows, list(schema.names), schema=schema)


def _features(schema: Any) -> dict[str, Any]:
    """The datasets library's notes on its columns; empty for files of other origin."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    import datasets

    try:
        return dict(datasets.Features.from_arrow_schema(schema))
    except Exception as error:  # notes of a later version, or not its own: KeyError, TypeError and more
        raise ValueError(f"its notes on class labels cannot be read ({type(error).__name__}: {short(error)})") from None


def of_dataset(dataset: Any) -> Table:
    """The table of a `datasets.Dataset`."""
    return Table(dataset.column_names, lambda column: (named(value, dataset.features[column]) for value in dataset[column]))


def saved(folder: Path) -> Table:
    """The table of a folder from `datasets.save_to_disk`."""
    import datasets

    return of_dataset(datasets.load_from_disk(str(folder)))


def named(value: Any, feature: Any) -> Any:
    """The name of a class label, or None for -1, which hides it. Other values stay as they are."""
    if names := getattr(feature, "names", None):
        return names[value] if value is not None and 0 <= value < len(names) else None
    inner = getattr(feature, "feature", None)
    return [named(entry, inner) for entry in value] if inner is not None and isinstance(value, list) else value
