"""`dvc repro` for the commands of annotators. It waits for any other DVC in this folder.

When a page is killed while it chooses rows, its DVC goes on, and would refuse a second one meanwhile.
"""

import json
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from stages.core.base.errors import Refused

BUSY = Path(".dvc/tmp/rwlock")  # of DVC: {"read": {path: [{pid, cmd}]}, "write": {path: {pid, cmd}}}
POLL = 0.1  # seconds


def run(*words: str) -> None:
    """`dvc repro` with these arguments. Raises Refused if it fails, after DVC's own message."""
    _wait_for(others())
    while True:
        failed, meanwhile = _tried(words)
        if not failed:
            return
        if not meanwhile:
            raise Refused(f"`{' '.join(['dvc repro', *words])}` ended with an error, see above; fix it and try again")
        _wait_for(meanwhile)


def _tried(words: Iterable[str]) -> tuple[bool, set[int]]:
    """(whether it failed, the other DVC processes that were running meanwhile)"""
    meanwhile: set[int] = set()
    with subprocess.Popen(["dvc", "repro", *words]) as process:  # noqa: S603, S607
        while process.poll() is None:
            meanwhile |= others() - {process.pid}
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)
    return process.returncode != 0, meanwhile


def _wait_for(processes: set[int]) -> None:
    if processes:
        names = ", ".join(map(str, sorted(processes)))
        print(f"another dvc is running here (process {names}): waiting until it ends", flush=True)
    while any(map(psutil.pid_exists, processes)):
        time.sleep(POLL)


def others() -> set[int]:
    """Ids of the running processes that work in this folder, by DVC's own file; none if it does not tell."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        locks = json.loads(BUSY.read_text(encoding="utf-8"))
        readers = [reader for several in locks.get("read", {}).values() for reader in several]
        return {pid for lock in [*readers, *locks.get("write", {}).values()] if psutil.pid_exists(pid := int(lock["pid"]))}
    return set()
