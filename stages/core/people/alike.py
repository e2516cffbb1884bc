"""Rows of the pool that differ in little, so that one answer may count for all of them (labels.alike).

Two texts are alike if they are equal once numbers, names of users, addresses, case and blanks are masked; or if the cosine of their
vectors is labels.alike_cosine or more and half of their letters agree, which guards against encoders to which all texts are alike.
A row's twins are alike to the row itself, so no chain leads from text to text.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from itertools import islice

import numpy as np

from stages.core.space import geometry

MASKS = [(r"(?:https?://|www\.)\S+", " www "), (r"(?:(?<![\w.+-])[\w.+-]+)?@\w[\w.-]*", " @ "), (r"\d+(?:\W{1,2}\d+)*", "0")]
LEAST = 10  # letters of a masked text: "9/10" and "1/10" are not alike
SHARED = 0.5  # of the triples of letters in either text, the least share in both
MOST = 50  # twins of a row, the most alike
AT_ONCE = 4096  # rows of the pool to compare with
TRIES = 5  # to replace rows that are left out


def masked(text: str) -> str:
    """The text without what does not count; "" if fewer than LEAST letters are left."""
    text = text.casefold()
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return " ".join(text.split()) if sum(map(str.isalpha, text)) >= LEAST else ""


class Alike:
    """`texts` of the pool; `vectors` float32 [pool, width], or None to compare masked texts only; `bound`: the least cosine."""

    def __init__(self, texts: Collection[str], vectors: np.ndarray | None, bound: float):
        self.masked, self.vectors, self.bound = list(map(masked, texts)), vectors, bound
        self.equal, self._twins = defaultdict[str, set[int]](set), dict[int, list[int]]()
        for row, text in enumerate(self.masked):
            self.equal[text].add(row)

    def twins(self, rows: Collection[int]) -> dict[int, list[int]]:
        """row -> its twins in the pool, the most alike first. Found once."""
        new = [row for row in rows if row not in self._twins]
        self._twins |= self.among(new, range(len(self.masked)))
        return {row: self._twins[row] for row in rows}

    def among(self, rows: Sequence[int], others: Sequence[int]) -> dict[int, list[int]]:
        """row -> its twins among `others`."""
        known = set(others)
        found = {}
        for row in rows:
            equal = (other for other in sorted(self.equal[self.masked[row]] & known) if other != row) if self.masked[row] else ()
            found[row] = dict.fromkeys(islice(equal, MOST), 2.0)  # above any cosine
        for start in range(0, len(others) if rows and self.vectors is not None else 0, AT_ONCE):
            block = np.array(others[start : start + AT_ONCE])
            for row, cosines in zip(rows, self._unit(rows) @ self._unit(block).T):
                places = np.flatnonzero(cosines >= self.bound)
                places = places[np.argsort(-cosines[places], kind="stable")[: MOST + 1]]
                found[row] = dict(zip(block[places].tolist(), cosines[places].tolist())) | found[row]
        return {row: self._nearest(row, cosine) for row, cosine in found.items()}

    def _nearest(self, row: int, cosine: dict[int, float]) -> list[int]:
        letters = {each: set(map("".join, zip(text, text[1:], text[2:]))) for each in (row, *cosine) if (text := self.masked[each])}
        own = letters.pop(row, set())
        kept = [other for other in letters if len(own & letters[other]) >= SHARED * len(own | letters[other])]
        return sorted(kept, key=lambda other: (-cosine[other], other))[:MOST]

    def _unit(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        return geometry.unit(np.float32(self.vectors[rows]))

    def apart(self, picked: list[int], before: Collection[int], more: Callable[[set[int], int], list[int]]) -> list[int]:
        """As many rows as `picked`, with the next best instead of any that is alike to one of `before` or to one picked earlier.

        more   (rows that it may not pick, how many) -> the next best, or fewer; then rows that are alike take the last places
        """
        wanted, taken, closed = len(picked), set(before), set[int]()
        kept, left_out = list[int](), list[int]()
        for _ in range(TRIES):
            near, blocking = self.among(picked, [*taken, *picked]), set()
            for row in picked:
                blocked = taken.intersection(near[row])
                blocking |= blocked
                (left_out if blocked else kept).append(row)
                taken |= set() if blocked else {row}
            closed.update(*self.twins(blocking).values())
            picked = more({*kept, *left_out, *closed}, wanted - len(kept)) if len(kept) < wanted else []
        return [*kept, *left_out][:wanted]
