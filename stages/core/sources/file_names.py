"""What the names of files tell: how they are packed, how they are read, and which split they hold.

The names of splits are those of the hub: https://huggingface.co/docs/hub/datasets-file-names-and-splits
"""

import re
from pathlib import Path

PACKED = (".gz", ".bz2", ".xz", ".zst")
READ = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".txt")
NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")  # what data sets write of themselves
TRAIN_NAMES = ("train", "training")
HOLDOUT_NAMES = ("test", "testing", "eval", "evaluation", "validation", "valid", "val", "dev")
SPLIT = re.compile(rf"({'|'.join((*TRAIN_NAMES, *HOLDOUT_NAMES))})([-._ ]\d+(-of-\d+(-[0-9a-f]+)?)?)?")
POSSIBLE = f"{', '.join(suffix[1:] for suffix in READ)}, each also with {', '.join(PACKED)}"


def suffixes(file: Path) -> tuple[str, str]:
    """How a file is read and how it is packed, in small letters; "" where the name does not tell. A.CSV.gz: .csv, .gz."""
    name, packed = file.name.lower(), ""
    if Path(name).suffix in PACKED:
        name, packed = Path(name).stem, Path(name).suffix
    read = Path(name).suffix
    return (read, packed) if read in READ else ("", packed)


def stem(file: Path) -> str:
    """The name without the suffixes by which it is read."""
    ends = "".join(suffixes(file))
    return file.name.removesuffix(file.name[len(file.name) - len(ends) :]) if ends else file.name


def visible(path: Path) -> bool:
    """Is it no leaving of a system, such as ._data.csv or __MACOSX?"""
    return not path.name.startswith((".", "__"))


def readable(path: Path) -> bool:
    """May it hold rows?"""
    return visible(path) and suffixes(path)[0] != "" and path.name.lower() not in NOT_ROWS


def split_of_name(path: Path) -> str | None:
    """The split that a name is, up to a number: Train.csv, test-00000-of-00003.parquet."""
    found = SPLIT.fullmatch(stem(path).lower())
    return _usual(found[1]) if found else None


def split_in_name(path: Path) -> str | None:
    """The only name of a split among the words of a name: imdb_train.csv, my-dev-rows.tsv."""
    found = [word for word in re.split(r"[-._ 0-9]+", stem(path).lower()) if word in (*TRAIN_NAMES, *HOLDOUT_NAMES)]
    return _usual(found[0]) if len(found) == 1 else None


def _usual(name: str) -> str:
    return "train" if name in TRAIN_NAMES else name


def split_of_cell(text: str) -> str | None:
    """The split that a cell names, or None."""
    name = text.strip().lower()
    return _usual(name) if name in (*TRAIN_NAMES, *HOLDOUT_NAMES) else None
