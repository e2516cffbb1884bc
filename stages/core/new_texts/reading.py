"""New texts, read row by row from every kind of file that stage prepare reads.

A row is {column: value} as in the file. csv, tsv, jsonl, lines of text and parquet are read as a stream, packed or not, so a file
may be larger than memory. A JSON array, a workbook, fastText's lines and the folder of a data set are read whole.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from stages.core.base import keys
from stages.core.base.errors import Refused, short
from stages.core.sources import columnar, file_names, files, json_rows, layout, packed, plain_texts, tables
from stages.core.sources.splits import TEXT_COLUMNS
from stages.core.sources.tables import Row, Stream, Table

Chunk = tuple[list[Row], list[str]]  # rows and their texts, "" if a row has none
CHUNK_ROWS = 8_192  # rows labelled at once: more rows fill batches of equal length better
CHUNK_CHARACTERS = 2**23  # fewer rows if texts are long
ARRAY = re.compile(r"\[\s*(\{|\]?\s*$)")  # how an array of objects begins, and hardly a text
SETTING = "prepare.dataset"  # for messages of the readers, which then name prepare.encoding


@dataclass(frozen=True)
class Inspected:
    """A source of which the columns are known; of a pipe, which can be read only once, neither count nor hash."""

    source: Stream
    columns: list[str]
    text_column: str
    chunks: Iterator[Chunk]
    count: int | None = None  # rows
    texts_sha256: str = ""  # of all texts


def of_path(path: Path, encoding: str) -> Stream:
    """The rows of a file, or of a folder that is one table. Raises Refused if it is unclear how to read it."""
    if path.is_file() and not file_names.suffixes(path)[0]:
        raise Refused(f"{path}: no reader for it; possible: {file_names.POSSIBLE}; save a table as csv or xlsx")
    try:
        parts = layout.of(path).parts
    except layout.Unclear as error:
        raise Refused(f"{path}: {error}; name one file") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {short(error)}") from None
    if len(parts) > 1:
        raise Refused(f"{path} holds several splits, {', '.join(parts)}; name the file of one")
    [part] = parts.values()
    if part.kind != "files":
        table = files.table_of(part, SETTING, encoding)
        return Stream(table.rows, table.columns, table.notes, name=str(path))
    first, *others = sources = [_of_file(file, encoding) for file in part.files]
    if not others:
        return first
    for file, source in zip(part.files, sources):
        if source.columns is not None and source.columns != first.columns:
            raise Refused(f"{file} has columns {', '.join(source.columns)}, {part.files[0].name} has others: name one file")
    notes: list[str] = []

    def rows() -> Iterator[Row]:
        for source in sources:
            yield from source.rows()
        notes[:] = dict.fromkeys(note for source in sources for note in source.notes)

    return Stream(rows, first.columns, notes, first.schema, str(path))


def of_pipe(data: io.BufferedReader, encoding: str, name: str = "standard input") -> Stream:
    """Rows of a pipe, which can be read once: JSON if the first line that is not blank begins it (an array whole), else lines."""

    def rows() -> Iterator[Row]:
        try:
            stream = io.TextIOWrapper(data, packed.encoding_of(data.peek(4096), encoding), newline="\n")
            start = list(islice(stream, 1))
            while start and not start[-1].strip() and (line := next(stream, "")):
                start.append(line)
            lines, first = chain(start, stream), "".join(start).lstrip()
            if first.startswith("{"):
                yield from json_rows.of_lines(lines)
            elif ARRAY.match(first):
                yield from json_rows.of_array("".join(lines))
            else:
                yield from _one_a_line(lines)
        except (UnicodeDecodeError, packed.WrongEncoding) as error:
            raise Refused(f"{name}: {short(error)}; name its encoding in prepare.encoding") from None
        except (ValueError, RecursionError) as error:
            raise Refused(f"{name}: {short(error)}") from None

    return Stream(rows, name=name)


def inspect(source: Stream, setting: Any, asked: str | None, once: bool = False) -> Inspected:
    """Read a source to its end, so that a broken row shows before an hour's work.

    setting   params prepare.text_column
    asked     the text column that the user named, or None
    once      the source is a pipe: its first rows alone decide

    Raises Refused if the file is broken or empty, if no column holds the texts, or if a cell is not text.
    """
    rows = source.rows()
    first = list(islice(rows, CHUNK_ROWS))
    if not first:
        raise Refused(f"{source.name} holds no row, so there is nothing to label")
    columns = dict.fromkeys(chain(source.columns or (), *first))
    table = Table(source.columns or list(columns), lambda column: (row.get(column) for row in first), source.name)
    column = text_column(table, setting, asked, source.name)
    chunked = chunks(chain(first, rows), column, source.name)
    if once:
        return Inspected(source, list(columns), column, chunked)
    count, digest = 0, hashlib.sha256()
    for part, texts in chunked:
        columns.update(dict.fromkeys(chain(*part)))
        for text in texts:
            digest.update(text.encode() + b"\0")
        count += len(part)
    return Inspected(source, list(columns), column, chunks(source.rows(), column, source.name), count, digest.hexdigest())


def fresh(file: str, column: str, prepare: Any, known: set[str]) -> tuple[Table, str, dict[str, int]]:
    """(all rows of a file, its text column, key -> row of each text that is not `known`); prints the counts.

    column, prepare   the text column that the user named, or ""; the section of params.yaml: the encoding of what is not UTF-8
    """
    if not file or not Path(file).expanduser().exists():
        raise Refused(f"FILE={file}: no such file; possible: {file_names.POSSIBLE}, with new texts: FILE=new.csv")
    inspected = lambda encoding: inspect(of_path(Path(file).expanduser(), encoding), prepare.text_column, column or None)  # noqa: E731
    try:
        found = inspected("auto")
    except Refused:
        found = inspected(prepare.encoding)
    parts = list(found.chunks)
    rows, texts = ([each for part in parts for each in part[side]] for side in (0, 1))
    places = {keys.key(text): place for place, text in reversed(list(enumerate(texts))) if text.strip()}
    new = {key: place for key, place in sorted(places.items(), key=lambda item: item[1]) if key not in known}
    blank, there = sum(not text.strip() for text in texts), len(places) - len(new)
    others = f"{there:,} already there, {len(texts) - blank - len(places):,} repeated, {blank:,} without a text"
    print(f"{file}: {len(texts):,} rows, texts in column {found.text_column}: {len(new):,} new, {others}")
    return Table(found.columns, lambda name: (row.get(name) for row in rows)), found.text_column, new


def text_column(table: Table, setting: Any, asked: str | None, name: str) -> str:
    """The column asked for, else that of params, else one with a usual name, else the only one; `table` holds the first rows.

    Raises Refused if there is none, if two columns have the same name, or if the first line looks like a row.
    """
    columns = table.columns
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise Refused(f"{name}: {columns.count(twice[0])} columns are called {twice[0]}; rename one")
    for wanted in [asked] if asked else [setting, "auto"]:
        matching = tables.matching(wanted, () if asked else TEXT_COLUMNS, table)
        if len(matching) == 1:
            return matching[0]
    problem = f"no column is called {asked}" if asked else f"none of its columns is called {', '.join(TEXT_COLUMNS)}"
    if tables.begins_with_a_row(table, TEXT_COLUMNS):
        raise Refused(f"{name}: {problem}: {tables.NO_HEADER}")
    if not asked and len(columns) == 1:
        return columns[0]
    raise Refused(f"{name}: {problem}; name the text column by TEXT=, possible: {', '.join(columns) or 'none, it has no columns'}")


def chunks(rows: Iterable[Row], column: str, name: str) -> Iterator[Chunk]:
    """Some thousand rows at a time. Raises Refused, naming the row, for a cell that is not text."""
    part, characters, before = [], 0, 0
    for row in rows:
        part.append(row)
        text = row.get(column)
        characters += len(text) if isinstance(text, str) else 0
        if len(part) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield part, _texts(part, column, name, before)
            part, characters, before = [], 0, before + len(part)
    if part:
        yield part, _texts(part, column, name, before)


def _texts(part: list[Row], column: str, name: str, before: int) -> list[str]:
    table = Table([column], lambda _: (row.get(column) for row in part))
    return [text or "" for text in tables.cells(table, column, name, before=before)]


def _of_file(file: Path, encoding: str) -> Stream:
    with files.refusing_broken(file, SETTING):
        found = READERS[file_names.suffixes(file)[0]](file, encoding)

    def rows() -> Iterator[Row]:
        with files.refusing_broken(file, SETTING):
            yield from found.rows()

    return Stream(rows, found.columns, found.notes, getattr(found, "schema", None), str(file))


def _lines(file: Path, encoding: str) -> Stream | Table:
    """One text a line, blank ones too; or fastText's format, if the first line begins with its prefix."""
    if next(packed.lines(file, encoding, "\n"), "").startswith(plain_texts.PREFIX):
        return plain_texts.read(file, encoding)
    return Stream(lambda: _one_a_line(packed.lines(file, encoding, "\n")), ["text"])


def _one_a_line(lines: Iterable[str]) -> Iterator[Row]:
    return ({"text": line.rstrip("\r\n")} for line in lines)


READERS = files.READERS | {".parquet": columnar.stream, ".txt": _lines}
