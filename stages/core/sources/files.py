"""Data sets in files of one's own: a file, or a folder that holds some (which of them, and as what, tells layout)."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stages.core.base.errors import Refused, choices, short
from stages.core.sources import columnar, configs, delimited, excel, file_names, json_rows, layout, packed, plain_texts
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table, joined, replace

READERS: dict[str, Callable[[Path, str], Table]] = {
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
    """The path that a name is, whether something is there or not; None for a name that only a hub may know."""
    path = Path(name).expanduser()
    is_path = path.exists() or path.is_absolute() or name.startswith(".") or file_names.suffixes(path)[0]
    return path if is_path else None


def read(path: Path, setting: str, encoding: str = "auto", config: Any = "none") -> tuple[dict[str, Table], list[str]]:
    """Tables of a file or of a folder by the names of their splits, and the names of files that are left aside.

    encoding   of text without a byte order mark; auto is UTF-8
    config     which of those that the folder's README.md tells, or none

    Raises Refused, naming `setting`, where there is none, where splits cannot be told apart, and for a file that is broken.
    """
    where = f"params.yaml: {setting} = {path}"
    if not path.exists():
        raise Refused(
            f"{where}: no such file or folder; looked for it in {(Path.cwd() / path).parent}{in_experiment_copy()}; {_possible()}"
        )
    if path.is_file() and not file_names.suffixes(path)[0]:
        raise Refused(
            f"{where}: no reader for it; {choices(path.suffix, file_names.READ)}, each also with {', '.join(file_names.PACKED)}"
        )
    try:
        found = layout.of(path, config)
    except configs.NoneChosen as error:
        remedy = "name one in prepare.config" if setting == "prepare.dataset" else "give the path of a file, or of another folder"
        raise Refused(f"{where}: {error}; {remedy}") from None
    except configs.Unclear as error:
        raise Refused(f"{where}: {error}; {_possible()}") from None
    if config != "none" and not found.told_by:
        raise Refused(
            f"params.yaml: prepare.config = {config}: only a data set of the hub has configs, or a folder whose README.md tells "
            "them; set it to none"
        )
    if found.notes:
        print(f"{setting.split('.')[0]}: {'; '.join(found.notes)}")
    for part in found.parts.values():
        for file in part.files:
            if not file.is_file():
                raise Refused(f"{where}: {file} is no file that can be read")
    return {split: table_of(part, setting, encoding) for split, part in found.parts.items()}, found.aside


def in_experiment_copy() -> str:
    """What to add where a file is missing: `dvc exp run --temp` and --queue copy what git tracks into .dvc/tmp."""
    if ".dvc" not in Path.cwd().parts:
        return ""
    return ", a copy of the project for one experiment, in which files that git ignores are absent: give the path from / on"


def _possible() -> str:
    return f"give a file ({file_names.POSSIBLE}), a folder of them, a hub name or one of {', '.join(PACKAGED)}"


def table_of(part: layout.Part, setting: str, encoding: str) -> Table:
    """The files of a split, whole in memory."""
    if part.kind == "saved":
        table = _told(part.root, setting, partial(columnar.saved, part.root))
    elif part.kind == "classes":
        table = _told(part.root, setting, partial(plain_texts.of_classes, part.files, part.root, encoding))
    else:
        table = _of_shards(part, setting, encoding)
    first = part.files[0].name if part.files else part.root.name
    origin = first if len(part.files) == 1 else f"{len(part.files):,} files, {first} the first"
    return replace(table, origin=origin)


def _of_shards(part: layout.Part, setting: str, encoding: str) -> Table:
    tables = []
    for file in part.files:
        reader = READERS[file_names.suffixes(file)[0]]
        table = _told(file, setting, partial(reader, file, encoding))
        tables.append(_partition(table, file.relative_to(part.root)) if part.kind == "partitions" else table)
    if len(tables) == 1:
        return tables[0]
    for file, table in zip(part.files, tables):
        # Of JSON an object may leave a name out.
        if set(table.columns) != set(tables[0].columns) and "json" not in file_names.suffixes(file)[0]:
            raise Refused(
                f"{file} has columns {', '.join(table.columns)}, {part.files[0].name} has {', '.join(tables[0].columns)}: "
                "shards of one table have the same"
            )
    return joined(tables)


def _partition(table: Table, below: Path) -> Table:
    """A table with the columns that the folders above it are named by: label=0/part.parquet."""
    told = dict(folder.split("=", 1) for folder in below.parts[:-1] if "=" in folder)
    told = {unquote(name): None if value == NO_VALUE else unquote(value) for name, value in told.items()}
    rows = lambda: sum(1 for _ in table.values(table.columns[0])) if table.columns else 0  # noqa: E731
    return replace(
        table,
        columns=[*table.columns, *told],
        values=lambda column: repeat(told[column], rows()) if column in told else table.values(column),
    )


def _told(file: Path, setting: str, reader: Callable[[], Table]) -> Table:
    """What a reader gives; Refused where the file is broken."""
    with refusing_broken(file, setting):
        return reader()


@contextmanager
def refusing_broken(file: Path, setting: str) -> Iterator[None]:
    """Raise Refused in place of what a broken file raises, in plain words."""
    try:
        yield
    except packed.WrongEncoding as error:
        also = " or name its encoding in prepare.encoding" if setting == "prepare.dataset" else ""
        raise Refused(f"{file} cannot be read: {error}; save it as UTF-8{also}") from None
    # Broken files raise these from codecs, csv, json and pyarrow; RecursionError comes from deeply nested json.
    except (ValueError, OSError, MemoryError, NotImplementedError, RecursionError, csv.Error, *packed.BROKEN) as error:
        kind = file_names.suffixes(file)[0][1:] or "a folder of texts"
        raise Refused(f"{file} cannot be read as {kind}: {short(error)}") from None
