"""Which files of a folder are read, and as which split. The names alone decide, before any file is opened.

reviews/train.tsv, reviews/Test.csv.gz         one file per split, by the hub's names in any case
data/train-00000-of-00002.parquet, …           shards of a split, in the folder or in its only subfolder
train/…, test/…                                one folder per split
label=0/part-0.parquet, …                      partitions: folder names give a column
pos/1.txt, neg/2.txt                           one folder per class, one file per text
dataset_dict.json, train/state.json, …         written by datasets.save_to_disk
README.md with `configs:` in its head          the files of a config, see configs
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stages.core.sources import configs, file_names
from stages.core.sources.configs import Unclear


@dataclass(frozen=True)
class Part:
    """The files of one split."""

    files: list[Path]
    kind: str = "files"  # shards of one table; or partitions, classes or saved
    root: Path = Path()  # the folder that contains the folders of partitions and classes


@dataclass(frozen=True)
class Layout:
    parts: dict[str, Part]  # by the name of the split
    unused: list[str] = field(default_factory=list)  # names of readable entries
    readme: Path | None = None  # the README.md whose config decided, if any
    notes: list[str] = field(default_factory=list)  # lines to print about it


def of(path: Path, config: Any = "none") -> Layout:
    """The layout of a file or folder, or of a config of its README.md. Raises Unclear if names do not decide, OSError if unread."""
    if chosen := path.is_dir() and configs.of(path, config):
        entry, notes = chosen
        root = configs.root(path, entry)
        if "data_files" in entry:
            found = Layout({split: Part(files) for split, files in configs.files(root, entry).items()})
        else:
            found = _by_names(root)
        return replace(found, readme=path / configs.README, notes=notes)
    return _by_names(path)


def files_read(path: Path, config: Any = "none") -> list[Path]:
    """The files that are read, each once and in order. Raises as `of` does."""
    found = of(path, config)
    return sorted({file for part in found.parts.values() for file in part.files} | ({found.readme} if found.readme else set()))


def _by_names(path: Path) -> Layout:
    if not path.is_dir():
        return Layout({file_names.stem(path): Part([path])})
    if (path / "dataset_dict.json").is_file():
        return Layout({name: _saved(path / name) for name in _named_in(path / "dataset_dict.json", lambda notes: notes["splits"])})
    if (path / "state.json").is_file():
        return Layout({path.name: _saved(path)})
    folders, files = _entries(path)
    # Notes often lie beside data as .txt, so fastText's files must be named after a split.
    if files := [file for file in files if not _is_txt(file) or file_names.split_of_name(file)]:
        return _of_files(path, files)
    if any(map(file_names.split_of_name, folders)):
        return _of_folders(folders)
    if part := _inside(path):
        return Layout({path.name: part})
    inner = [folder for folder in folders if folder.name == "data"] or folders
    if len(inner) == 1:
        return _by_names(inner[0])
    raise Unclear("no file there that can be read")


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """(folders, files that may hold rows) of a folder, in order."""
    visible = sorted(filter(file_names.visible, folder.iterdir()))
    folders = [entry for entry in visible if entry.is_dir()]
    return folders, [entry for entry in visible if entry not in folders and file_names.readable(entry)]


def _grouped(entries: list[Path], split_of: Callable[[Path], str | None]) -> tuple[dict[str, list[Path]], list[str]]:
    """(entries by split, names of those that are none)."""
    groups = defaultdict(list)
    for entry in entries:
        groups[split_of(entry)].append(entry)
    unused = groups.pop(None, [])
    return groups, [entry.name for entry in unused]


def _of_files(folder: Path, files: list[Path]) -> Layout:
    """Files whose names are splits, or, if there are none, files whose names contain one."""
    groups, unused = _grouped(files, file_names.split_of_name)
    if not groups:
        groups, unused = _grouped(files, file_names.split_in_name)
    if not groups:
        if len(files) > 1 and not _are_shards(files):
            raise Unclear(_several(files))
        return Layout({file_names.stem(files[0]) if len(files) == 1 else folder.name: Part(files)})
    if len(files) > 1 and ("train" not in groups or not all(len(group) == 1 or _are_shards(group) for group in groups.values())):
        raise Unclear(_several(files))
    return Layout({split: Part(group) for split, group in groups.items()}, unused)


def _of_folders(folders: list[Path]) -> Layout:
    groups, unused = _grouped(folders, file_names.split_of_name)
    if "train" not in groups or any(len(group) > 1 for group in groups.values()):
        raise Unclear(_several(folders))
    parts = {split: _inside(folder) for split, [folder] in groups.items()}
    for split, part in parts.items():
        if part is None:
            raise Unclear(f"no file that can be read in {groups[split][0].name}")
    return Layout(parts, unused)


def _inside(folder: Path) -> Part | None:
    """The files of a folder that is one split; None if there are none."""
    folders, files = _entries(folder)
    if files := [file for file in files if not _is_txt(file)]:
        if len(files) > 1 and not _are_shards(files):
            names = ", ".join(file.name for file in files[:20])
            raise Unclear(f"the files of {folder.name} are not shards of one table: {names}")
        return Part(files)
    if folders and all(re.fullmatch(r"[^=]+=[^=]*", entry.name) for entry in folders):
        below = sorted(file for file in folder.rglob("*") if file.is_file() and file_names.readable(file))
        shown = [file for file in below if all(map(file_names.visible, file.relative_to(folder).parents))]
        return Part(shown, "partitions", folder)
    texts = {
        entry: [file for file in sorted(entry.glob("*")) if file.is_file() and file_names.visible(file) and _is_txt(file)]
        for entry in folders
    }
    if sum(map(bool, texts.values())) > 1:
        return Part([file for files in texts.values() for file in files], "classes", folder)
    return None


def _is_txt(file: Path) -> bool:
    return file_names.suffixes(file)[0] == ".txt"


def _are_shards(files: list[Path]) -> bool:
    """Whether the files are the numbered parts of one table. Raises Unclear if a numbered part is missing."""
    if len({file_names.suffixes(file) for file in files}) > 1:
        return False
    counted = [re.search(r"(\d+)-of-(\d+)", file.name) for file in files]
    if all(counted):
        numbers, totals = sorted(int(found[1]) for found in counted), {int(found[2]) for found in counted}
        if len(totals) > 1 or numbers not in (list(range(max(totals))), list(range(1, max(totals) + 1))):
            raise Unclear(f"{len(files)} of {max(totals)} shards are there: {', '.join(file.name for file in files[:20])}")
        return True
    # reviews1 and reviews2 are two versions of a table; shards count from 0.
    numbers = [[int(number) for number in re.findall(r"\d+", file.name)] for file in files]
    alike = len({re.sub(r"\d+", "#", file.name) for file in files}) == 1
    varying = [column for column in zip(*numbers) if len(set(column)) > 1]
    return alike and len(varying) == 1 and sorted(varying[0]) == list(range(len(files)))


def _several(found: list[Path]) -> str:
    names = ", ".join(entry.name for entry in found[:20])
    return f"one of several files or folders must be train, and no two may be one split; found {names}; or name one file"


def _named_in(file: Path, names_of: Callable[[Any], Iterable[Any]]) -> list[str]:
    """What the notes of datasets.save_to_disk name. Raises Unclear unless it lies beside them, where a stranger's may point."""
    try:
        names = [str(name) for name in names_of(json.loads(file.read_text(encoding="utf-8")))]
    except (OSError, ValueError, KeyError, TypeError):
        raise Unclear(f"{file} was not written by datasets.save_to_disk") from None
    if outside := [name for name in names if name in ("", "..") or Path(name).name != name]:
        raise Unclear(f"{file} names {outside[0][:100]!r}, possible: what lies beside it")
    return names


def _saved(folder: Path) -> Part:
    _named_in(folder / "state.json", lambda notes: (entry["filename"] for entry in notes["_data_files"]))
    files = [file for file in sorted(folder.glob("*")) if file_names.visible(file) and file.suffix in (".json", ".arrow")]
    return Part(files, "saved", folder)
