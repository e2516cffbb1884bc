"""Which files of a folder are read, and as which split: told by their names alone, before any is opened.

reviews/train.tsv, reviews/Test.csv.gz                       a file a split, by the hub's names in any case
data/train-00000-of-00002.parquet, …                         shards of a split, in the folder or in its only one
train/…, test/…                                              a folder a split
label=0/part-0.parquet, …                                    partitions: a column in the names of folders
pos/1.txt, neg/2.txt                                         a folder a class, a file a text
dataset_dict.json, train/state.json, …                       what datasets.save_to_disk wrote
README.md with `configs:` in its head                        the files that a config names, see configs
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.core.sources import configs, file_names
from stages.core.sources.configs import Unclear


@dataclass(frozen=True)
class Part:
    """The files of one split.

    kind   files (shards of one table), partitions, classes or saved
    root   the folder below which partitions and classes are told
    """

    files: list[Path]
    kind: str = "files"
    root: Path = Path()


@dataclass(frozen=True)
class Layout:
    """The splits by name, and the names of what could have been read and is not.

    told_by   the README.md that says what is read, where one does
    notes     what of that is to be printed
    """

    parts: dict[str, Part]
    aside: list[str] = field(default_factory=list)
    told_by: Path | None = None
    notes: list[str] = field(default_factory=list)


def of(path: Path, config: Any = "none") -> Layout:
    """What is read of a file or folder. Raises Unclear where that cannot be told, OSError where it cannot be looked at.

    config   which of those that a README.md tells, or none
    """
    if told := path.is_dir() and configs.of(path, config):
        chosen, notes = told
        root = configs.root(path, chosen)
        named = {split: Part(files) for split, files in configs.files(root, chosen).items()} if "data_files" in chosen else None
        return replace(Layout(named) if named else _by_names(root), told_by=path / configs.README, notes=notes)
    return _by_names(path)


def _by_names(path: Path) -> Layout:
    if not path.is_dir():
        return Layout({file_names.stem(path): Part([path])})
    if (path / "dataset_dict.json").is_file():
        return Layout({name: _saved(path / name) for name in _saved_splits(path / "dataset_dict.json")})
    if (path / "state.json").is_file():
        return Layout({path.name: _saved(path)})
    seen = [entry for entry in sorted(path.iterdir()) if file_names.visible(entry)]
    folders = [entry for entry in seen if entry.is_dir()]
    # Notes lie beside data as .txt; texts of fastText are taken where they are called by a split.
    files = [
        entry
        for entry in seen
        if entry not in folders
        and file_names.readable(entry)
        and (file_names.suffixes(entry)[0] != ".txt" or file_names.split_of_name(entry))
    ]
    if files:
        return _of_files(path, files)
    if any(map(file_names.split_of_name, folders)):
        return _of_folders(path, folders)
    if part := _inside(path):
        return Layout({path.name: part})
    inner = [entry for entry in folders if entry.name == "data"] or folders
    if len(inner) == 1:
        return _by_names(inner[0])
    raise Unclear("no file there that can be read")


def files_read(path: Path, config: Any = "none") -> list[Path]:
    """The files that are read of a path, each once and in order. Raises as `of` does."""
    found = of(path, config)
    return sorted({file for part in found.parts.values() for file in part.files} | ({found.told_by} if found.told_by else set()))


def _of_files(folder: Path, files: list[Path]) -> Layout:
    """Files by the splits that their names are; where no name is one, by the splits that are words of them."""
    for tell in (file_names.split_of_name, file_names.split_in_name):
        groups = defaultdict(list)
        for file in files:
            groups[tell(file)].append(file)
        aside = groups.pop(None, [])
        if groups:
            break
    if not groups:
        if len(files) > 1 and not _are_shards(files):
            raise Unclear(_several(files))
        return Layout({file_names.stem(files[0]) if len(files) == 1 else folder.name: Part(files)})
    if len(files) > 1 and ("train" not in groups or not all(len(group) == 1 or _are_shards(group) for group in groups.values())):
        raise Unclear(_several(files))
    return Layout({split: Part(group) for split, group in groups.items()}, [file.name for file in aside])


def _of_folders(path: Path, folders: list[Path]) -> Layout:
    groups = defaultdict(list)
    for folder in folders:
        groups[file_names.split_of_name(folder)].append(folder)
    aside = groups.pop(None, [])
    if "train" not in groups or any(len(group) > 1 for group in groups.values()):
        raise Unclear(_several(folders))
    parts = {split: _inside(group[0]) for split, group in groups.items()}
    for split, part in parts.items():
        if part is None:
            raise Unclear(f"no file that can be read in {groups[split][0].name}")
    return Layout(parts, [folder.name for folder in aside])


def _inside(folder: Path) -> Part | None:
    """The files of a folder that is one split; None where there are none."""
    seen = [entry for entry in sorted(folder.iterdir()) if file_names.visible(entry)]
    folders = [entry for entry in seen if entry.is_dir()]
    files = [
        entry for entry in seen if entry not in folders and file_names.readable(entry) and file_names.suffixes(entry)[0] != ".txt"
    ]
    if files:
        if len(files) > 1 and not _are_shards(files):
            raise Unclear(f"of {folder.name} the files are no shards of one table: {', '.join(file.name for file in files[:20])}")
        return Part(files)
    if folders and all(re.fullmatch(r"[^=]+=[^=]*", entry.name) for entry in folders):
        below = sorted(file for file in folder.rglob("*") if file.is_file() and file_names.readable(file))
        return Part(
            [file for file in below if all(map(file_names.visible, file.relative_to(folder).parents))], "partitions", folder
        )
    texts = {entry: [file for file in sorted(entry.glob("*")) if _is_text(file)] for entry in folders}
    classes = [entry for entry in folders if texts[entry]]
    if len(classes) > 1:
        return Part([file for entry in classes for file in texts[entry]], "classes", folder)
    return None


def _is_text(file: Path) -> bool:
    return file.is_file() and file_names.visible(file) and file_names.suffixes(file)[0] == ".txt"


def _are_shards(files: list[Path]) -> bool:
    """Are they the numbered parts of one table? Raises Unclear where the names tell that one is missing."""
    if len({file_names.suffixes(file) for file in files}) > 1:
        return False
    counted = [re.search(r"(\d+)-of-(\d+)", file.name) for file in files]
    if all(counted):
        here, told = sorted(int(found[1]) for found in counted), {int(found[2]) for found in counted}
        if len(told) > 1 or here not in (list(range(max(told))), list(range(1, max(told) + 1))):
            raise Unclear(f"of {max(told)} shards {len(files)} are there: {', '.join(file.name for file in files[:20])}")
        return True
    # Two versions of a table, reviews1 and reviews2, are no shards: those count from 0.
    numbers = [[int(number) for number in re.findall(r"\d+", file.name)] for file in files]
    alike = len({re.sub(r"\d+", "#", file.name) for file in files}) == 1
    varying = [column for column in zip(*numbers) if len(set(column)) > 1]
    return alike and len(varying) == 1 and sorted(varying[0]) == list(range(len(files)))


def _several(found: list[Path]) -> str:
    listed = ", ".join(entry.name for entry in found[:20])
    return f"of several files or folders one must be train, and no two may share a name; found {listed}; or name one file"


def _saved_splits(file: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(file.read_text(encoding="utf-8"))["splits"]]
    except (ValueError, KeyError, TypeError):
        raise Unclear(f"{file.name} is none that datasets.save_to_disk wrote") from None


def _saved(folder: Path) -> Part:
    files = [file for file in sorted(folder.glob("*")) if file_names.visible(file) and file.suffix in (".json", ".arrow")]
    return Part(files, "saved", folder)
