"""Labelled rows, written in the order of the input: their own columns and the model's.

predicted           name of the likeliest class, or labels as people write them; empty if the row was left open
probability         of that class, or of the label it is least sure of; empty if the row has no text
probability_CLASS   of each class, if asked for
"""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from stages.core.base import formulas
from stages.core.base.errors import Refused, choices, short
from stages.core.sources import file_names
from stages.core.sources.tables import Row

PREDICTED, PROBABILITY = "predicted", "probability"
KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
Write = Callable[[list[Row]], None]


def added(classes: list[str], each: bool) -> list[str]:
    """The columns that labelling adds; with `each`, one for every class besides the best."""
    return [PREDICTED, PROBABILITY, *([f"{PROBABILITY}_{name}" for name in classes] if each else [])]


def refuse_columns(columns: list[str], new: list[str], name: str) -> None:
    """Raise Refused if the file already has a column that labelling adds: nothing in it is overwritten."""
    if there := [column for column in new if column in columns]:
        raise Refused(f"{name} already has a column {there[0]}, which labelling adds; rename or drop it")


def refuse_kind(out: Path) -> None:
    """Raise Refused if the name of OUT does not tell how to write it."""
    kind, packed = file_names.suffixes(out)
    if kind not in KINDS or (kind == ".parquet" and packed):
        raise Refused(
            f"OUT = {out}: it cannot be written as {kind or out.suffix or 'a file without a suffix'}; "
            f"{choices(kind, KINDS)}, all but parquet also with {', '.join(file_names.PACKED)}"
        )


@contextmanager
def into(part: Path, out: Path, columns: list[str], schema: Any, new: list[str]) -> Iterator[Write]:
    """A function that appends rows to `part`, which is complete when the block ends.

    out       the name that `part` will get, which decides the format
    columns   of the rows, without those of `new`, which come last
    schema    of the parquet file that the rows come from, or None
    """
    kind, packed = file_names.suffixes(out)
    if kind == ".parquet":
        with _parquet(part, columns, schema, new) as write:
            yield write
        return
    with _packing(part, packed) as data, io.TextIOWrapper(data, "utf-8", newline="") as text:
        yield as_table(text, [*columns, *new], "\t" if kind == ".tsv" else ",") if kind in (".csv", ".tsv") else as_lines(text)


def as_lines(text: IO[str]) -> Write:
    """Rows as JSON, one a line."""

    def write(rows: list[Row]) -> None:
        text.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


def as_table(text: IO[str], columns: list[str], delimiter: str) -> Write:
    """Rows as csv or tsv, where no text begins a formula. Cells are empty if a row lacks them, and JSON for lists and objects."""
    table = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    table.writerow(map(_cell, columns))

    def write(rows: list[Row]) -> None:
        for row in rows:
            if new := row.keys() - set(columns):
                raise Refused(f"a row has {min(new)}, which earlier rows lacked: a table has no place for it; let OUT be a .jsonl")
        table.writerows([_cell(row.get(column)) for column in columns] for row in rows)

    return write


def _cell(value: Any) -> Any:
    value = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
    return formulas.guarded(value) if isinstance(value, str) else value


@contextmanager
def _packing(part: Path, suffix: str) -> Iterator[IO[bytes]]:
    """A file that packs what is written. Equal rows give equal bytes: it holds no name and no time."""
    if suffix == ".zst":
        import pyarrow

        with pyarrow.CompressedOutputStream(str(part), "zstd") as data:
            yield data
        return
    with part.open("wb") as raw:
        if suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as data:
                yield data
        elif suffix:
            with {".bz2": bz2, ".xz": lzma}[suffix].open(raw, "wb") as data:
                yield data
        else:
            yield raw


@contextmanager
def _parquet(part: Path, columns: list[str], schema: Any, new: list[str]) -> Iterator[Write]:
    import pyarrow
    import pyarrow.parquet

    writer = None

    def write(rows: list[Row]) -> None:
        nonlocal writer, schema
        try:
            if schema is None:
                schema = pyarrow.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows]).schema
            if writer is None:
                for name in new:
                    schema = schema.append(pyarrow.field(name, pyarrow.string() if name == PREDICTED else pyarrow.float32()))
                writer = pyarrow.parquet.ParquetWriter(part, schema)
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError) as error:
            raise Refused(f"these rows do not fit into one parquet table ({short(error)}); let OUT be a .jsonl") from None

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
