"""Delimited text (.csv, .tsv), read strictly: no cell ever ends up in another column.

If a file can be read in two ways, the choice is printed or the file is refused.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from stages.core.sources import file_names, packed
from stages.core.sources.tables import Table

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Dialect:
    """
    quoted   quotes around a cell do not belong to it
    spaced   blanks before a cell do not belong to it, quoted or not
    cut      the text is the beginning of a file, cut at a line end: an unfinished last cell is left out
    """

    delimiter: str
    quoted: bool = True
    spaced: bool = False
    cut: bool = False


class Parsed(NamedTuple):
    """Rows, the header first; how they were read; lines before the header; notes to print."""

    rows: list[list[str]]
    dialect: Dialect
    lines_before: int = 0
    notes: tuple[str, ...] = ()


def read(file: Path, encoding: str) -> Table:
    """The table of a file. Raises ValueError, naming the line, if the cells are unclear, and as packed.text does."""
    parsed = parse(packed.text(file, encoding), file)
    columns, rows = (parsed.rows[0], parsed.rows[1:]) if parsed.rows else ([], [])
    return Table(columns, lambda column: (row[columns.index(column)] for row in rows), notes=list(parsed.notes))


def parse(text: str, file: Path, cut: bool = False) -> Parsed:
    """Parse a file's text, or its beginning (`cut`), by the only delimiter that splits the header and fits every row."""
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    if declared := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own line
        dialect = Dialect(declared[1], cut=cut)
        return Parsed(list(rows_of(io.StringIO(text[declared.end() :], newline=""), dialect, 1)), dialect, 1)
    usual = "\t" if file_names.suffixes(file)[0] == ".tsv" else ","
    fitting, errors = {}, {}
    for delimiter in [delimiter for delimiter in DELIMITERS if len(_header(text, delimiter)) > 1] or [usual]:
        try:
            fitting[delimiter] = _by_quoting(text, Dialect(delimiter, cut=cut))
        except ValueError as error:
            errors[delimiter] = error
    if not fitting:
        raise errors.get(usual, next(iter(errors.values())))
    if len(fitting) > 1:
        ways = "; ".join(f"{DELIMITERS[delimiter]} give columns {', '.join(way.rows[0])}" for delimiter, way in fitting.items())
        raise ValueError(f"more than one delimiter fits: {ways}; write the right one into a first line, such as sep=;")
    [(delimiter, parsed)] = fitting.items()
    if delimiter == usual:
        return parsed
    return parsed._replace(notes=(*parsed.notes, f"cells end at {DELIMITERS[delimiter]}"))


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _by_quoting(text: str, dialect: Dialect) -> Parsed:
    if '"' not in text:
        return _parsed(text, dialect)
    return _tabbed(text, dialect) if dialect.delimiter == "\t" else _spaced(text, dialect)


def _tabbed(text: str, dialect: Dialect) -> Parsed:
    """GLUE and others write tabs without quoting, so quotes belong to the text. Spreadsheets and pandas quote.

    If both readings fit, cells that are quoted whole count as quoted, unless a cell would then join lines that are rows by
    themselves.
    """
    try:
        quoted = _parsed(text, dialect)
    except ValueError as error:
        return _parsed(text, replace(dialect, quoted=False), "quotes are read as part of the text", otherwise=error)
    try:
        plain = _parsed(text, replace(dialect, quoted=False))
    except ValueError:
        return quoted
    if len(plain.rows) != len(quoted.rows):
        return plain._replace(notes=("quotes are read as part of the text: as quoting they would join rows",))
    changed = sum(one != other for one, other in zip(plain.rows, quoted.rows))
    return quoted._replace(notes=(f"quotes around cells are removed, in {changed:,} rows",)) if changed else quoted


def _spaced(text: str, dialect: Dialect) -> Parsed:
    """A blank before a quote, as in `pos, "a film, a play"`: the quotes count as if it were absent, or the file is refused."""
    note = "blanks before quotes are ignored"
    try:
        strict = _parsed(text, dialect)
    except ValueError as error:
        if not re.search(rf'(^|[{re.escape(dialect.delimiter)}\n]) +"', text):
            raise
        return _parsed(text, replace(dialect, spaced=True), note, otherwise=error)
    if not any(re.match(' +"', cell) for row in strict.rows for cell in row):
        return strict
    try:
        spaced = _parsed(text, replace(dialect, spaced=True), note)
    except ValueError as error:
        raise ValueError(f"a blank stands before a quote, which may belong to the text or enclose it; {error}") from None
    without_blanks = [[[cell.lstrip(" ") for cell in row] for row in parsed.rows] for parsed in (strict, spaced)]
    return strict if without_blanks[0] == without_blanks[1] else spaced


def _parsed(text: str, dialect: Dialect, *notes: str, otherwise: ValueError | None = None) -> Parsed:
    """The rows as they are in this dialect. Raises `otherwise`, if given, in place of the error."""
    try:
        return Parsed(list(rows_of(io.StringIO(text, newline=""), dialect)), dialect, notes=notes)
    except ValueError as error:
        raise otherwise or error from None


def rows_of(lines: Iterable[str], dialect: Dialect, lines_before: int = 0) -> Iterator[list[str]]:
    """Rows one by one, the header first, without blank lines.

    lines   with their line ends as in the file

    Raises ValueError for a row with more or fewer cells than the header.
    """
    quoting = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=dialect.delimiter, quoting=quoting, skipinitialspace=dialect.spaced, strict=True)
    cells, began = 0, 0
    try:
        for row in reader:
            # A short or long row means a stray quote or delimiter. Guessing where its cells belong would mislabel texts.
            if row and cells and len(row) != cells:
                raise ValueError(f"line {reader.line_num + lines_before:,} has {len(row)} cells, the header {cells}")
            cells, began = cells or len(row), reader.line_num
            if row:
                yield row
    except csv.Error as error:
        if dialect.cut and "unexpected end of data" in str(error):
            return
        first, last = began + 1 + lines_before, reader.line_num + lines_before
        where = f"line {last:,}" if first >= last else f"line {last:,}, in a row that begins at line {first:,}"
        raise ValueError(f"{where}: {error}") from None
