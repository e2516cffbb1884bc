"""Data sets in files of one's own: csv, jsonl or parquet, one of them or a folder with one a split."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.core.base.errors import Refused, choices, short
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table

HOLDOUT_NAMES = ("test", "validation", "valid", "dev", "val")


def local_path(name: str) -> Path | None:
    """The path that a name is, whether something is there or not; None for a name that only a hub may know."""
    path = Path(name).expanduser()
    return path if path.exists() or path.is_absolute() or name.startswith(".") or path.suffix in READERS else None


def files_read(path: Path) -> list[Path]:
    """The files that are read of a path: itself, or those with a reader in a folder; of several only splits with a usual name."""
    files = _files(path)
    return files if len(files) < 2 else [file for file in files if file.stem in ("train", *HOLDOUT_NAMES)]


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.iterdir() if f.suffix in READERS) if path.is_dir() else [path]


def read(path: Path, setting: str) -> dict[str, Table]:
    """Tables of a folder's files, or of one file, by the name before the suffix.

    Raises Refused, naming `setting`, where there is none, where splits cannot be told apart, and for a file that is broken.
    """
    files = _files(path)
    if not files or not all(f.is_file() for f in files):
        raise Refused(
            f"params.yaml: {setting} = {path}: no {', '.join(READERS)} file there; "
            f"give a file, a folder of them, a hub name or one of {', '.join(PACKAGED)}"
        )
    if len(files) > 1:
        found = ", ".join(file.name for file in files)
        files = files_read(path)
        stems = [file.stem for file in files]
        if stems.count("train") != 1 or len(set(stems)) < len(stems):
            raise Refused(
                f"params.yaml: {setting} = {path}: of several files one must be train, and no two may share a name; found {found}"
            )
    return {file.stem: _table(file, setting) for file in files}


def _table(file: Path, setting: str) -> Table:
    if file.suffix not in READERS:
        raise Refused(f"params.yaml: {setting} = {file}: no reader for it; {choices(file.suffix, READERS)}")
    try:
        return READERS[file.suffix](file)
    # Broken files raise these from codecs, csv, json and pyarrow; RecursionError comes from deeply nested json.
    except (ValueError, OSError, MemoryError, NotImplementedError, RecursionError, csv.Error) as error:
        raise Refused(f"{file} cannot be read as {file.suffix[1:]} in UTF-8: {short(error)}") from None


def _csv(file: Path) -> Table:
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        columns = next(reader, [])
        rows = []
        for row in reader:
            # A short or long row means a stray quote or comma: guessing where its cells belong would mislabel texts.
            if row and len(row) != len(columns):
                raise ValueError(f"line {reader.line_num} has {len(row)} cells, the header {len(columns)}")
            rows += [row] if row else []
    return Table(columns, lambda column: (row[columns.index(column)] for row in rows))


def _jsonl(file: Path) -> Table:
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        rows = [_json_row(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table(columns, lambda column: (row.get(column) for row in rows))


def _json_row(number: int, line: str) -> dict:
    try:
        row = json.loads(line, object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no object")
    return row


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _parquet(file: Path) -> Table:
    import pyarrow.parquet

    # ParquetFile and not read_table: that one takes a folder called label=1 for a column.
    table = pyarrow.parquet.ParquetFile(file).read()
    table.validate(full=True)  # finds broken UTF-8 here, not in the middle of a column
    return Table(table.column_names, lambda column: (cell.as_py() for cell in table.column(column)))


READERS: dict[str, Callable[[Path], Table]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
