"""New texts, read row by row from every kind of file that stage prepare reads.

A row is {column: value} as in the file. csv, tsv, jsonl, lines of text and parquet are read as a stream, packed or not, so a file
may be larger than memory. A JSON array, a workbook, fastText's lines and the folder of a data set are read whole.
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
Chunk = tuple[list[Row], list[str]]  # rows and their texts, "" if a row has none
CHUNK_ROWS = 8_192  # rows labelled at once: more rows fill batches of equal length better
CHUNK_CHARACTERS = 2**23  # fewer rows if texts are long
HEAD = 2**22  # characters from which the delimiter of a table is detected
SETTING = "prepare.dataset"  # for messages of the readers, which then name prepare.encoding


@dataclass(frozen=True)
class Source:
    name: str  # for messages
    rows: Callable[[], Iterator[Row]]  # reads all rows, from the start at each call
    columns: list[str] | None = None  # None for formats whose rows may differ
    schema: Any = None  # of a parquet file
    notes: tuple[str, ...] = ()  # to print: how the file was understood


@dataclass(frozen=True)
class Inspected:
    """A source of which the columns are known; of a pipe, which can be read only once, neither count nor hash."""

    source: Source
    columns: list[str]
    text_column: str
    chunks: Iterator[Chunk]
    count: int | None = None  # rows
    texts_sha256: str = ""  # of all texts


def of_path(path: Path, encoding: str) -> Source:
    """The rows of a file, or of a folder that is one table. Raises Refused if it is unclear how to read it."""
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
    first, *others = sources = [_of_file(file, encoding) for file in part.files]
    if not others:
        return first
    for file, source in zip(part.files, sources):
        if source.columns is not None and source.columns != first.columns:
            raise Refused(f"{file} has columns {', '.join(source.columns)}, {part.files[0].name} has others: name one file")
    notes = tuple(dict.fromkeys(note for source in sources for note in source.notes))
    return Source(str(path), lambda: (row for source in sources for row in source.rows()), first.columns, first.schema, notes)


def of_lines(stream: IO[str], name: str) -> Source:
    """Rows of a pipe, which can be read once: JSON objects if the first line is one, else one text a line."""

    def rows() -> Iterator[Row]:
        try:
            first = next(stream, "")
            as_json = first.lstrip().startswith("{")
            for number, line in enumerate(chain([first] if first else [], stream), start=1):
                yield _json_row(name, number, line) if as_json else {"text": line.rstrip("\r\n")}
        except UnicodeDecodeError as error:
            raise Refused(f"{name}: {short(error)}; name its encoding in prepare.encoding") from None

    return Source(name, rows)


def inspect(source: Source, setting: Any, asked: str | None) -> Inspected:
    """Read a source once to its end, so that a broken row shows before an hour's work.

    setting   params prepare.text_column
    asked     the text column that the user named, or None

    Raises Refused if the file is broken or empty, if no column holds the texts, or if a cell is not text.
    """
    columns, count, column, digest = dict.fromkeys(source.columns or ()), 0, None, hashlib.sha256()
    if source.columns:  # none in an empty file
        column = text_column(source.columns, setting, asked, source.name)
    for part in _parts(source.rows()):
        for row in part:
            columns.update(dict.fromkeys(row))
        column = column or text_column(list(columns), setting, asked, source.name)
        for text in _texts(part, column, source.name, count):
            digest.update(text.encode() + b"\0")
        count += len(part)
    if not count:
        raise Refused(f"{source.name} holds no row, so there is nothing to label")
    return Inspected(source, list(columns), column, chunks(source.rows(), column, source.name), count, digest.hexdigest())


def inspect_pipe(source: Source, setting: Any, asked: str | None) -> Inspected:
    """The same for a source that can be read only once: its first rows decide. Raises Refused as `inspect`."""
    parts = _parts(source.rows())
    first = next(parts, [])
    if not first:
        raise Refused(f"{source.name} holds no row, so there is nothing to label")
    columns = list(dict.fromkeys(key for row in first for key in row))
    column = text_column(columns, setting, asked, source.name)
    return Inspected(source, columns, column, chunks(chain(first, chain.from_iterable(parts)), column, source.name))


def text_column(columns: list[str], setting: Any, asked: str | None, name: str) -> str:
    """The column asked for, else that of params, else one with a usual name, else the only one.

    Raises Refused if there is none, or if two columns have the same name.
    """
    table = Table(columns, lambda column: ())
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise Refused(f"{name}: {columns.count(twice[0])} columns are called {twice[0] or 'nothing'}; rename one")
    for wanted in [asked] if asked else [setting, "auto"]:
        matching = tables.matching(wanted, () if asked else TEXT_COLUMNS, table)
        if len(matching) == 1:
            return matching[0]
    if not asked and len(columns) == 1:
        return columns[0]
    problem = f"no column is called {asked}" if asked else f"none of its columns is called {', '.join(TEXT_COLUMNS)}"
    raise Refused(f"{name}: {problem}; name the text column by TEXT=, possible: {', '.join(columns) or 'none, it has no columns'}")


def chunks(rows: Iterable[Row], column: str, name: str) -> Iterator[Chunk]:
    """Some thousand rows at a time. Raises Refused, naming the row, for a cell that is not text."""
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
    with _plain_errors(file, encoding):
        made = READERS[file_names.suffixes(file)[0]](file, encoding)
    if isinstance(made, Table):
        return _of_table(str(file), made)

    def rows() -> Iterator[Row]:
        with _plain_errors(file, encoding):
            yield from made.rows()

    return Source(str(file), rows, made.columns, made.schema, made.notes)


@contextmanager
def _plain_errors(file: Path, encoding: str) -> Iterator[None]:
    with files.refusing_broken(file, SETTING):
        try:
            yield
        except UnicodeDecodeError:
            packed.text(file, encoding)  # its error names line and byte
            raise


def _of_table(name: str, table: Table) -> Source:
    if len(set(table.columns)) < len(table.columns):
        text_column(table.columns, "auto", None, name)  # raises Refused
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
        beginning, dialect, lines_before, notes = delimited.parse(head, file, cut=not whole)
        if whole or len(beginning) > 1:
            break
        size *= 4  # the first row is longer
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
    """One text a line, blank ones too; or fastText's format, if the first line begins with its prefix."""
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
