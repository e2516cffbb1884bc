"""The one door: `python -m stages NAME [KEY]` runs a stage (stages/NAME.py) or a command (stages/commands/NAME.py).

It checks params.yaml before a stage begins, ends with the DVC that started it, and turns a refusal into one line. Nothing
imports it, so it is no dependency of any stage: it decides whether a stage runs, not what it makes.
"""

import gc
import importlib
import itertools
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

BEGUN = time.monotonic()

# Ctrl-C ends the process at once, during imports too. Python's own handler waits for compiled code to return, which in UMAP
# takes a minute. Nothing needs tidying up, since files get their names only when they are whole.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# Importing torch and transformers makes many objects that all stay; looking for garbage among them takes half a second.
gc.set_threshold(100_000)

# OpenMP reads this when torch is loaded. By default its waiting threads spin so long that two stages side by side (`dvc queue
# start -j 2`) take each other's cores: on 2 cores each encoded 3,200 tokens/s, with this 6,000; alone, 12,000 either way.
# A shorter spin (1,000) slows training by a fifth.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

FOLDER = Path(__file__).parent
TIMES = Path(".gleaner/times.jsonl")
SECONDS_AN_ORPHAN_LIVES = 0.5


def main(name: str = "", *words: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a locale may not know "±"
    is_stage = (FOLDER / f"{name}.py").is_file()
    try:
        import psutil

        from stages.core.base.errors import Refused, choices

        threading.Thread(target=end_with, args=[started_by(psutil)], daemon=True).start()
        try:
            known = sorted(file.stem for folder in (FOLDER, FOLDER / "commands") for file in folder.glob("[!_]*.py"))
            if name not in known:
                raise Refused(f"python -m stages {name}: no stage or command of this name; {choices(name, known)}")
            if is_stage:
                importlib.import_module("stages.core.settings.rules").check_file(name)
            run = importlib.import_module(f"stages.{name}" if is_stage else f"stages.commands.{name}").main
            run(*words)
            sys.stdout.flush()
        except Refused as refusal:
            sys.exit(f"error: {refusal}")
        except BrokenPipeError:
            if is_stage:
                raise
            # `make waiting | head -1`: head has ended. Else Python reports the closed pipe again at its own end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ModuleNotFoundError as error:
        go_on_in_venv(error)
    if is_stage:
        note_time("@".join([name, *words]))


def note_time(stage: str) -> None:
    """Add a line to TIMES, from which `make repro` tells what took how long; it never goes into an out."""
    line = json.dumps({"stage": stage, "seconds": round(time.monotonic() - BEGUN, 1), "ended": time.time()})
    with suppress(OSError):
        TIMES.parent.mkdir(exist_ok=True)
        with TIMES.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def started_by(psutil) -> list:
    """The processes whose end is this one's end: its parent, and DVC where a shell stands between.

    Where SHELL is not set DVC runs commands by /bin/sh. Debian's stays and waits; bash and zsh become the command.
    """
    with suppress(psutil.Error):
        me = psutil.Process()
        parents = me.parents()[:2]
        waits = parents and parents[0].name().endswith("sh") and "-c" in parents[0].cmdline()
        return [me, *(parents if waits else parents[:1])]
    return []


def end_with(chain: list) -> None:
    """End when a process of the chain is no longer the parent of the one before it.

    The orphan of a killed DVC would go on writing into outs that the next `dvc repro` makes anew.
    """
    with suppress(Exception):  # the parent is gone
        while all(child.ppid() == parent.pid for child, parent in itertools.pairwise(chain)):
            time.sleep(SECONDS_AN_ORPHAN_LIVES)
    os._exit(1)


def go_on_in_venv(error: ModuleNotFoundError) -> None:
    """Start again in the project's own .venv: DVC runs the first `python` on the path, which may be another that lacks packages.

    The folders above are searched too, since `dvc exp run --temp` works in one below .dvc/.
    """
    for folder in (Path.cwd(), *Path.cwd().parents):
        python = folder / ".venv/bin/python"
        if python.exists() and Path(sys.executable) != python:
            os.execv(python, [str(python), "-m", "stages", *sys.argv[1:]])  # noqa: S606
    sys.exit(
        f"error: {sys.executable} lacks {error.name}: it is the first python on the path, but not that of this project's "
        f"environment; run `source .venv/bin/activate` first, or use make"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
