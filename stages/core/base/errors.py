"""How a stage ends: well, or with one clear line where the user has to act, or at once where it is stopped from outside."""

import difflib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from stages import STARTED_BY
from stages.core.base import starters

SECONDS_AN_ORPHAN_LIVES = 0.5


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


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # where the locale knows no "±"
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _check_params(Path(sys.argv[0]))
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(f"error: {refusal}")


def _check_params(script: Path) -> None:
    """Refuse a mistake anywhere in params.yaml before a stage begins, be it in a section that only a later one reads.

    What checks is found by its name: it decides whether a stage runs, not what it makes, and is no dependency of any.
    """
    if script.parent.name == "stages":
        import_module("stages.commands.check").whole_file(script.stem)


def _end_with_parent() -> None:
    """End when DVC is killed: an orphan would go on writing into outs that the next `dvc repro` makes anew."""
    while not starters.gone(STARTED_BY):
        time.sleep(SECONDS_AN_ORPHAN_LIVES)
    os._exit(1)
