"""The bucketed arm as described and what could make it better: functions as in stages/core/strategies, compared by evidence.py."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from stages.core import selection, typicality
from stages.core.known import Known
from stages.core.strategies import entropy, margin

PICK = Callable[[Known, int, np.random.Generator], np.ndarray]


def random_in_buckets(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Random rows of every bucket."""
    return selection.random_per_bucket(known.buckets, even(known, wanted), rng)


def typical_in_buckets(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Rows that are typical of every bucket."""
    return typicality.typical_per_bucket(np.asarray(known.vectors), known.buckets, even(known, wanted), rng)


def in_buckets(score: ModuleType) -> PICK:
    """The rows of the highest score in every bucket."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return selection.highest_per_bucket(scored(known, score, rng), known.buckets, even(known, wanted))

    return pick


def reclustered(score: ModuleType) -> PICK:
    """The most uncertain rows, clustered into as many clusters as rows are wanted; of each the row nearest to its centre."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return selection.highest_reclustered(scored(known, score, rng), known.vectors, wanted, rng)

    return pick


def started(first: PICK, then: PICK) -> PICK:
    """The first rows by one strategy, all others by another."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return (first if known.model is None else then)(known, wanted, rng)

    return pick


def even(known: Known, wanted: int) -> np.ndarray:
    """Rows wanted of each bucket: the same of every one, as far as it has open rows."""
    room = np.bincount(known.buckets[known.open_rows], minlength=known.buckets.max() + 1)
    return selection.apportion(wanted, np.ones(len(room)), room)


def scored(known: Known, score: ModuleType, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: how unsure the model is of each row; NaN where it is labelled."""
    scores = np.array(score.scores(known, rng), np.float32)
    scores[known.labelled] = np.nan
    return scores


DESCRIBED = "as described: random in buckets, then entropy in buckets"
DEFAULT = "typical in buckets, then margin, clustered anew"
VARIANTS: dict[str, PICK] = {
    DESCRIBED: started(random_in_buckets, in_buckets(entropy)),
    "random in buckets, then margin in buckets": started(random_in_buckets, in_buckets(margin)),
    "typical in buckets, then entropy in buckets": started(typical_in_buckets, in_buckets(entropy)),
    "typical in buckets, then margin in buckets": started(typical_in_buckets, in_buckets(margin)),
    DEFAULT: started(typical_in_buckets, reclustered(margin)),
    "margin, clustered anew": reclustered(margin),
}
