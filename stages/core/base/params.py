"""The parts of params.yaml that a stage declares.

stages/core/settings defines what the file may contain and checks it before a stage begins. It is apart from this module so that a
new setting, or a better message, makes no other stage run again.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from stages.core.base.errors import Refused, choices, short

PATH = Path("params.yaml")
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML's safe loader, which also reads 1e-05 as a number. `-S train.learning_rate=1e-5` writes that; in YAML 1.1 it is text."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+0123456789"))


class Section:
    """Settings as read-only attributes; sections within it too."""

    def __init__(self, values: dict[str, Any]):
        vars(self).update({name: _frozen(value) for name, value in values.items()})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"params are frozen: {name} cannot be set")

    def changed(self, **values: Any) -> "Section":
        """A copy with other values for some settings of this level."""
        copy = Section(values)
        vars(copy).update(vars(self) | vars(copy))  # `rounds` stays a dict
        return copy


def _frozen(value: Any) -> Any:
    return Section(value) if isinstance(value, dict) else value


def load() -> Any:
    """The content of params.yaml. Raises Refused if the file is missing or is not YAML."""
    try:
        return Loader(PATH.read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError:
        raise Refused(f"{PATH} is not in {Path.cwd()}; run from the folder that holds dvc.yaml") from None
    except Exception as error:  # a wrong date, !!bool or deep nesting makes PyYAML raise KeyError, RecursionError and more
        raise Refused(f"{PATH} cannot be read as YAML: {short(error)}") from None


def read(*declared: str) -> Any:
    """The declared parts of params.yaml, frozen, each under the last word of its name.

    declared   names as under `params:` in dvc.yaml, e.g. "seeds", "embed.model", "rounds.stage2"

    read("seeds", "rounds.stage2") gives .seeds and .stage2. Nothing else is there, so a stage cannot use what it has not
    declared. `rounds` is a dict of sections. Raises Refused for a name that is missing.
    """
    loaded, section = load(), Section({})
    for name in declared:
        value = loaded
        for word in name.split("."):
            if not isinstance(value, dict) or word not in value:
                raise Refused(f"params.yaml: {name} is missing; {choices(word, value if isinstance(value, dict) else ())}")
            value = value[word]
        frozen = {stage: Section(round_) for stage, round_ in value.items()} if name == "rounds" else _frozen(value)
        vars(section)[name.split(".")[-1]] = frozen
    return section


def machine() -> Any:
    """The section `machine`. It changes no number, so no stage declares it."""
    return read("machine").machine
