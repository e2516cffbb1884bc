"""Work that goes on in a thread beside the page, which asks from time to time how it goes."""

import threading
import time
from collections.abc import Callable
from typing import Any

from stages.core.base.errors import Refused


class Beside:
    """At most one piece of work at a time. `failed` says why the last ended badly, or nothing."""

    def __init__(self):
        self.failed = ""
        self.since: float | None = None
        self.thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self.since is not None

    def start(self, work: Callable[[], None]) -> None:
        """`work` ends well or raises."""
        self.failed, self.since = "", time.monotonic()
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def told(self) -> dict[str, Any]:
        """
        running   whether it goes on; seconds: for how long
        failed    why it ended badly, or nothing
        """
        since = self.since  # the thread may end at any moment
        seconds = round(time.monotonic() - since) if since is not None else 0
        return {"running": since is not None, "seconds": seconds, "failed": self.failed}

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Refused as refusal:
            self.failed = str(refusal)
        except Exception as error:  # else the page would wait for ever
            self.failed = f"{type(error).__name__}: {error}"
        finally:
            self.since = None
