"""Parquet, and what the data sets' library writes into it or to disk: class labels are numbers there, with names beside them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.core.base.errors import short
from stages.core.sources import packed
from stages.core.sources.tables import Table


def read(file: Path, encoding: str) -> Table:
    """The table of a parquet file; `encoding` has no meaning for it."""
    import pyarrow.parquet

    # ParquetFile and not read_table: that one takes a folder called label=1 for a column.
    table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(packed.contents(file))).read()
    table.validate(full=True)  # finds broken UTF-8 here, not in the middle of a column
    features = _features(table.schema)
    return Table(table.column_names, lambda column: (named(cell.as_py(), features.get(column)) for cell in table.column(column)))


def _features(schema: Any) -> dict[str, Any]:
    """What the data sets' library noted of the columns it wrote; nothing for a file of other origin."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    import datasets

    try:
        return dict(datasets.Features.from_arrow_schema(schema))
    except Exception as error:  # notes of a later version, or none of its own: KeyError, TypeError and more
        raise ValueError(f"its notes on class labels cannot be read ({type(error).__name__}: {short(error)})") from None


def of_dataset(dataset: Any) -> Table:
    """A table of a `datasets.Dataset`."""

    def values(column: str) -> Iterable[Any]:
        return (named(value, dataset.features[column]) for value in dataset[column])

    return Table(dataset.column_names, values)


def saved(folder: Path) -> Table:
    """The table of a folder that `datasets.save_to_disk` wrote."""
    import datasets

    return of_dataset(datasets.load_from_disk(str(folder)))


def named(value: Any, feature: Any) -> Any:
    """A class label by its name, None where it is -1, which hides it; any other value as it is."""
    if names := getattr(feature, "names", None):
        return names[value] if value is not None and 0 <= value < len(names) else None
    inner = getattr(feature, "feature", None)
    return [named(each, inner) for each in value] if inner is not None and isinstance(value, list) else value
