"""Appending rows to the file of a data set: what stands there stays byte for byte, and new lines are written like those before."""

import csv
import io
import json
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from stages.core.base import artifacts
from stages.core.base.errors import Refused, short
from stages.core.sources import delimited, file_names, files, json_rows, layout, packed, tables
from stages.core.sources.packaged import PACKAGED

DELIMITED, LINES = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json")
REMEDY = (
    "texts can be appended to csv, tsv and jsonl files; save the data set as such a file in UTF-8, set prepare.dataset to it and "
    "add again: answers, holdout and rounds stay, since they go by text"
)


def target(prepare: Any) -> tuple[Path, str]:
    """(the file with the last rows of the pool, the name of the pool's split). Raises Refused if nothing can be appended."""
    path = None if prepare.dataset in PACKAGED else files.local_path(prepare.dataset)
    parts = layout.of(path, prepare.config).parts if path else {}
    split = "train" if prepare.splits == "auto" else prepare.splits[0]
    part = next(iter(parts.values())) if len(parts) == 1 else parts.get(split)
    file = part.files[-1].resolve() if part and part.kind == "files" else Path()
    if file_names.suffixes(file) not in {(suffix, "") for suffix in DELIMITED + LINES}:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: nothing can be appended to it; {REMEDY}")
    return file, split


def grown(file: Path, encoding: str, rows: list[dict[str, str | None]]) -> bytes:
    """The content of the file with these rows, by the names of its columns, at its end.

    Raises Refused unless the whole would read back as what was there and these rows.
    """
    try:
        data = file.read_bytes()
        codec = packed.encoding_of(data[:4096], encoding)
        text = data.decode(codec)
        newline = re.search(r"\r\n|\r|\n|\Z", text)[0] or "\n"
        if file_names.suffixes(file)[0] in DELIMITED:
            opened = lambda text: partial(io.StringIO, text, "")  # noqa: E731
            read = lambda text: list(delimited.rows_of(opened(text), delimited.dialect_of(opened(text), file)))  # noqa: E731
            dialect = delimited.dialect_of(opened(text), file)
            # Without quotes a tab or line end ends the cell; where blanks before quotes are ignored, so are those before texts.
            lost, instead = (r"[\t\r\n]+", " ") if not dialect.quoted else (r"^ +" if dialect.spaced else "(?!)", "")
            columns = tables.names_of((old := read(text))[0])
            new = [[re.sub(lost, instead, row.get(name) or "") for name in columns] for row in rows]
            lines = [_line(row, dialect) for row in new]
        else:
            read = lambda text: list(json_rows.of_lines(io.StringIO(text, "\n")))  # noqa: E731
            old = read(text)
            new = [{name: value for name, value in row.items() if value is not None} for row in rows]
            lines = [json.dumps(row, ensure_ascii=not codec.startswith("utf")) for row in new]
        ended = "" if not text or text[-1] in "\r\n" else newline
        whole = data + (ended + "".join(line + newline for line in lines)).encode(codec.removesuffix("-sig"))
        if read(whole.decode(codec)) == old + new:
            return whole
        problem = "they would not read back as they are"
    except (ValueError, OSError, csv.Error) as error:
        problem = short(error)
    raise Refused(f"{file}: the texts cannot be appended, {problem}; {REMEDY}")


def _line(cells: list[str], dialect: delimited.Dialect) -> str:
    if not dialect.quoted:
        return dialect.delimiter.join(cells)
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=dialect.delimiter, lineterminator="\r\n").writerow(cells)  # so that it quotes both line ends
    return line.getvalue()[:-2]


def replace(file: Path, whole: bytes) -> None:
    """Write the file whole or not at all, with the permissions that it has; it is on disk when this returns."""
    mode = file.stat().st_mode
    if not os.access(file, os.W_OK):
        raise Refused(f"{file} may not be written; allow it (chmod u+w), and add again")
    with artifacts.whole(file, len(whole), "add again") as part, part.open("wb") as out:
        part.chmod(mode)
        out.write(whole)
        out.flush()
        os.fsync(out.fileno())
    file.chmod(mode)
