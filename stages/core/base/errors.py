"""Refused: what a user is told where something cannot be used, in one line."""

import difflib
from collections.abc import Iterable


class Refused(Exception):
    """A setting, file or value that cannot be used; the text says which, what is possible and what to do."""


def choices(value: str, possible: Iterable[str]) -> str:
    """The end of a message about an unknown name: the possible ones and the likeliest meant."""
    possible = list(possible)
    near = difflib.get_close_matches(str(value), possible, n=1)
    return f"possible: {', '.join(possible)}" + (f"; did you mean {near[0]}?" if near else "")


def short(error: Exception) -> str:
    """What a library says of its error, on one line and no longer than a person reads."""
    return " ".join(str(error).split())[:300]
