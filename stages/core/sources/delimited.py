"""Delimited text (.csv, .tsv), read strictly: no cell changes its column, and of two ways to read one is printed or refused."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path

from stages.core.sources import file_names, packed, tables
from stages.core.sources.tables import Stream

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
Lines = Callable[[], Iterator[str]]  # reads a file from its start, line ends as in the file


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quoted: bool = True  # quotes around a cell do not belong to it
    spaced: bool = False  # blanks before a cell do not belong to it, quoted or not
    lines_before: int = 0  # the header
    notes: tuple[str, ...] = ()  # to print


def read(file: Path, encoding: str) -> Stream:
    """The rows of a file; of repeated columns the first. Raises as packed.text does, and ValueError if the file is empty or, naming
    the line, if its cells are unclear.
    """
    lines = partial(packed.lines, file, encoding)
    dialect = dialect_of(lines, file)
    header, notes = next(rows_of(lines, dialect), []), list(dialect.notes)
    if not header:
        raise ValueError("the file is empty")
    columns = tables.names_of(header)
    places = {column: columns.index(column) for column in columns}
    rows = lambda: tables.without_headers(islice(rows_of(lines, dialect), 1, None), header, notes)  # noqa: E731
    read = lambda: ({column: row[at] for column, at in places.items()} for row in rows())  # noqa: E731
    return Stream(read, columns, notes, name=str(file))


def dialect_of(lines: Lines, file: Path) -> Dialect:
    """The only delimiter that splits the header and fits every row. Reads all lines, several times, but keeps none."""
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    has_quotes = sum('"' in line for line in lines()) > 0  # to the end, so that a wrong encoding is the first error
    if declared := re.match(r"sep=(.)\r?\n", next(lines(), ""), re.IGNORECASE):  # Excel's own line
        return Dialect(declared[1], lines_before=1)
    usual = "\t" if file_names.suffixes(file)[0] == ".tsv" else ","
    fitting, errors = {}, {}
    for delimiter in [delimiter for delimiter in DELIMITERS if len(_header(lines, delimiter)) > 1] or [usual]:
        by_quoting = (_tabbed if delimiter == "\t" else _spaced) if has_quotes else _fitting
        try:
            fitting[delimiter] = by_quoting(lines, Dialect(delimiter))
        except ValueError as error:
            errors[delimiter] = error
    if not fitting:
        raise errors.get(usual, next(iter(errors.values())))
    if len(fitting) > 1:
        ways = "; ".join(f"{DELIMITERS[way]} give columns {', '.join(next(rows_of(lines, fitting[way])))}" for way in fitting)
        raise ValueError(f"more than one delimiter fits: {ways}; write the right one into a first line, such as sep=;")
    [(delimiter, dialect)] = fitting.items()
    if delimiter == usual:
        return dialect
    return replace(dialect, notes=(*dialect.notes, f"cells end at {DELIMITERS[delimiter]}"))


def _header(lines: Lines, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines(), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _fitting(lines: Lines, dialect: Dialect, otherwise: ValueError | None = None) -> Dialect:
    """The dialect, if every row fits it. Raises `otherwise`, if given, in place of the error."""
    try:
        for _ in rows_of(lines, dialect):
            pass
    except ValueError as error:
        raise otherwise or error from None
    return dialect


def _tabbed(lines: Lines, quoted: Dialect) -> Dialect:
    """GLUE and others write tabs without quoting, so quotes belong to the text. Spreadsheets and pandas quote.

    If both readings fit, cells that are quoted whole count as quoted, unless a cell would then join lines that are rows.
    """
    plain = replace(quoted, quoted=False)
    try:
        count = sum(1 for _ in rows_of(lines, quoted))
    except ValueError as error:
        return _fitting(lines, replace(plain, notes=("quotes are read as part of the text",)), error)
    try:
        count_plain = sum(1 for _ in rows_of(lines, plain))
    except ValueError:
        return quoted
    if count != count_plain:
        return replace(plain, notes=("quotes are read as part of the text: as quoting they would join rows",))
    changed = sum(one != other for one, other in zip(rows_of(lines, plain), rows_of(lines, quoted)))
    return replace(quoted, notes=(f"quotes around cells are removed, in {changed:,} rows",)) if changed else quoted


def _spaced(lines: Lines, strict: Dialect) -> Dialect:
    """A blank before a quote, as in `pos, "a film, a play"`: the quotes count as if it were absent, or the file is refused."""
    spaced = replace(strict, spaced=True, notes=("blanks before quotes are ignored",))
    try:
        unclear = sum(bool(re.match(' +"', cell)) for row in rows_of(lines, strict) for cell in row)
    except ValueError as error:
        before_quote = re.compile(rf'(^|{re.escape(strict.delimiter)}) +"')
        if not any(map(before_quote.search, lines())):
            raise
        return _fitting(lines, spaced, error)
    if not unclear:
        return strict
    try:
        pairs = zip_longest(rows_of(lines, strict), rows_of(lines, spaced), fillvalue=())
        differing = sum([cell.lstrip(" ") for cell in one] != [cell.lstrip(" ") for cell in other] for one, other in pairs)
    except ValueError as error:
        raise ValueError(f"a blank stands before a quote, which may belong to the text or enclose it; {error}") from None
    return spaced if differing else strict


def rows_of(lines: Lines, dialect: Dialect) -> Iterator[list[str]]:
    """Rows one by one, the header first, without blank lines. Raises ValueError if a row and the header differ in length."""
    text, lines_before = islice(lines(), dialect.lines_before, None), dialect.lines_before
    quoting = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(text, delimiter=dialect.delimiter, quoting=quoting, skipinitialspace=dialect.spaced, strict=True)
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
        first, last = began + 1 + lines_before, reader.line_num + lines_before
        where = f"line {last:,}" if first >= last else f"line {last:,}, in a row that begins at line {first:,}"
        raise ValueError(f"{where}: {error}") from None
