"""JSON rows: one object per line, or an array of objects."""

import io
import json
from pathlib import Path
from typing import Any

from stages.core.sources import packed
from stages.core.sources.tables import Table


def read_lines(file: Path, encoding: str) -> Table:
    """The table of one object per line. Raises ValueError, naming the line, for anything else."""
    return _of_lines(packed.text(file, encoding))


def read(file: Path, encoding: str) -> Table:
    """The table of an array of objects, or of one object per line. Raises ValueError for anything else."""
    text = packed.text(file, encoding)
    if not text.lstrip().startswith("["):
        return _of_lines(text)
    rows = json.loads(text, object_pairs_hook=_without_repeats)
    for number, entry in enumerate(rows, start=1):
        if not isinstance(entry, dict):
            raise ValueError(f"element {number:,} of the array is no object")
    return _table(rows)


def _of_lines(text: str) -> Table:
    lines = io.StringIO(text, newline="\n")
    return _table([row(number, line) for number, line in enumerate(lines, start=1) if line.strip()])


def _table(rows: list[dict]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table(columns, lambda column: (row.get(column) for row in rows))


def row(number: int, line: str) -> dict:
    """The object of a line. Raises ValueError, naming the line, for anything else."""
    try:
        found = json.loads(line, object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"line {number} is no object")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name appears twice in one object")
    return dict(pairs)
