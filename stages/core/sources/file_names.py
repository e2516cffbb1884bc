"""What file names say: how a file is compressed, which reader it needs and which split it holds."""

import re
from pathlib import Path

PACKED = (".gz", ".bz2", ".xz", ".zst")
READ = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".txt")
NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")  # the datasets library's own notes
# Those of the hub: https://huggingface.co/docs/hub/datasets-file-names-and-splits
TRAIN_NAMES = ("train", "training")
HOLDOUT_NAMES = ("test", "testing", "eval", "evaluation", "validation", "valid", "val", "dev")
SPLIT_NAMES = (*TRAIN_NAMES, *HOLDOUT_NAMES)
SPLIT = re.compile(rf"({'|'.join(SPLIT_NAMES)})([-._ ]\d+(-of-\d+(-[0-9a-f]+)?)?)?(\.ft)?")  # train.ft.txt: fastText's
POSSIBLE = f"{', '.join(suffix[1:] for suffix in READ)}, each also with {', '.join(PACKED)}"


def suffixes(file: Path) -> tuple[str, str]:
    """The suffixes of the reader and of the compression, in lower case; "" if absent or unknown. A.CSV.gz: .csv, .gz."""
    name, packed = file.name.lower(), ""
    if Path(name).suffix in PACKED:
        name, packed = Path(name).stem, Path(name).suffix
    read = Path(name).suffix
    return (read, packed) if read in READ else ("", packed)


def stem(file: Path) -> str:
    """The name without these suffixes."""
    return file.name[: len(file.name) - len("".join(suffixes(file)))]


def visible(path: Path) -> bool:
    """Whether the path is not a system's leftover, such as ._data.csv or __MACOSX."""
    return not path.name.startswith((".", "__"))


def readable(path: Path) -> bool:
    """Whether the file may hold rows."""
    return visible(path) and suffixes(path)[0] != "" and path.name.lower() not in NOT_ROWS


def split_of_name(path: Path) -> str | None:
    """The split that the whole name is, apart from a number: Train.csv, test-00000-of-00003.parquet."""
    found = SPLIT.fullmatch(stem(path).lower())
    return split_of_cell(found[1]) if found else None


def split_in_name(path: Path) -> str | None:
    """The only split among the words of the name: imdb_train.csv, my-dev-rows.tsv."""
    found = [word for word in re.split(r"[-._ 0-9]+", stem(path).lower()) if word in SPLIT_NAMES]
    return split_of_cell(found[0]) if len(found) == 1 else None


def split_of_cell(text: str) -> str | None:
    """The split that a text names, or None."""
    name = text.strip().lower()
    return "train" if name in TRAIN_NAMES else name if name in HOLDOUT_NAMES else None
