"""Work in a thread, while the page asks from time to time how it is going."""

import threading
import time
from collections.abc import Callable
from typing import Any

from stages.core.base.errors import Refused


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
