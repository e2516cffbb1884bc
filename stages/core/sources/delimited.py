"""Tables of delimited text: .csv and .tsv, strict, so that no cell is ever read into another column.

What is read of a file that leaves room for two readings is printed, or the file is refused.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from stages.core.sources import file_names, packed
from stages.core.sources.tables import Table

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Dialect:
    """
    quoted   quotes around a cell are no part of it
    spaced   blanks before a cell are no part of it, quoted or not
    cut      the text is the beginning of one, cut at the end of a line: a cell that goes on there is left out
    """

    delimiter: str
    quoted: bool = True
    spaced: bool = False
    cut: bool = False


def read(file: Path, encoding: str) -> Table:
    """The table of a file. Raises ValueError, naming the line, where cells cannot be told apart, and as packed.text does."""
    rows, _, _, notes = parse(packed.text(file, encoding), file)
    columns, rows = (rows[0], rows[1:]) if rows else ([], [])
    return Table(columns, lambda column: (row[columns.index(column)] for row in rows), notes=notes)


def parse(text: str, file: Path, cut: bool = False) -> tuple[list[list[str]], Dialect, int, list[str]]:
    """(rows, the header first; dialect; lines before the header; what is to be printed) of a file's text, or of its beginning."""
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    if declared := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own
        dialect = Dialect(declared[1], cut=cut)
        return list(rows_of(io.StringIO(text[declared.end() :], newline=""), dialect, 1)), dialect, 1, []
    rows, dialect, notes = _told(text, "\t" if file_names.suffixes(file)[0] == ".tsv" else ",", cut)
    return rows, dialect, 0, notes


def _told(text: str, usual: str, cut: bool) -> tuple[list[list[str]], Dialect, list[str]]:
    """Rows by the only delimiter that parts the header and fits every row, and what is to be printed."""
    possible = [delimiter for delimiter in DELIMITERS if len(_header(text, delimiter)) > 1] or [usual]
    if len(possible) == 1:
        rows, dialect, notes = _whole(text, Dialect(possible[0], cut=cut))
        return rows, dialect, notes + _named(possible[0], usual)
    fitting, errors = {}, {}
    for delimiter in possible:
        try:
            fitting[delimiter] = _whole(text, Dialect(delimiter, cut=cut))
        except ValueError as error:
            errors[delimiter] = error
    if not fitting:
        raise errors.get(usual, next(iter(errors.values())))
    if len(fitting) > 1:
        read = "; ".join(f"{DELIMITERS[delimiter]} give columns {', '.join(rows[0])}" for delimiter, (rows, *_) in fitting.items())
        raise ValueError(f"cells may end at more than one sign: {read}; write the right one into a first line, such as sep=;")
    (delimiter, (rows, dialect, notes)), *_ = fitting.items()
    return rows, dialect, notes + _named(delimiter, usual)


def _named(delimiter: str, usual: str) -> list[str]:
    return [] if delimiter == usual else [f"cells end at {DELIMITERS[delimiter]}"]


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _whole(text: str, dialect: Dialect) -> tuple[list[list[str]], Dialect, list[str]]:
    """Rows by a delimiter, how quotes are then read, and what is to be printed of them."""
    if '"' not in text:
        return _rows(text, dialect), dialect, []
    return _tabbed(text, dialect) if dialect.delimiter == "\t" else _spaced(text, dialect)


def _tabbed(text: str, dialect: Dialect) -> tuple[list[list[str]], Dialect, list[str]]:
    """GLUE and others write tabs without quoting, so quotes are signs of the text; spreadsheets and pandas quote.

    Where each reading fits, cells that are quoted whole are taken for quoted, unless a cell would then hold several lines that
    are rows as they stand.
    """
    unquoted = replace(dialect, quoted=False)
    try:
        quoted = _rows(text, dialect)
    except ValueError as error:
        try:
            return _rows(text, unquoted), unquoted, ["quotes are read as signs of the text"]
        except ValueError:
            raise error from None
    try:
        plain = _rows(text, unquoted)
    except ValueError:
        return quoted, dialect, []
    if len(plain) != len(quoted):
        return plain, unquoted, ["quotes are read as signs of the text: taken for quoting, they would join rows"]
    changed = sum(one != other for one, other in zip(plain, quoted))
    return quoted, dialect, [f"quotes around cells are taken off, in {changed:,} rows"] if changed else []


def _spaced(text: str, dialect: Dialect) -> tuple[list[list[str]], Dialect, list[str]]:
    """A blank before a quote, as in `pos, "a film, a play"`: the quotes mean what they do without it, or the file is refused."""
    spaced = replace(dialect, spaced=True)
    note = ["blanks before quotes are passed over"]
    try:
        rows = _rows(text, dialect)
    except ValueError as error:
        if not re.search(rf'(^|[{re.escape(dialect.delimiter)}\n]) +"', text):
            raise
        try:
            return _rows(text, spaced), spaced, note
        except ValueError:
            raise error from None
    if not any(re.match(' +"', cell) for row in rows for cell in row):
        return rows, dialect, []
    try:
        meant = _rows(text, spaced)
    except ValueError as error:
        raise ValueError(f"a blank stands before a quote, which may be one of the text or one around it; {error}") from None
    differ = any(cell.lstrip(" ") != other.lstrip(" ") for row, its in zip(rows, meant) for cell, other in zip(row, its))
    return (meant, spaced, note) if differ or len(rows) != len(meant) else (rows, dialect, [])


def _rows(text: str, dialect: Dialect) -> list[list[str]]:
    return list(rows_of(io.StringIO(text, newline=""), dialect))


def rows_of(lines: Iterable[str], dialect: Dialect, lines_before: int = 0) -> Iterator[list[str]]:
    """Rows one by one, the header first, blank lines left out.

    lines   with their ends as they stand in the file

    Raises ValueError for a row that has not as many cells as the header.
    """
    quoting = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quoting=quoting,
        skipinitialspace=dialect.spaced,
        strict=True,
    )
    cells, began = 0, 0
    try:
        for row in reader:
            # A short or long row means a stray quote or delimiter: guessing where its cells belong would mislabel texts.
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
