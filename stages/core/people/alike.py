"""Rows of the pool that differ in little, so that one answer may count for all of them (labels.alike).

Two texts are alike if they are equal once numbers, names of users, addresses, case and blanks are masked; or if the cosine of their
vectors is labels.alike_cosine or more and half of their letters agree. The letters guard against encoders to which all texts are
alike. A row's twins are alike to the row itself, so no chain leads from text to text. The holdout's rows have no twins.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import numpy as np

MARK = "a near-duplicate"  # in the column `found` of labels/STAGE.csv: a row that was answered with another
MASKS = (
    (re.compile(r"(?:https?://|www\.)\S+"), " www "),
    (re.compile(r"[\w.+-]*@\w[\w.-]*"), " @ "),
    (re.compile(r"\d+(?:[.,:/-]\d+)*"), "0"),
)
LEAST = 10  # letters of a masked text: "9/10" and "1/10" are not alike
SHARED = 0.5  # of the triples of letters in either text, the least share in both
MOST = 50  # twins of a row, the most alike
AT_ONCE = 4096  # rows of the pool to compare with
TRIES = 5  # to replace rows that are left out


def masked(text: str) -> str:
    """The text without what does not count; "" if fewer than LEAST letters are left."""
    text = text.casefold()
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return " ".join(text.split()) if sum(map(str.isalpha, text)) >= LEAST else ""


def letters(text: str) -> set[str]:
    """The triples of letters in a masked text."""
    return {text[place : place + 3] for place in range(max(1, len(text) - 2))}


class Alike:
    """
    texts     of the pool
    vectors   float32 [pool, width]; None compares masked texts only
    bound     least cosine
    """

    def __init__(self, texts: Collection[str], vectors: np.ndarray | None, bound: float):
        self.masked, self.vectors, self.bound = list(map(masked, texts)), vectors, bound
        self.equal: dict[str, list[int]] = defaultdict(list)
        for row, text in enumerate(self.masked):
            self.equal[text].append(row)
        self._twins: dict[int, list[int]] = {}

    def twins(self, rows: Collection[int]) -> dict[int, list[int]]:
        """row -> its twins in the pool, the most alike first. Each row is looked for once."""
        new = [row for row in dict.fromkeys(rows) if row not in self._twins]
        self._twins |= self.among(new, np.arange(len(self.masked)))
        return {row: self._twins[row] for row in rows}

    def among(self, rows: Sequence[int], others: np.ndarray) -> dict[int, list[int]]:
        """row -> its twins among `others`, int64 [rows]."""
        known = set(others.tolist())
        found = {
            row: dict.fromkeys(known.intersection(self.equal[self.masked[row]] if self.masked[row] else []), 2.0) for row in rows
        }
        for start in range(0, len(others) if self.vectors is not None and len(rows) else 0, AT_ONCE):
            block = others[start : start + AT_ONCE]
            for row, cosines in zip(rows, self._units(rows) @ self._units(block).T):
                places = np.flatnonzero(cosines >= self.bound)
                places = places[np.argsort(-cosines[places], kind="stable")[: MOST + 1]]
                found[row] = {int(block[place]): float(cosines[place]) for place in places} | found[row]
        return {row: self._nearest(row, cosine) for row, cosine in found.items()}

    def _nearest(self, row: int, cosine: dict[int, float]) -> list[int]:
        own, kept = letters(self.masked[row]), []
        for other in sorted(cosine, key=lambda other: (-cosine[other], other)):
            its = letters(self.masked[other])
            if other != row and len(kept) < MOST and self.masked[other] and len(own & its) >= SHARED * len(own | its):
                kept.append(other)
        return kept if self.masked[row] else []

    def _units(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        vectors = np.float32(self.vectors[rows])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def apart(self, picked: Sequence[int], before: Collection[int], more: Callable[[list[int], int], Sequence[int]]) -> list[int]:
        """As many rows as `picked`, none alike to another or to a row of `before`, as long as the pool has such rows.

        more   (rows that it may not pick, how many) -> the next best rows, or fewer
        """
        wanted, taken, closed = len(picked), set(before), set()
        kept: list[int] = []
        left_out: list[int] = []
        for _ in range(TRIES):
            near, blocking = self.among(picked, np.array([*taken, *picked], np.int64)), set()
            for row in picked:
                if blocked := taken.intersection(near[row]):
                    left_out.append(row)
                    blocking |= blocked
                else:
                    kept.append(row)
                    taken.add(row)
            closed.update(*self.twins(blocking).values())
            picked = more(sorted({*kept, *left_out, *closed}), wanted - len(kept)) if len(kept) < wanted else []
            if not len(picked):
                break
        return [*kept, *left_out][:wanted]
