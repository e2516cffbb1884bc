"""Rooms in which each file is one possible value of a setting, such as strategies and learners. A new file is found by its name."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from stages.core.base.errors import Refused, choices

CORE = Path(__file__).parent.parent


def names(room: str, function: str = "") -> list[str]:
    """Files of stages/core/ROOM, or those that define a function of that name; not imported, since one may be broken or slow."""
    files = sorted((CORE / room).glob("[!_]*.py"))
    defined = re.compile(rf"^ *def {function}\(", re.MULTILINE)
    return [file.stem for file in files if not function or defined.search(file.read_text(encoding="utf-8", errors="replace"))]


def load(room: str, name: str) -> ModuleType:
    """The module of one value. Raises Refused if the room has no such file."""
    if name not in names(room):
        raise Refused(f"{name} is no file of stages/core/{room}; {choices(name, names(room))}")
    return import_module(f"stages.core.{room}.{name}")
