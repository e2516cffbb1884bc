"""`make doubts` beside the page: which answers a model doubts is worked out in a thread, while the page goes on."""

import threading
import time
from collections.abc import Callable
from typing import Any

from stages.commands import doubts
from stages.commands.doubts import Doubt
from stages.commands.labelling import Labelling
from stages.core.base.errors import Refused

Find = Callable[[], list[Doubt]]


def as_things_are() -> list[Doubt]:
    state = Labelling()
    return doubts.listed(state, state.resolved())


class Doubting:
    """At most one at a time. `find` gives all answers, the least likely first, or raises; `found` is what it gave last."""

    def __init__(self, find: Find = as_things_are):
        self.find, self.failed = find, ""
        self.found: list[Doubt] = []
        self.since: float | None = None

    def begin(self) -> None:
        """Nothing happens where it goes on already."""
        if self.since is None:
            self.failed, self.since = "", time.monotonic()
            threading.Thread(target=self._run, daemon=True).start()

    def told(self) -> dict[str, Any]:
        """
        running   whether it goes on; seconds: for how long
        failed    why it ended badly, or nothing
        """
        since = self.since
        seconds = round(time.monotonic() - since) if since is not None else 0
        return {"running": since is not None, "seconds": seconds, "failed": self.failed}

    def _run(self) -> None:
        try:
            self.found = self.find()
        except Refused as refusal:
            self.failed = str(refusal)
        except Exception as error:  # else the page would wait for ever
            self.failed = f"{type(error).__name__}: {error}"
        finally:
            self.since = None
