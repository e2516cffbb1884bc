"""Tables of delimited text: .csv and .tsv, strict, so that no cell is ever read into another column.

What is read of a file that leaves room for two readings is printed, or the file is refused.
"""

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

from stages.core.sources import names, packed
from stages.core.sources.tables import Table

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Dialect:
    """quoted: quotes around a cell are no part of it; spaced: blanks before a cell are no part of it, quoted or not."""

    delimiter: str
    quoted: bool = True
    spaced: bool = False


def read(file: Path, encoding: str) -> Table:
    """The table of a file. Raises ValueError, naming the line, where cells cannot be told apart, and as packed.text does."""
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    text = packed.text(file, encoding)
    usual = "\t" if names.suffixes(file)[0] == ".tsv" else ","
    if declared := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own
        rows, notes = _rows(text[declared.end() :], Dialect(declared[1]), lines_before=1), []
    else:
        rows, notes = _told(text, usual)
    columns, rows = (rows[0], rows[1:]) if rows else ([], [])
    return Table(columns, lambda column: (row[columns.index(column)] for row in rows), notes=notes)


def _told(text: str, usual: str) -> tuple[list[list[str]], list[str]]:
    """Rows by the only delimiter that parts the header and fits every row, and what is to be printed."""
    possible = [delimiter for delimiter in DELIMITERS if len(_header(text, delimiter)) > 1] or [usual]
    if len(possible) == 1:
        rows, notes = _whole(text, possible[0])
        return rows, notes + _named(possible[0], usual)
    fitting, errors = {}, {}
    for delimiter in possible:
        try:
            fitting[delimiter] = _whole(text, delimiter)
        except ValueError as error:
            errors[delimiter] = error
    if not fitting:
        raise errors.get(usual, next(iter(errors.values())))
    if len(fitting) > 1:
        read = "; ".join(f"{DELIMITERS[delimiter]} give columns {', '.join(rows[0])}" for delimiter, (rows, _) in fitting.items())
        raise ValueError(f"cells may end at more than one sign: {read}; write the right one into a first line, such as sep=;")
    (delimiter, (rows, notes)), *_ = fitting.items()
    return rows, notes + _named(delimiter, usual)


def _named(delimiter: str, usual: str) -> list[str]:
    return [] if delimiter == usual else [f"cells end at {DELIMITERS[delimiter]}"]


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _whole(text: str, delimiter: str) -> tuple[list[list[str]], list[str]]:
    """Rows by a delimiter, and what is to be printed of quotes."""
    dialect = Dialect(delimiter)
    if '"' not in text:
        return _rows(text, dialect), []
    return _tabbed(text, dialect) if delimiter == "\t" else _spaced(text, dialect)


def _tabbed(text: str, dialect: Dialect) -> tuple[list[list[str]], list[str]]:
    """GLUE and others write tabs without quoting, so quotes are signs of the text; spreadsheets and pandas quote.

    Where each reading fits, cells that are quoted whole are taken for quoted, unless a cell would then hold several lines that
    are rows as they stand.
    """
    try:
        quoted = _rows(text, dialect)
    except ValueError as error:
        try:
            return _rows(text, replace(dialect, quoted=False)), ["quotes are read as signs of the text"]
        except ValueError:
            raise error from None
    try:
        plain = _rows(text, replace(dialect, quoted=False))
    except ValueError:
        return quoted, []
    if len(plain) != len(quoted):
        return plain, ["quotes are read as signs of the text: taken for quoting, they would join rows"]
    changed = sum(one != other for one, other in zip(plain, quoted))
    return quoted, [f"quotes around cells are taken off, in {changed:,} rows"] if changed else []


def _spaced(text: str, dialect: Dialect) -> tuple[list[list[str]], list[str]]:
    """A blank before a quote, as in `pos, "a film, a play"`: the quotes mean what they do without it, or the file is refused."""
    spaced = replace(dialect, spaced=True)
    note = ["blanks before quotes are passed over"]
    try:
        rows = _rows(text, dialect)
    except ValueError as error:
        if not re.search(rf'(^|[{re.escape(dialect.delimiter)}\n]) +"', text):
            raise
        try:
            return _rows(text, spaced), note
        except ValueError:
            raise error from None
    if not any(re.match(' +"', cell) for row in rows for cell in row):
        return rows, []
    try:
        meant = _rows(text, spaced)
    except ValueError as error:
        raise ValueError(f"a blank stands before a quote, which may be one of the text or one around it; {error}") from None
    differ = any(cell.lstrip(" ") != other.lstrip(" ") for row, its in zip(rows, meant) for cell, other in zip(row, its))
    return (meant, note) if differ or len(rows) != len(meant) else (rows, [])


def _rows(text: str, dialect: Dialect, lines_before: int = 0) -> list[list[str]]:
    """All rows, the header first, blank lines left out. Raises ValueError for a row that has not as many cells as the header."""
    quoting = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quoting=quoting,
        skipinitialspace=dialect.spaced,
        strict=True,
    )
    rows, began = [], 0
    try:
        for row in reader:
            # A short or long row means a stray quote or delimiter: guessing where its cells belong would mislabel texts.
            if row and rows and len(row) != len(rows[0]):
                raise ValueError(f"line {reader.line_num + lines_before:,} has {len(row)} cells, the header {len(rows[0])}")
            rows += [row] if row else []
            began = reader.line_num
    except csv.Error as error:
        first, last = began + 1 + lines_before, reader.line_num + lines_before
        where = f"line {last:,}" if first >= last else f"line {last:,}, in a row that begins at line {first:,}"
        raise ValueError(f"{where}: {error}") from None
    return rows
