"""How a stage ends when the user has to act: one clear line, exit status 1, no traceback."""

import difflib
import sys
from collections.abc import Callable, Iterable


class Refused(Exception):
    """A setting, file or value that cannot be used; the text says which, what is possible and what to do."""


def choices(value: str, possible: Iterable[str]) -> str:
    """The end of a message about an unknown name: the possible ones and the likeliest meant."""
    possible = list(possible)
    near = difflib.get_close_matches(str(value), possible, n=1)
    return f"possible: {', '.join(possible)}" + (f"; did you mean {near[0]}?" if near else "")


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of the command line."""
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(f"error: {refusal}")
