"""Token ids of many texts in two flat arrays, and the batches that pass through an encoder."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

JITTER = 0.1  # share by which lengths vary at random before rows are sorted into training batches


@dataclass(frozen=True)
class Tokens:
    """Token ids of rows, end to end."""

    ids: np.ndarray  # int32 [tokens]: of all rows, special tokens included
    starts: np.ndarray  # int64 [rows + 1]: row i is ids[starts[i]:starts[i + 1]]

    @classmethod
    def of(cls, rows: list[list[int]]) -> "Tokens":
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return cls(np.fromiter((i for row in rows for i in row), np.int32, starts[-1]), starts)

    @classmethod
    def joined(cls, parts: list["Tokens"]) -> "Tokens":
        starts = np.concatenate([[0], *(part.lengths for part in parts)]).cumsum()
        return cls(np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)]), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    def __getitem__(self, rows: np.ndarray) -> "Tokens":
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return Tokens(self.ids[np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])], starts)

    def stacked(self, rows: np.ndarray) -> np.ndarray:
        """int64 [rows, length]: ids of rows that all have the same length."""
        length = self.starts[rows[0] + 1] - self.starts[rows[0]]
        return self.ids[self.starts[rows][:, None] + np.arange(length)].astype(np.int64)

    def padded(self, rows: np.ndarray, pad: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids int64 [rows, longest], real bool [rows, longest]); `real` is False for padding."""
        lengths = self.lengths[rows]
        real = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(real.shape, pad, dtype=np.int64)
        ids[real] = self[rows].ids
        return ids, real


class Texts:
    """`texts`, object [rows], tokenised on demand: training on a hundred rows does not wait for the whole pool."""

    def __init__(self, texts: list[str], tokenise: Callable[[list[str]], Tokens]):
        self.texts, self.tokenise = np.array(texts, dtype=object), tokenise

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: np.ndarray) -> "Texts":
        """Some of the rows. From half of them on, all are tokenised and cached: the next seed asks for them again."""

        def tokenise(texts: list[str]) -> Tokens:
            cached = "tokens" in vars(self)  # set by cached_property
            return self.tokens[rows] if cached or 2 * len(texts) >= len(self) else self.tokenise(texts)

        return Texts(self.texts[rows], tokenise)

    @functools.cached_property
    def tokens(self) -> Tokens:
        return self.tokenise(self.texts.tolist())


def batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Every row once, in batches of rows of one length: nothing is ever padded.

    lengths        int64 [rows]   tokens in each row
    batch_tokens   limit of rows x length of a batch; a longer row is a batch of its own

    Yields int64 [rows of the batch], longest rows first, so that a lack of memory shows at once; equal lengths keep their order.
    Without padding a row's vector does not depend on its batch, to the bit: rows embedded elsewhere match rows embedded now.
    """
    order = np.argsort(-lengths, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        if len(same):
            rows = max(1, batch_tokens // max(1, int(lengths[same[0]])))
            yield from np.split(same, range(rows, len(same), rows))


def training_batches(lengths: np.ndarray, batch_rows: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """One epoch: every row once, in batches of similar length, in random order.

    Rows are sorted by their length times a random factor near 1, so that batches differ from epoch to epoch.
    """
    order = np.argsort(lengths * rng.uniform(1 - JITTER, 1 + JITTER, len(lengths)), kind="stable")
    parts = np.split(order, range(batch_rows, len(order), batch_rows))
    for part in rng.permutation(len(parts)):
        yield parts[part]
