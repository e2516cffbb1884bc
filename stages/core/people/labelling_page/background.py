"""Work in a thread while the page asks how it is going, such as `make ask` when every row is answered."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.core.base.errors import Refused
from stages.core.people.records import journal

Say = Callable[[str], None]
SHOWN = 12  # lines of output on the page


class Background:
    """Runs `work`, one run at a time. `result` is what the last successful run returned; `failed` says why the last run failed."""

    def __init__(self, work: Callable[[], Any]):
        self.work = work
        self.result: Any = None
        self.failed = ""
        self.since: float | None = None
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()

    def start(self) -> None:
        """Does nothing while a run is going on. Several threads may call it at once."""
        with self.lock:
            if self.since is not None:
                return
            self.failed, self.since = "", time.monotonic()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def status(self) -> dict[str, Any]:
        """`running`: whether a run is going on; `seconds`: for how long; `failed`: why the last run failed, or ""."""
        since = self.since  # the thread may end at any moment
        seconds = round(time.monotonic() - since) if since is not None else 0
        return {"running": since is not None, "seconds": seconds, "failed": self.failed}

    def _run(self) -> None:
        try:
            self.result = self.work()
        except Refused as refusal:
            self.failed = str(refusal)
        except Exception as error:  # else the page would wait for ever
            self.failed = f"{type(error).__name__}: {error}"
        finally:
            self.since = None


def by_process(say: Say) -> None:
    """`python -m stages ask` in a process of its own; passes each line to `say`. Raises Refused if it fails."""
    python = Path(sys.executable)
    with subprocess.Popen(  # noqa: S603
        [python, "-u", "-m", "stages", "ask"],
        env={**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"},  # where dvc is, too
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


class Choosing(Background):
    """`choose` asks for more rows and passes its output to the function that it is given."""

    def __init__(self, choose: Callable[[Say], None] = by_process):
        super().__init__(self._choose)
        self.choose = choose
        self.lines: deque[str] = deque(maxlen=SHOWN)

    def start(self) -> None:
        """Does nothing if the last run found nothing to ask and no answer came since."""
        if self.failed or self.result != journal.digest():
            super().start()

    def status(self) -> dict[str, Any]:
        """As of Background, with `ended`: the last run added nothing and no answer came since; `lines`: the last ones of output."""
        status = super().status()
        ended = not status["running"] and not status["failed"] and self.result == journal.digest()
        return status | {"ended": ended, "lines": list(self.lines)}

    def _choose(self) -> str:
        """Returns the digest of labels/ before the run; if it is still the same afterwards, the run added nothing."""
        self.lines.clear()
        before = journal.digest()
        self.choose(self.lines.append)
        return before
