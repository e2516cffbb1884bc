"""Excel workbooks, read by openpyxl, which requirements-excel.txt installs."""

import io
from itertools import zip_longest
from pathlib import Path

from stages.core.base.errors import Refused, short
from stages.core.sources import packed, tables
from stages.core.sources.tables import Table


def read(file: Path, encoding: str) -> Table:
    """The table of the only sheet with content. Its first row names the columns; `encoding` does not apply.

    Raises Refused without openpyxl, ValueError for a broken workbook, for several sheets and for a cell beyond the header.
    """
    try:
        import openpyxl
    except ImportError:
        raise Refused(f"{file} is a workbook, and openpyxl is not installed; pip install -r requirements-excel.txt") from None
    data = packed.contents(file)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {sheet.title: [row for row in sheet.values if any(cell is not None for cell in row)] for sheet in book.worksheets}
    except Exception as error:  # a zip of something else: KeyError, BadZipFile, TypeError and more
        raise ValueError(f"not a workbook ({type(error).__name__}: {short(error)})") from None
    full = {title: rows for title, rows in sheets.items() if rows}
    if len(full) > 1:
        raise ValueError(f"{len(full)} sheets have content ({', '.join(full)}); keep one, or save each as a file like train.xlsx")
    header, *rows = next(iter(full.values()), [()])
    columns, notes = ["" if name is None else str(name) for name in header], []
    while columns and not columns[-1]:
        columns.pop()
    columns = tables.names_of(columns)
    for number, row in enumerate(rows, start=1):
        if any(cell is not None for cell in row[len(columns) :]):
            raise ValueError(f"row {number:,} has a cell beyond the {len(columns)} columns of the header")
    # Short rows end in empty cells.
    values = list(zip_longest(columns, *tables.without_headers(rows, header, notes)))
    return Table(columns, lambda column: values[columns.index(column)][1:], notes=notes)
