"""The `configs:` of a README.md, by which a data set of the hub says which of its files are which split.

https://huggingface.co/docs/hub/datasets-manual-configuration; a folder that was downloaded or made so is read by the same words.
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
    """The files of a folder cannot be told apart; the text says what was found."""


class NoneChosen(Unclear):
    """Several configs are there, and params name none, or one that is not there."""


def of(folder: Path, wanted: Any = "none") -> tuple[dict[str, Any], list[str]] | None:
    """The config that is asked for, and what is to be printed of it; None of a folder whose README.md tells none.

    wanted   its name as in params; "none" for the only one, or for the default

    Raises Unclear where the head cannot be read or names no config of that name, OSError where the file cannot be read.
    """
    by_name = _by_name(folder)
    if not by_name:
        return None
    if wanted == "none":
        defaults = [name for name, config in by_name.items() if config.get("default") is True or name == "default"]
        chosen = list(by_name) if len(by_name) == 1 else defaults
        if len(chosen) != 1:
            raise NoneChosen(f"its {README} names the configs {', '.join(by_name)}, and one must be chosen")
    elif not (chosen := [name for name in by_name if means(wanted, name)]):
        raise NoneChosen(f"its {README} names no config {wanted}; {choices(wanted, by_name)}")
    config = by_name[chosen[0]]
    notes = [f"config {chosen[0]} of {README}"]
    if others := [name for name in by_name if name != chosen[0]]:
        notes.append(f"others are {', '.join(others)}")
    if strange := [_shown(key).strip("'") for key in config if key not in UNDERSTOOD]:
        notes.append(f"what it says of {', '.join(strange[:5])} is passed over")
    return config, notes


def _by_name(folder: Path) -> dict[str, dict[str, Any]]:
    """Every config in the head of the README.md, by its name."""
    file = folder / README
    head = HEAD.match(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    if not head or not re.search(r"^[\"']?configs\b", head[1], re.MULTILINE):
        return {}  # whatever else stands there, broken or not, tells nothing of files
    try:
        told = yaml.safe_load(head[1])["configs"]
    except Exception as error:  # PyYAML lets through more than its own errors
        raise Unclear(f"the head of its {README} cannot be read as YAML: {short(error)}") from None
    told = told if isinstance(told, list) else [told]
    if not all(isinstance(config, dict) and _is_name(config.get("config_name")) for config in told):
        raise Unclear(f"in the head of its {README} every entry of configs must have a config_name")
    by_name = {str(config["config_name"]): config for config in told}
    if len(by_name) < len(told):
        raise Unclear(f"in the head of its {README} a config_name stands twice")
    return by_name


def _is_name(value: Any) -> bool:
    """A name of a length that fits into a message; YAML reads 2018 as a number."""
    return isinstance(value, str | int | float) and 0 < len(str(value)) <= LONGEST_NAME


def root(folder: Path, config: dict[str, Any]) -> Path:
    """The folder in which a config's files lie. Raises Unclear where it is none."""
    below = _below(folder, config["data_dir"]) if config.get("data_dir") else folder
    if not below.is_dir():
        raise Unclear(f"its {README} names the folder {_shown(config['data_dir'])}, which is not there")
    return below


def files(root: Path, config: dict[str, Any]) -> dict[str, list[Path]]:
    """The files of every split that a config names, in order. Raises Unclear for patterns that fit none, or lead elsewhere."""
    fitting = {split: [file for pattern in found for file in _fitting(root, pattern)] for split, found in _patterns(config)}
    return {split: list(dict.fromkeys(found)) for split, found in fitting.items()}


def _patterns(config: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """(split, patterns) as data_files has them: one or several, with or without a split to each."""
    told = config["data_files"]
    if isinstance(told, dict):
        pairs = list(told.items())
    elif isinstance(told, list) and all(isinstance(each, dict) for each in told):
        pairs = [(each.get("split"), each.get("path")) for each in told]
    else:
        pairs = [("train", told)]
    by_split: dict[str, list[Any]] = {}
    for split, found in pairs:
        if not isinstance(split, str) or not found:
            raise Unclear(f"in the head of its {README} every entry of data_files must have a split and a path")
        by_split.setdefault(file_names.split_of_cell(split) or split, []).extend(found if isinstance(found, list) else [found])
    if not by_split:
        raise Unclear(f"in the head of its {README} data_files is empty")
    return list(by_split.items())


def _fitting(root: Path, pattern: Any) -> list[Path]:
    path = _below(root, pattern)
    if WILD.search(pattern):
        # To the hub's client ** stands for files too; to pathlib for folders alone.
        found = root.glob(pattern + "/*" if pattern.endswith("**") else pattern)
    else:
        found = path.rglob("*") if path.is_dir() else [path]
    try:
        fitting = sorted(file for file in found if file.is_file() and file_names.readable(file) and _seen(file.relative_to(root)))
    except ValueError as error:  # data/**.csv: ** is a whole folder
        raise Unclear(f"its {README} names {_shown(pattern)}: {short(error)}") from None
    if not fitting:
        raise Unclear(f"its {README} names {_shown(pattern)}, and no file that can be read is called so")
    return fitting


def _seen(below: Path) -> bool:
    return all(file_names.visible(Path(folder)) for folder in below.parts)


def _below(folder: Path, pattern: Any) -> Path:
    """A path inside the folder: the words of a stranger's README.md reach no other file."""
    inside = isinstance(pattern, str) and "://" not in pattern and "\0" not in pattern and ".." not in Path(pattern).parts
    if not inside or Path(pattern).is_absolute():
        raise Unclear(f"its {README} names {_shown(pattern)}, and only paths inside the folder are read")
    return folder / pattern


def _shown(value: Any) -> str:
    return reprlib.repr(value)[:200]  # abridged: a few aliases of aliases make a value of gigabytes
