"""What a strategy of stages/core/strategies may know about the pool when it picks rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.core import selection
from stages.core.labels import Labels


class NoModelYet(Exception):
    """A strategy asked for a model before any row was labelled; its first rows are then the random arm's.

    Anywhere else compare_arm refuses the strategy.
    """


@dataclass(frozen=True)
class Known:
    """All rows are rows of pool.jsonl. What takes time (a model's word on the pool) is made when it is asked for.

    rows       int64 [pool]            every row
    vectors    float32 [pool, width]   the embeddings
    buckets    int32 [pool]            bucket of each row
    labelled   int64 [rows]            rows labelled so far, oldest first
    labels     class numbers of the rows paid for, which refuses all others; of the whole pool for a strategy that is
               marked USES_POOL_LABELS
    classes    number of classes
    options    settings: .committee, and for arms .held_back
    model      the arm's model of the stage before, or None; asked by rows, as in training.Fitted
    train      (rows, labels, seed) -> such a model, fitted by the trainer of params.yaml
    """

    rows: np.ndarray
    vectors: np.ndarray
    buckets: np.ndarray
    labelled: np.ndarray
    labels: Labels
    classes: int
    options: Any
    model: Any
    train: Callable[[np.ndarray, Labels, int], Any]

    @cached_property
    def open_rows(self) -> np.ndarray:
        """int64 [open]: rows not labelled yet, ascending."""
        return np.setdiff1d(self.rows, self.labelled)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """float32 [pool, classes], by the model of the stage before. Raises NoModelYet at the first stage."""
        if self.model is None:
            raise NoModelYet
        return self.model.probabilities(self.rows)

    @cached_property
    def features(self) -> np.ndarray:
        """float32 [pool, width]: what the last layer of that model works on. Raises NoModelYet at the first stage."""
        if self.model is None:
            raise NoModelYet
        return self.model.features(self.rows)

    def fit(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        """Another model, trained on labelled rows, int64 [rows]; repeats count twice. Raises NoModelYet where there are none."""
        if not len(rows):
            raise NoModelYet
        return self.train(rows, self.labels, int(rng.integers(2**31)))

    def truth(self, seed_rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Probability of every row's true class, float32 [pool], by a model trained on `seed_rows`; NaN for these.

        Only for strategies that are marked USES_POOL_LABELS: for all others the labels refuse.
        """
        actual = self.labels.of(self.rows)
        sure = self.fit(seed_rows, rng).probabilities(self.rows)[self.rows, actual]
        sure[seed_rows] = np.nan
        return sure

    def highest(self, scores: np.ndarray, wanted: int) -> np.ndarray:
        """Open rows of the highest scores, best first, int64 [wanted]; ties to the lower row.

        scores   float [pool]   NaN marks rows that shall not be picked
        """
        scores = np.array(scores, np.float32)
        scores[self.labelled] = np.nan
        return selection.ranked(scores)[:wanted]
