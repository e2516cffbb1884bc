"""Recognise which labelling tool wrote a file, and read its answers."""

from pathlib import Path

from stages.core.base.errors import Refused, short
from stages.core.people.labelling import Labelling
from stages.core.people.records import spreadsheets
from stages.core.people.tools import argilla, doccano, label_studio, plain, prodigy
from stages.core.people.tools.exchange import ToolAnswer
from stages.core.sources import file_names, files

TOOLS = {tool.NAME: tool for tool in (label_studio, argilla, prodigy, doccano)}  # the surest sign first


def read(file: Path, state: Labelling, who_column: str = "") -> tuple[list[ToolAnswer], str | None]:
    """(the answers, the tool's name or None for a plain table). Prints what the file is taken for.

    who_column   of a plain table: the column that names the annotators

    Raises Refused, naming file and row or record.
    """
    suffix, packed = file_names.suffixes(file)
    if suffix in ("", ".csv", ".tsv", ".txt") and not packed:
        if not file.is_file():
            raise Refused(f"FILE={file}: no such file; possible: {file_names.POSSIBLE}")
        table = spreadsheets.read(file)
    else:
        try:
            table = files.read_file(file, "auto")
        except (ValueError, OSError, NotImplementedError) as error:
            raise Refused(f"FILE={file} cannot be read: {short(error)}; possible: {file_names.POSSIBLE}") from None
    for note in table.notes:
        print(f"{file}: {note}")
    records = list(table.rows())
    for tool in TOOLS.values() if records and not who_column else ():
        if what := tool.recognised(table.columns, records):
            print(f"{file}: taken for {what}")
            try:
                return list(tool.read(records, [*state.classes, *state.rename])), tool.NAME  # present and former ones
            except ValueError as error:
                raise Refused(f"{file}, {error}; nothing was read") from None
    return list(plain.read(table, str(file), state, who_column)), None
