"""Rooms in which every file is one choice of a setting: strategies and learners. A file that is added is found by its name."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from stages.core.base.errors import Refused, choices

CORE = Path(__file__).parent.parent


def names(room: str, function: str = "") -> list[str]:
    """Files of stages/core/ROOM, or only those that define a function or method of that name.

    They are read, not imported: a file that is broken, or slow to load, spoils no other.
    """
    files = sorted((CORE / room).glob("[!_]*.py"))
    defined = re.compile(rf"^ *def {function}\(", re.MULTILINE)
    return [file.stem for file in files if not function or defined.search(file.read_text(encoding="utf-8", errors="replace"))]


def load(room: str, name: str) -> ModuleType:
    """The module of one choice. Raises Refused for a name that is no file of the room."""
    if name not in names(room):
        raise Refused(f"{name} is no file of stages/core/{room}; {choices(name, names(room))}")
    return import_module(f"stages.core.{room}.{name}")
