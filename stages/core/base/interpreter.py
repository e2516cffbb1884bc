"""Which Python a stage runs in. DVC starts `python`, the first on the path: without an activated environment that is another
than its own, and lacks what the stages need.
"""

from __future__ import annotations  # it may be an old one

import os
import shutil
import subprocess
import sys

from stages.core.base.starters import about

LACKING = "import importlib.util as of, sys; print(*[name for name in sys.argv[1:] if of.find_spec(name) is None])"
ANCESTORS = 2  # DVC, or a shell that stands between


def change(needed: tuple[str, ...], started_by: list[int], kept: str) -> None:
    """Go on as the same command in the Python of the DVC that started it; it does not come back.

    needed       packages, of which this Python lacks some
    started_by   see starters.of_this_process
    kept         environment variable that carries `started_by` over

    Ends with one line where that Python cannot be found, or lacks some too.
    """
    for python in candidates(started_by[0]) if kept not in os.environ else ():
        if not lacking(python, needed):
            _, words, _ = about(os.getpid())
            os.environ[kept] = ",".join(map(str, started_by))
            os.execv(python, [python, *words[words.index("-m") :]])  # noqa: S606
    first, *more = lacking(sys.executable, needed)
    sys.exit(
        f"error: {sys.executable} lacks {first}{f' and {len(more)} more packages' if more else ''}: it is the first python on the "
        f"path, but not that of this project's environment; run `source .venv/bin/activate` first, or use make"
    )


def lacking(python: str, needed: tuple[str, ...]) -> list[str]:
    """The packages that a Python does not have; all where it does not run."""
    try:
        asked = subprocess.run([python, "-c", LACKING, *needed], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return list(needed)
    return asked.stdout.split()


def candidates(process: int) -> list[str]:
    """The Python that a process, or else its parent, runs in, and the one beside the script that it runs: some systems name the
    first by the inside of a framework, where it does not know its environment.
    """
    for _ in range(ANCESTORS):
        try:
            process, words, folder = about(process)
        except (OSError, ValueError):
            return []
        found = executables(words, folder)
        if found and os.path.basename(found[0]).lower().startswith("python"):
            return [found[0], *(os.path.join(os.path.dirname(script), "python") for script in found[1:2])]
    return []


def executables(words: list[str], folder: str) -> list[str]:
    """The files that can be run among the words of a command line, whether whole or in pieces."""
    found, word = [], ""
    for piece in words:
        word = f"{word} {piece}" if word else piece
        file = shutil.which(os.path.join(folder, word) if os.sep in word else word)
        if file:
            found.append(file)
            word = ""
    return found
