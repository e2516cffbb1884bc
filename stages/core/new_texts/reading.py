"""New texts, read row by row from every kind of file that prepare reads, however long the file is.

A row is {column: value} as it stands in the file. Kinds that can be read from their beginning to their end never lie in memory
whole: csv, tsv, jsonl, lines of text and parquet, packed or not. An array of JSON, a workbook, fastText's lines and folders
of a data set do.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from stages.core.base.errors import Refused, short
from stages.core.sources import delimited, excel, file_names, files, json_rows, layout, packed, plain_texts, tables
from stages.core.sources.splits import TEXT_COLUMNS
from stages.core.sources.tables import Table

Row = dict[str, Any]
CHUNK_ROWS = 8_192  # rows that are labelled at once: the more, the fuller batches of equal length are
CHUNK_CHARACTERS = 2**23  # fewer rows where texts are long
HEAD = 2**22  # characters by which the delimiter of a table is told
SETTING = "prepare.dataset"  # its encoding is prepare.encoding


@dataclass(frozen=True)
class Source:
    """
    name      for messages
    rows      all rows, anew each time it is called
    columns   names, where the kind of file tells them before the rows; None for rows that may differ
    schema    of a parquet file
    notes     what of the reading is to be printed
    """

    name: str
    rows: Callable[[], Iterator[Row]]
    columns: list[str] | None = None
    schema: Any = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    """What a first pass over a source found: its columns, how many rows there are, the text column, a hash of all texts."""

    source: Source
    columns: list[str]
    count: int
    text_column: str
    texts_sha256: str

    def chunks(self) -> Iterator[tuple[list[Row], list[str]]]:
        """The rows and their texts, some thousand at a time; "" where a row has no text."""
        return chunks(self.source.rows(), self.text_column, self.source.name)


def of_path(path: Path, encoding: str) -> Source:
    """The rows of a file, or of a folder that is one table. Raises Refused where it cannot be told how to read it."""
    if path.is_file() and not file_names.suffixes(path)[0]:
        raise Refused(f"{path}: no reader for it; possible: {file_names.POSSIBLE}")
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
        return _of_table(str(path), files.table_of(part, SETTING, encoding))
    each = [_of_file(file, encoding) for file in part.files]
    if len(each) == 1:
        return each[0]
    for file, source in zip(part.files, each):
        if source.columns is not None and source.columns != each[0].columns:
            raise Refused(f"{file} has columns {', '.join(source.columns)}, {part.files[0].name} has others: name one file")
    notes = tuple(dict.fromkeys(note for source in each for note in source.notes))
    return Source(str(path), lambda: (row for source in each for row in source.rows()), each[0].columns, each[0].schema, notes)


def of_lines(stream: IO[str], name: str) -> Source:
    """Rows of a pipe, which can be read once: JSON objects where the first line is one, else a text in every line."""

    def rows() -> Iterator[Row]:
        try:
            first = next(stream, "")
            as_json = first.lstrip().startswith("{")
            for number, line in enumerate(chain([first] if first else [], stream), start=1):
                yield _json_row(name, number, line) if as_json else {"text": line.rstrip("\r\n")}
        except UnicodeDecodeError as error:
            raise Refused(f"{name}: {short(error)}; name its encoding in prepare.encoding") from None

    return Source(name, rows)


def look(source: Source, wanted: Any, asked: str | None) -> Looked:
    """Read a source once, to its end, so that what is broken is found before an hour's work.

    wanted   params prepare.text_column
    asked    name of the text column that the user gave, or None

    Raises Refused where the file is broken or empty, where no column is the text's, and for a cell that is no text.
    """
    columns, count, column, digest = dict.fromkeys(source.columns or ()), 0, None, hashlib.sha256()
    if source.columns:  # none in an empty file
        column = text_column(source.columns, wanted, asked, source.name)
    for part in _parts(source.rows()):
        for row in part:
            columns.update(dict.fromkeys(row))
        column = column or text_column(list(columns), wanted, asked, source.name)
        for text in _texts(part, column, source.name, count):
            digest.update(text.encode() + b"\0")
        count += len(part)
    if not count:
        raise Refused(f"{source.name} holds no row, so there is nothing to label")
    return Looked(source, list(columns), count, column, digest.hexdigest())


def begun(source: Source, wanted: Any, asked: str | None) -> tuple[list[str], Iterator[tuple[list[Row], list[str]]]]:
    """(columns, chunks as from Looked) of what can be read once: its first chunk tells both. Raises Refused as `look` does."""
    parts = _parts(source.rows())
    first = next(parts, [])
    if not first:
        raise Refused(f"{source.name} holds no row, so there is nothing to label")
    columns = list(dict.fromkeys(key for row in first for key in row))
    column = text_column(columns, wanted, asked, source.name)
    return columns, chunks(chain(first, chain.from_iterable(parts)), column, source.name)


def text_column(columns: list[str], wanted: Any, asked: str | None, name: str) -> str:
    """The column that was asked for, else that of params, else one that is called like a text, else the only one.

    Raises Refused where there is none or where its name stands twice.
    """
    table = Table(columns, lambda column: ())
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise Refused(f"{name}: {columns.count(twice[0])} columns are called {twice[0] or 'nothing'!s}; rename one")
    tried = (
        [tables.matching(asked, (), table)] if asked else [tables.matching(way, TEXT_COLUMNS, table) for way in (wanted, "auto")]
    )
    for found in tried:
        if len(found) == 1:
            return found[0]
    if not asked and len(columns) == 1:
        return columns[0]
    problem = f"no column is called {asked}" if asked else f"none of its columns is called {', '.join(TEXT_COLUMNS)}"
    raise Refused(f"{name}: {problem}; name the text's by TEXT=, possible: {', '.join(columns) or 'none, it has no columns'}")


def chunks(rows: Iterable[Row], column: str, name: str) -> Iterator[tuple[list[Row], list[str]]]:
    """Rows and their texts, some thousand at a time."""
    before = 0
    for part in _parts(rows, column):
        yield part, _texts(part, column, name, before)
        before += len(part)


def _parts(rows: Iterable[Row], column: str | None = None) -> Iterator[list[Row]]:
    part, characters = [], 0
    for row in rows:
        part.append(row)
        text = row.get(column)
        characters += len(text) if isinstance(text, str) else 0
        if len(part) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part


def _texts(part: list[Row], column: str, name: str, before: int) -> list[str]:
    table = Table([column], lambda _: (row.get(column) for row in part))
    return [text or "" for text in tables.cells(table, column, name, before=before)]


def _of_file(file: Path, encoding: str) -> Source:
    with _told_plainly(file, encoding):
        made = READERS[file_names.suffixes(file)[0]](file, encoding)
    if isinstance(made, Table):
        return _of_table(str(file), made)

    def rows() -> Iterator[Row]:
        with _told_plainly(file, encoding):
            yield from made.rows()

    return Source(str(file), rows, made.columns, made.schema, made.notes)


@contextmanager
def _told_plainly(file: Path, encoding: str) -> Iterator[None]:
    with files.told_plainly(file, SETTING):
        try:
            yield
        except UnicodeDecodeError:
            packed.text(file, encoding)  # says which line and byte
            raise


def _of_table(name: str, table: Table) -> Source:
    if len(set(table.columns)) < len(table.columns):
        text_column(table.columns, "auto", None, name)  # refuses
    rows = lambda: (dict(zip(table.columns, row)) for row in zip(*map(table.values, table.columns)))  # noqa: E731
    return Source(name, rows, table.columns, notes=tuple(table.notes))


def _delimited(file: Path, encoding: str) -> Source:
    size = HEAD
    while True:
        with _opened(file, encoding, "") as stream:
            head = stream.read(size)
            whole = not stream.read(1)
        if not whole:
            head = head[: max(head.rfind("\n"), head.rfind("\r")) + 1]
        beginning, dialect, lines_before, notes = delimited.told(head, file, cut=not whole)
        if whole or len(beginning) > 1:
            break
        size *= 4  # its first row is longer than that
    columns = beginning[0] if beginning else []
    exact = delimited.replace(dialect, cut=False)

    def rows() -> Iterator[Row]:
        with _opened(file, encoding, "") as stream:
            for _ in range(lines_before):
                stream.readline()
            cells = delimited.rows_of(stream, exact, lines_before)
            next(cells, None)
            for row in cells:
                yield dict(zip(columns, row))

    return Source(str(file), rows, columns, notes=tuple(notes if whole else [note for note in notes if "rows" not in note]))


def _json_lines(file: Path, encoding: str) -> Source:
    def rows() -> Iterator[Row]:
        with _opened(file, encoding, "\n") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield json_rows.row(number, line)

    return Source(str(file), rows)


def _json(file: Path, encoding: str) -> Source | Table:
    with _opened(file, encoding, "\n") as stream:
        lines = not next((line for line in stream if line.strip()), "").lstrip().startswith("[")
    return _json_lines(file, encoding) if lines else json_rows.read(file, encoding)


def _lines(file: Path, encoding: str) -> Source | Table:
    """A text in every line, blank ones too; or fastText's, where the first line begins like one."""
    with _opened(file, encoding, "\n") as stream:
        if next(stream, "").startswith(plain_texts.PREFIX):
            return plain_texts.read(file, encoding)

    def rows() -> Iterator[Row]:
        with _opened(file, encoding, "\n") as stream:
            for line in stream:
                yield {"text": line.rstrip("\r\n")}

    return Source(str(file), rows, ["text"])


def _parquet(file: Path, encoding: str) -> Source:
    import pyarrow
    import pyarrow.parquet

    def parquet() -> Any:
        return pyarrow.parquet.ParquetFile(
            pyarrow.BufferReader(packed.contents(file)) if file_names.suffixes(file)[1] else str(file)
        )

    schema = parquet().schema_arrow

    def rows() -> Iterator[Row]:
        for batch in parquet().iter_batches(CHUNK_ROWS):
            batch.validate(full=True)  # finds broken UTF-8
            yield from batch.to_pylist()

    return Source(str(file), rows, list(schema.names), schema)


READERS: dict[str, Callable[[Path, str], Source | Table]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
    ".xlsx": excel.read,
    ".txt": _lines,
}


def _opened(file: Path, encoding: str, newline: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(packed.opened(file), packed.encoding_of(file, encoding), newline=newline)


def _json_row(name: str, number: int, line: str) -> Row:
    try:
        return json_rows.row(number, line)
    except ValueError as error:
        raise Refused(f"{name}: {error}; the first line is a JSON object, so every line must be one") from None
