"""`make repro WITH=FILE`: set the values of a file in params.yaml and keep its comments, as `dvc exp run -S` does for one value.

DVC reads only params.yaml, so a comparison that changes many settings is a file with these settings alone.
"""

from pathlib import Path
from typing import Any

import yaml
from dvc.utils.serialize import modify_yaml

from stages.core.base import params
from stages.core.base.errors import Refused, short
from stages.core.settings import rules


def main(file: str) -> None:
    try:
        changes = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}; give a file like params/subsets.yaml") from None
    except yaml.YAMLError as error:
        raise Refused(f"{file} cannot be read as YAML: {short(error)}") from None
    if not isinstance(changes, dict):
        raise Refused(f"{file}: found {short(ValueError(changes))}, possible: settings as in params.yaml")
    before = params.PATH.read_text(encoding="utf-8")
    with modify_yaml(params.PATH) as content:
        lay_over(content, changes)
    try:
        rules.checked(params.load())
    except Refused as refusal:
        params.PATH.write_text(before, encoding="utf-8")
        raise Refused(f"{file}: {refusal}") from None
    print(f"{file}: {', '.join(changes)} set in params.yaml; `git checkout params.yaml` undoes it")


def lay_over(content: dict[str, Any], changes: dict[str, Any]) -> None:
    """Set values in place. Sections at any depth keep their other values; `rounds` and lists are replaced whole."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict) and key != "rounds":
            lay_over(content[key], value)
        else:
            content[key] = value
