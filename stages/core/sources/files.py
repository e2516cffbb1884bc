"""Local data sets: a file or a folder. The module layout says which files of a folder belong to which split."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stages.core.base.errors import Refused, choices, short
from stages.core.sources import columnar, configs, delimited, excel, file_names, json_rows, layout, packed, plain_texts
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Stream, Table, joined, replace

READERS: dict[str, Callable[[Path, str], Stream | Table]] = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".jsonl": json_rows.read_lines,
    ".ndjson": json_rows.read_lines,
    ".json": json_rows.read,
    ".parquet": columnar.read,
    ".xlsx": excel.read,
    ".txt": plain_texts.read,
}
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def local_path(name: str) -> Path | None:
    """The path that a name means, whether it exists or not; None if only a hub can know the name."""
    path = Path(name).expanduser()
    is_path = path.exists() or path.is_absolute() or name.startswith(".") or file_names.suffixes(path)[0]
    return path if is_path else None


def read(path: Path, setting: str, encoding: str = "auto", config: Any = "none") -> tuple[dict[str, Table], list[str]]:
    """(tables by split name, names of unused files) of a file or folder.

    encoding   of text without a byte order mark; auto is UTF-8
    config     one of the configs in the folder's README.md, or none

    Raises Refused, naming `setting`, if the path is missing, the splits are unclear or a file is broken.
    """
    where = f"params.yaml: {setting} = {path}"
    possible = f"give a file ({file_names.POSSIBLE}), a folder of them, a hub name or one of {', '.join(PACKAGED)}"
    if not path.exists():
        raise Refused(
            f"{where}: no such file or folder; looked for it in {(Path.cwd() / path).parent}{in_experiment_copy()}; {possible}"
        )
    if path.is_file() and not file_names.suffixes(path)[0]:
        raise Refused(
            f"{where}: no reader for it; {choices(path.suffix, file_names.READ)}, each also with {', '.join(file_names.PACKED)}; "
            "save a table as csv or xlsx"
        )
    try:
        found = layout.of(path, config)
    except configs.NoneChosen as error:
        remedy = "name one in prepare.config" if setting == "prepare.dataset" else "give the path of a file, or of another folder"
        raise Refused(f"{where}: {error}; {remedy}") from None
    except configs.Unclear as error:
        raise Refused(f"{where}: {error}; {possible}") from None
    if config != "none" and not found.readme:
        raise Refused(
            f"params.yaml: prepare.config = {config}: only hub data sets, and folders whose README.md defines configs, have "
            "configs; set it to none"
        )
    if found.notes:
        print(f"{setting.split('.')[0]}: {'; '.join(found.notes)}")
    if strange := [file for part in found.parts.values() for file in part.files if not file.is_file()]:
        raise Refused(f"{where}: {strange[0]} cannot be read: it is not a file")
    return {split: table_of(part, setting, encoding) for split, part in found.parts.items()}, found.unused


def in_experiment_copy() -> str:
    """A hint for messages about a missing file: `dvc exp run --temp` and --queue copy only what git tracks into .dvc/tmp."""
    if ".dvc" not in Path.cwd().parts:
        return ""
    return ", a copy of the project for one experiment, which lacks files that git ignores: give an absolute path"


def table_of(part: layout.Part, setting: str, encoding: str) -> Table:
    """The files of a split, whole in memory."""
    if part.kind == "saved":
        with refusing_broken(part.root, setting):
            table = columnar.saved(part.root)
    elif part.kind == "classes":
        with refusing_broken(part.root, setting):
            table = plain_texts.of_classes(part.files, part.root, encoding)
    else:
        table = _of_shards(part, setting, encoding)
    first = part.files[0].name if part.files else part.root.name
    return replace(table, origin=first if len(part.files) == 1 else f"{len(part.files):,} files, {first} the first")


def _of_shards(part: layout.Part, setting: str, encoding: str) -> Table:
    tables = []
    for file in part.files:
        with refusing_broken(file, setting):
            table = read_file(file, encoding)
        tables.append(_partition(table, file.relative_to(part.root)) if part.kind == "partitions" else table)
    if len(tables) == 1:
        return tables[0]
    for file, table in zip(part.files, tables):
        # A JSON object may omit a column.
        if set(table.columns) != set(tables[0].columns) and "json" not in file_names.suffixes(file)[0]:
            raise Refused(
                f"{file} has columns {', '.join(table.columns)}, {part.files[0].name} has {', '.join(tables[0].columns)}: "
                "shards of one table must have the same"
            )
    return joined(tables)


def read_file(file: Path, encoding: str) -> Table:
    """One file, whole in memory. Raises what its reader raises."""
    found = READERS[file_names.suffixes(file)[0]](file, encoding)
    return found.table() if isinstance(found, Stream) else found


def _partition(table: Table, below: Path) -> Table:
    """A table with one more column per folder name such as label=0 in label=0/part.parquet."""
    named = dict(folder.split("=", 1) for folder in below.parts[:-1] if "=" in folder)
    named = {unquote(name): None if value == NO_VALUE else unquote(value) for name, value in named.items()}
    rows = lambda: sum(1 for _ in table.values(table.columns[0])) if table.columns else 0  # noqa: E731
    return replace(
        table,
        columns=[*table.columns, *named],
        values=lambda column: repeat(named[column], rows()) if column in named else table.values(column),
    )


@contextmanager
def refusing_broken(file: Path, setting: str) -> Iterator[None]:
    """Raise Refused, in plain words, if the block finds a broken file."""
    try:
        yield
    except packed.WrongEncoding as error:
        also = " or name its encoding in prepare.encoding" if setting == "prepare.dataset" else ""
        raise Refused(f"{file} cannot be read: {error}; save it as UTF-8{also}") from None
    # From codecs, csv, json and pyarrow; deeply nested json raises RecursionError.
    except (ValueError, OSError, MemoryError, NotImplementedError, RecursionError, csv.Error, *packed.BROKEN) as error:
        kind = file_names.suffixes(file)[0][1:] or "a folder of texts"
        raise Refused(f"{file} cannot be read as {kind}: {short(error)}") from None
