"""`dvc repro` as the commands for people call it: after any other that runs in this folder.

One that is left behind, by a page that was killed while it chose rows, works on by itself, and DVC would refuse a second as long.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from stages.core.base.errors import Refused

BUSY = Path(".dvc/tmp/rwlock")  # of DVC: {"read": {path: [{pid, cmd}]}, "write": {path: {pid, cmd}}}
POLL = 0.1  # seconds


def run(*words: str) -> None:
    """`dvc repro` with these words. Raises Refused where it fails, after DVC's own words."""
    wait_for(others())
    while True:
        failed, beside = tried(words)
        if not failed:
            return
        if not beside:
            raise Refused(f"`{' '.join(['dvc repro', *words])}` ended with an error, see above; mend it and try again")
        wait_for(beside)


def tried(words: Iterable[str]) -> tuple[bool, set[int]]:
    """(whether it failed, which others were at work meanwhile)"""
    beside: set[int] = set()
    with subprocess.Popen(["dvc", "repro", *words]) as process:  # noqa: S603, S607
        while process.poll() is None:
            beside |= others() - {process.pid}
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)
    return process.returncode != 0, beside


def wait_for(found: set[int]) -> None:
    """Until these processes have ended."""
    if found:
        named = ", ".join(map(str, sorted(found)))
        print(f"another dvc is at work here (process {named}): this goes on when it has ended", flush=True)
    while any(map(alive, found)):
        time.sleep(POLL)


def others() -> set[int]:
    """Numbers of processes that are alive, and at work in this folder by what DVC's file says; none where it says nothing."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        told = json.loads(BUSY.read_text(encoding="utf-8"))
        readers = [each for some in told.get("read", {}).values() for each in some]
        return {int(each["pid"]) for each in [*readers, *told.get("write", {}).values()] if alive(int(each["pid"]))}
    return set()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # of somebody else
    return True
