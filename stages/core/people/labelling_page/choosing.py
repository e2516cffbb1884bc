"""`make ask` beside the page, when all that was asked for is answered: the next rows are chosen while the page waits."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.core.base.errors import Refused
from stages.core.people.labelling_page.background import Beside
from stages.core.people.records import journal

Say = Callable[[str], None]
Work = Callable[[Say], None]
KEPT = 12  # lines that the page can show


def by_process(say: Say) -> None:
    """`python -m stages ask` as a process of its own, each line to `say`. Raises Refused where it fails."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # where dvc is, too
    command = [sys.executable, "-u", "-m", "stages", "ask"]
    with subprocess.Popen(  # noqa: S603
        command,
        env={**os.environ, "PATH": beside},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        last = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.strip():
                last = line.strip()
                say(last)
    if process.returncode:
        raise Refused(last.removeprefix("error: ") or f"make ask ended with {process.returncode}; see the terminal")


class Choosing(Beside):
    """`work` chooses; it ends well or raises."""

    def __init__(self, work: Work = by_process):
        super().__init__()
        self.work, self.lines = work, []
        self.read: str | None = None  # digest of labels/ before the last that ended well: with no change since, it added nothing

    def begin(self) -> None:
        """Nothing happens where it goes on already, or where it found nothing to ask and no answer came since."""
        if self.running or (not self.failed and self.read == journal.digest()):
            return
        self.lines = []
        self.start(self._choose)

    def told(self) -> dict[str, Any]:
        """As Beside does, and

        ended     whether it ended well, and added nothing, and nothing was answered since: all is done
        lines     what it said last
        """
        told = super().told()
        ended = not told["running"] and not told["failed"] and self.read == journal.digest()
        return told | {"ended": ended, "lines": list(self.lines)}

    def _choose(self) -> None:
        before = journal.digest()
        self.work(lambda line: self.lines.__setitem__(slice(None), [*self.lines, line][-KEPT:]))
        self.read = before
