"""`dvc repro` for the commands of annotators. It waits for any other DVC in this folder.

When a page is killed while it chooses rows, its DVC goes on, and would refuse a second one meanwhile.
"""

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from stages.core.base.errors import Refused

BUSY = Path(".dvc/tmp/rwlock")  # of DVC: {"read": {path: [{pid, cmd}]}, "write": {path: {pid, cmd}}}
POLL = 0.1  # seconds


def run(*words: str) -> None:
    """`dvc repro` with these arguments. Raises Refused if it fails, after DVC's own message."""
    running = others()
    while True:
        if running:
            names = ", ".join(map(str, sorted(running)))
            print(f"another dvc is running here (process {names}): waiting until it ends", flush=True)
        while any(map(psutil.pid_exists, running)):
            time.sleep(POLL)
        running = set()
        with subprocess.Popen(["dvc", "repro", *words]) as process:  # noqa: S603, S607
            while process.poll() is None:
                running |= others() - {process.pid}
                with suppress(subprocess.TimeoutExpired):
                    process.wait(POLL)
        if process.returncode == 0:
            return
        if not running:
            raise Refused(f"`{' '.join(['dvc repro', *words])}` ended with an error, see above; fix it and try again")


def others() -> set[int]:
    """Ids of the running processes that work in this folder, by DVC's own file; none if it does not tell."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        locks = json.loads(BUSY.read_text(encoding="utf-8"))
        readers = [reader for several in locks.get("read", {}).values() for reader in several]
        return {pid for lock in [*readers, *locks.get("write", {}).values()] if psutil.pid_exists(pid := int(lock["pid"]))}
    return set()
