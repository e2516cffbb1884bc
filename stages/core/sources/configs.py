"""The `configs:` of a README.md: they say which files of a hub data set belong to which split.

https://huggingface.co/docs/hub/datasets-manual-configuration. They are followed in local folders too.
"""

import re
import reprlib
from pathlib import Path
from typing import Any

import yaml

from stages.core.base.errors import choices, short
from stages.core.sources import file_names
from stages.core.sources.tables import means

README = "README.md"
HEAD = re.compile(r"\ufeff?---[ \t]*\r?\n((?:.*?\n)??)---[ \t]*(\r?\n|\Z)", re.DOTALL)
UNDERSTOOD = ("config_name", "data_files", "data_dir", "default")
LONGEST_NAME = 200
WILD = re.compile(r"[*?\[]")


class Unclear(ValueError):
    """It is unclear which files of a folder are which split. The text says what was found."""


class NoneChosen(Unclear):
    """There are several configs, and params name none or an unknown one."""


def of(folder: Path, wanted: Any = "none") -> tuple[dict[str, Any], list[str]] | None:
    """(the chosen config, notes to print), or None if the folder's README.md defines none.

    wanted   its name as in params; "none" means the only or the default one

    Raises Unclear if the head cannot be read or has no such config, OSError if the file cannot be read.
    """
    by_name = _by_name(folder)
    if not by_name:
        return None
    if wanted == "none":
        defaults = [name for name, config in by_name.items() if config.get("default") is True or name == "default"]
        chosen = list(by_name) if len(by_name) == 1 else defaults
        if len(chosen) != 1:
            raise NoneChosen(f"its {README} has the configs {', '.join(by_name)}, and one must be chosen")
    elif not (chosen := [name for name in by_name if means(wanted, name)]):
        raise NoneChosen(f"its {README} has no config {wanted}; {choices(wanted, by_name)}")
    config = by_name[chosen[0]]
    notes = [f"config {chosen[0]} of {README}"]
    if others := [name for name in by_name if name != chosen[0]]:
        notes.append(f"others are {', '.join(others)}")
    if unknown := [_shown(key).strip("'") for key in config if key not in UNDERSTOOD]:
        notes.append(f"ignored: {', '.join(unknown[:5])}")
    return config, notes


def _by_name(folder: Path) -> dict[str, dict[str, Any]]:
    """The configs in the head of the README.md, by name."""
    file = folder / README
    head = HEAD.match(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    if not head or not re.search(r"^[\"']?configs\b", head[1], re.MULTILINE):
        return {}  # the rest of the head, broken or not, says nothing about files
    try:
        configs = yaml.safe_load(head[1])["configs"]
    except Exception as error:  # PyYAML lets through more than its own errors
        raise Unclear(f"the head of its {README} cannot be read as YAML: {short(error)}") from None
    configs = configs if isinstance(configs, list) else [configs]
    names = [config.get("config_name") if isinstance(config, dict) else None for config in configs]
    # YAML reads 2018 as a number. A longer name does not fit into a message.
    if not all(isinstance(name, str | int | float) and 0 < len(str(name)) <= LONGEST_NAME for name in names):
        raise Unclear(f"in the head of its {README} every entry of configs must have a config_name")
    by_name = dict(zip(map(str, names), configs))
    if len(by_name) < len(configs):
        raise Unclear(f"in the head of its {README} a config_name appears twice")
    return by_name


def root(folder: Path, config: dict[str, Any]) -> Path:
    """The folder of a config's files. Raises Unclear if there is none."""
    below = _below(folder, config["data_dir"]) if config.get("data_dir") else folder
    if not below.is_dir():
        raise Unclear(f"its {README} names the folder {_shown(config['data_dir'])}, which does not exist")
    return below


def files(root: Path, config: dict[str, Any]) -> dict[str, list[Path]]:
    """The files of each split of a config, in order. Raises Unclear for patterns that match nothing or leave the folder."""
    matching = {split: [file for pattern in patterns for file in _matching(root, pattern)] for split, patterns in _patterns(config)}
    return {split: list(dict.fromkeys(files)) for split, files in matching.items()}


def _patterns(config: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """(split, patterns) from data_files, which may be one pattern or several, with or without splits."""
    data_files = config["data_files"]
    if isinstance(data_files, dict):
        pairs = list(data_files.items())
    elif isinstance(data_files, list) and all(isinstance(entry, dict) for entry in data_files):
        pairs = [(entry.get("split"), entry.get("path")) for entry in data_files]
    else:
        pairs = [("train", data_files)]
    by_split: dict[str, list[Any]] = {}
    for split, patterns in pairs:
        if not isinstance(split, str) or not patterns:
            raise Unclear(f"in the head of its {README} every entry of data_files must have a split and a path")
        patterns = patterns if isinstance(patterns, list) else [patterns]
        by_split.setdefault(file_names.split_of_cell(split) or split, []).extend(patterns)
    if not by_split:
        raise Unclear(f"in the head of its {README} data_files is empty")
    return list(by_split.items())


def _matching(root: Path, pattern: Any) -> list[Path]:
    path = _below(root, pattern)
    if WILD.search(pattern):
        # For the hub's client ** matches files too; for pathlib only folders.
        found = root.glob(pattern + "/*" if pattern.endswith("**") else pattern)
    else:
        found = path.rglob("*") if path.is_dir() else [path]
    try:
        matching = sorted(file for file in found if file.is_file() and file_names.readable(file) and _is_visible(file, root))
    except ValueError as error:  # data/**.csv: ** must be a whole folder
        raise Unclear(f"its {README} names {_shown(pattern)}: {short(error)}") from None
    if not matching:
        raise Unclear(f"its {README} names {_shown(pattern)}, and no readable file matches")
    return matching


def _is_visible(file: Path, root: Path) -> bool:
    return all(file_names.visible(Path(name)) for name in file.relative_to(root).parts)


def _below(folder: Path, pattern: Any) -> Path:
    """A path inside the folder. A stranger's README.md must reach no other file."""
    inside = isinstance(pattern, str) and "://" not in pattern and "\0" not in pattern and ".." not in Path(pattern).parts
    if not inside or Path(pattern).is_absolute():
        raise Unclear(f"its {README} names {_shown(pattern)}, and only paths inside the folder are read")
    return folder / pattern


def _shown(value: Any) -> str:
    return reprlib.repr(value)[:200]  # a few nested aliases of YAML would make gigabytes
