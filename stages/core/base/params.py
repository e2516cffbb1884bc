"""params.yaml, as far as a stage declares it.

What may stand in the file is said, and checked before any stage begins, by stages/commands/settings.py: what a stage needs
is here, so that a setting that is added or worded otherwise runs no other stage again.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from stages.core.base.errors import Refused, choices, short

PATH = Path("params.yaml")
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z")


class Loader(yaml.SafeLoader):
    """YAML's safe loader, for which 1e-05 is a number, as `-S train.learning_rate=1e-5` writes it; to YAML 1.1 it is a word."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+0123456789"))


class Section:
    """Settings as attributes, sections of it too; they cannot be set anew."""

    def __init__(self, values: dict[str, Any]):
        vars(self).update({name: Section(value) if isinstance(value, dict) else value for name, value in values.items()})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"params are frozen: {name} cannot be set")

    def changed(self, **values: Any) -> "Section":
        """The same with some values of this level in place of those that stand there."""
        return Section(vars(self) | values)


def load() -> Any:
    """What stands in params.yaml. Raises Refused where there is none, or no YAML in it."""
    try:
        return Loader(PATH.read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError:
        raise Refused(f"{PATH} is not in {Path.cwd()}; run from the folder that holds dvc.yaml") from None
    except Exception as error:  # PyYAML lets through what a wrong date, !!bool or nesting trips: KeyError, RecursionError and more
        raise Refused(f"{PATH} cannot be read as YAML: {short(error)}") from None


def read(*declared: str) -> Any:
    """The declared parts of params.yaml, each under the last word of its name, frozen.

    declared   names as they stand under `params:` in dvc.yaml, e.g. "seeds", "embed.model", "rounds.stage2"

    read("seeds", "rounds.stage2") gives .seeds and .stage2. Nothing else is reachable, so a stage cannot use what it has not
    declared. `rounds` is a dict of sections. Raises Refused for a name that is not there.
    """
    loaded, parts = load(), {}
    for name in declared:
        value = loaded
        for word in name.split("."):
            if not isinstance(value, dict) or word not in value:
                raise Refused(f"params.yaml: {name} is missing; {choices(word, value if isinstance(value, dict) else ())}")
            value = value[word]
        parts[name.split(".")[-1]] = {key: Section(each) for key, each in value.items()} if name == "rounds" else value
    rounds = {"rounds": parts.pop("rounds")} if "rounds" in parts else {}
    section = Section(parts)
    vars(section).update(rounds)
    return section


def machine() -> Any:
    """The section `machine`: what changes no number, so that no stage declares it."""
    return read("machine").machine
