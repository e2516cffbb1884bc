"""Refused: one line for the user about something that cannot be used."""

import difflib
from collections.abc import Iterable


class Refused(Exception):
    """A setting, file or value that cannot be used. The text says which, what is possible and what to do."""


def choices(value: str, possible: Iterable[str]) -> str:
    """The end of a message about an unknown name: the possible names, and the most similar one."""
    possible = list(possible)
    near = difflib.get_close_matches(str(value), possible, n=1)
    return f"possible: {', '.join(possible)}" + (f"; did you mean {near[0]}?" if near else "")


def switch(name: str, word: str) -> bool:
    """Whether an argument such as UNDO=1 is on: 1, or off: 0 or nothing. Raises Refused for any other word."""
    if word not in ("", "0", "1"):
        raise Refused(f"{name}={word[:60]}: possible: 1, or leave it out")
    return word == "1"


def short(error: Exception) -> str:
    """A library's error message on one line, cut at 300 characters."""
    return " ".join(str(error).split())[:300]
