"""Processes of a test: held at a point of their work, looked for, waited for."""

import os
import subprocess
import time
from pathlib import Path

from tests.support import dtype
from tests.support.project import Project

# Python runs this before anything else, and calls an audit hook for every import, open and rename.
SITECUSTOMIZE = """
import os, sys, time
def hook(event, words, left=[{times}]):
    if left[0] and event == {event!r} and {name!r} in ("", str(words[0]).rpartition("/")[2]):
        left[0] -= 1
        if not left[0]:
            os.close(os.open({held!r}, os.O_CREAT))
            while os.path.exists({held!r}):
                time.sleep(0.02)
if {command!r} in " ".join(sys.orig_argv):
    sys.addaudithook(hook)
"""


class Hold:
    """Holds processes with `command` in their command line at a point of their work, until it is released.

    event   of sys.addaudithook: import, open or os.rename
    name    of the module or file; "" for any
    times   it is held when this happens for the so manieth time
    """

    def __init__(self, folder: Path, command: str, event: str, name: str = "", times: int = 1):
        self.site, self.held = folder / "a site", folder / "held"
        self.site.mkdir()
        code = SITECUSTOMIZE.format(event=event, name=name, times=times, held=str(self.held), command=command)
        (self.site / "sitecustomize.py").write_text(code + dtype.SITECUSTOMIZE)  # Python runs the first that it finds

    def environment(self, project: Project) -> dict[str, str]:
        return {**project.environment(), "PYTHONPATH": str(self.site)}

    def wait(self, started: subprocess.Popen) -> None:
        """Until the process is held; `started` is it, or what started it."""
        wait_for(lambda: self.held.exists() or started.poll() is not None)
        assert self.held.exists(), f"{started.args} ended with {started.returncode} before the point"

    def release(self) -> None:
        self.held.unlink()


def pids_of(project: Project, command: str) -> list[int]:
    """Processes with these words in their command line whose folder is the project's."""
    found, words = [], "\0".join([*command.split(), ""]).encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and words in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if Path(os.readlink(entry / "cwd")) == project.folder else []
        except OSError:
            continue  # gone in the meantime
    return found


def wait_for(condition, seconds: float = 600):
    """What the condition gives, once it is true; the time is only for a test that hangs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"not so after {seconds} s")
