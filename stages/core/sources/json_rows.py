"""JSON rows: one object per line, or an array of objects."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stages.core.sources import packed
from stages.core.sources.tables import Row, Stream


def read_lines(file: Path, encoding: str) -> Stream:
    """One object per line."""
    return Stream(lambda: of_lines(packed.lines(file, encoding, "\n")))


def read(file: Path, encoding: str) -> Stream:
    """An array of objects, which is read whole, or one object per line."""
    first = next(filter(str.strip, packed.lines(file, encoding, "\n")), "")
    if not first.lstrip().startswith("["):
        return read_lines(file, encoding)
    rows = of_array(packed.text(file, encoding))
    return Stream(lambda: iter(rows))


def of_array(text: str) -> list[Row]:
    """The objects of an array. Raises ValueError for anything else."""
    rows = json.loads(text, object_pairs_hook=_without_repeats)
    for number, entry in enumerate(rows, start=1):
        if not isinstance(entry, dict):
            raise ValueError(f"element {number:,} of the array is no object")
    return rows


def of_lines(lines: Iterable[str]) -> Iterator[Row]:
    """The objects of lines. Blank lines are none. Raises ValueError, naming the line, for anything else."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line, object_pairs_hook=_without_repeats)
            except ValueError as error:
                remedy = "each line must hold a whole object, as `jq -c .` writes it, or the file one array of them"
                raise ValueError(f"line {number}: {error}; {remedy}") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            yield row


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name appears twice in one object")
    return dict(pairs)
