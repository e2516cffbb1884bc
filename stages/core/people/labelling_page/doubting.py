"""`make doubts` beside the page: which answers a model doubts is worked out in a thread, while the page goes on."""

from collections.abc import Callable

from stages.core.people import label_errors
from stages.core.people.label_errors import Doubt
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.background import Beside

Find = Callable[[], list[Doubt]]


def as_things_are() -> list[Doubt]:
    state = Labelling()
    return label_errors.listed(state, state.resolved())


class Doubting(Beside):
    """`find` gives all answers, the least likely first, or raises; `found` is what it gave last."""

    def __init__(self, find: Find = as_things_are):
        super().__init__()
        self.find = find
        self.found: list[Doubt] = []

    def begin(self) -> None:
        """Nothing happens where it goes on already."""
        if not self.running:
            self.start(self._look)

    def _look(self) -> None:
        self.found = self.find()
