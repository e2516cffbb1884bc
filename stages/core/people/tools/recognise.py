"""Which tool wrote a file, and what it says."""

from pathlib import Path

from stages.core.base.errors import Refused, short
from stages.core.people.records import spreadsheets
from stages.core.people.tools import argilla, doccano, label_studio, plain, prodigy
from stages.core.people.tools.given import Given
from stages.core.sources import file_names, files
from stages.core.sources.tables import Table

TOOLS = {tool.NAME: tool for tool in (label_studio, argilla, prodigy, doccano)}  # in this order: the surest sign first


def read(file: Path, classes: list[str]) -> tuple[list[Given], str | None]:
    """What a file says, and the name of the tool that wrote it, or None for a table of one's own; what it is taken for is printed.

    classes   those of now and of old, by which labels are told from other columns

    Raises Refused, naming file and row or record.
    """
    table, notes = opened(file)
    for note in notes:
        print(f"{file}: {note}")
    rows = zip(*(table.values(column) for column in table.columns))
    records = [dict(zip(table.columns, row)) for row in rows]
    for tool in TOOLS.values() if records else ():
        if what := tool.taken_for(table.columns, records):
            print(f"{file}: taken for {what}")
            try:
                return list(tool.given(records, classes)), tool.NAME
            except ValueError as error:
                raise Refused(f"{file}, {error}; nothing was read") from None
    return list(plain.given(table, str(file))), None


def opened(file: Path) -> tuple[Table, list[str]]:
    """The table of a file, and what is to be told of it."""
    suffix, packed = file_names.suffixes(file)
    if suffix in ("", ".csv", ".tsv", ".txt") and not packed:
        if not file.is_file():
            raise Refused(f"FILE={file}: no such file; possible: {file_names.POSSIBLE}")
        return spreadsheets.as_it_is(file)
    try:
        table = files.READERS[suffix](file, "auto")
    except (ValueError, OSError, NotImplementedError) as error:
        raise Refused(f"FILE={file} cannot be read: {short(error)}; possible: {file_names.POSSIBLE}") from None
    return table, table.notes
