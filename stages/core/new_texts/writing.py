"""Labelled rows, written in the order in which they come: what was in the file before, and what the model says of it.

predicted           name of the likeliest class; empty where the row was left open
probability         of that class; empty where the row has no text
probability_CLASS   of each class, where that is asked for
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

from stages.core.base.errors import Refused, choices, short
from stages.core.sources import file_names

PREDICTED, PROBABILITY = "predicted", "probability"
KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
Row = dict[str, Any]


def added(classes: list[str], each: bool) -> list[str]:
    """The columns that labelling adds; with `each`, one for every class beside the best."""
    return [PREDICTED, PROBABILITY, *([f"{PROBABILITY}_{name}" for name in classes] if each else [])]


def refuse_columns(columns: list[str], new: list[str], name: str) -> None:
    """Raise Refused where the file has a column already that labelling adds: nothing of it is written over."""
    if there := [column for column in new if column in columns]:
        raise Refused(
            f"{name} has a column called {there[0]} already, which is what labelling adds; rename it, or take it out if the file "
            f"was labelled before"
        )


def refuse_kind(out: Path) -> None:
    """Raise Refused where the name does not tell how to write it."""
    kind, packed = file_names.suffixes(out)
    if kind not in KINDS or (kind == ".parquet" and packed):
        raise Refused(
            f"OUT = {out}: it cannot be written as {kind or out.suffix or 'a file without a suffix'}; "
            f"{choices(kind, KINDS)}, all but parquet also with {', '.join(file_names.PACKED)}"
        )


@contextmanager
def into(part: Path, out: Path, columns: list[str], schema: Any, new: list[str]) -> Iterator[Callable[[list[Row]], None]]:
    """A function that appends rows to `part`, which is whole when the block ends.

    out       the name that `part` will get, which tells how it is written
    columns   of the rows, those of `new` aside, which come last
    schema    of the parquet file that the rows come from, or None
    """
    kind = file_names.suffixes(out)[0]
    if kind == ".parquet":
        with _parquet(part, columns, schema, new) as write:
            yield write
        return
    with _packing(part, file_names.suffixes(out)[1]) as data, io.TextIOWrapper(data, "utf-8", newline="") as text:
        yield as_table(text, [*columns, *new], "\t" if kind == ".tsv" else ",") if kind in (".csv", ".tsv") else as_lines(text)


def as_lines(text: IO[str]) -> Callable[[list[Row]], None]:
    """Rows as JSON, one a line."""

    def write(rows: list[Row]) -> None:
        text.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


def as_table(text: IO[str], columns: list[str], delimiter: str) -> Callable[[list[Row]], None]:
    """Rows as csv or tsv; a cell is empty where a row lacks it, and JSON where it is a list or an object."""
    table = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    table.writerow(columns)

    def write(rows: list[Row]) -> None:
        for row in rows:
            if other := row.keys() - set(columns):
                raise Refused(
                    f"a row has {min(other)}, which the rows before had not: a table has no place for it; let OUT be a .jsonl"
                )
        table.writerows([_cell(row.get(column)) for column in columns] for row in rows)

    return write


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


@contextmanager
def _packing(part: Path, suffix: str) -> Iterator[IO[bytes]]:
    """A file that packs what is written; equal bytes for equal rows: no name and no time stand in it."""
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
def _parquet(part: Path, columns: list[str], schema: Any, new: list[str]) -> Iterator[Callable[[list[Row]], None]]:
    import pyarrow
    import pyarrow.parquet

    writer = None

    def write(rows: list[Row]) -> None:
        nonlocal writer, schema
        try:
            if schema is None:
                schema = pyarrow.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows]).schema
            if writer is None:
                kinds = [pyarrow.string()] + [pyarrow.float32()] * (len(new) - 1)
                for name, kind in zip(new, kinds):
                    schema = schema.append(pyarrow.field(name, kind))
                writer = pyarrow.parquet.ParquetWriter(part, schema)
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError) as error:
            raise Refused(f"these rows do not go into one parquet table ({short(error)}); let OUT be a .jsonl") from None

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
