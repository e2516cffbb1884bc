"""`dvc repro` as the commands for people call it: after any other that runs in this folder.

One that is left behind, by a page that was killed while it chose rows, works on by itself, and DVC would refuse a second as long.
"""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from stages.core.base.errors import Refused

BUSY = Path(".dvc/tmp/rwlock")  # of DVC: {"read": {path: [{pid, cmd}]}, "write": {path: {pid, cmd}}}
POLL = 0.3  # seconds


def run(*words: str) -> None:
    """`dvc repro` with these words. Raises Refused where it fails, after DVC's own words."""
    wait_for_others()
    while subprocess.run(["dvc", "repro", *words]).returncode:  # noqa: S603, S607
        if not wait_for_others():  # else another had begun
            raise Refused(f"`{' '.join(['dvc repro', *words])}` ended with an error, see above; mend it and try again")


def wait_for_others() -> bool:
    """Until all processes have ended that DVC's file names; whether there was one."""
    found = others()
    if found:
        named = ", ".join(map(str, sorted(found)))
        print(f"another dvc is at work here (process {named}): this goes on when it has ended", flush=True)
    while any(map(alive, found)):
        time.sleep(POLL)
    return bool(found)


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
