"""The bucketed arm as described and what could make it better: functions as in stages/core/strategies, compared by evidence.py."""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from stages.core import geometry, selection, typicality
from stages.core.known import Known, NoModelYet
from stages.core.strategies import entropy, margin, stratified_random, typiclust

PICK = Callable[[Known, int, np.random.Generator], np.ndarray]


def even(known: Known, wanted: int) -> np.ndarray:
    """Rows wanted of each bucket: the same of every one, as far as it has open rows."""
    room = np.bincount(known.buckets[known.open_rows], minlength=known.buckets.max() + 1)
    return selection.apportion(wanted, np.ones(len(room)), room)


def in_proportion(known: Known, wanted: int) -> np.ndarray:
    """Rows wanted of each bucket: in proportion to its open rows."""
    room = np.bincount(known.buckets[known.open_rows], minlength=known.buckets.max() + 1)
    return selection.apportion(wanted, room, room)


def bucketed(spread: Callable, score: ModuleType) -> PICK:
    """Random rows of every bucket, then those of the highest score in each."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        if known.model is None:
            rows = known.open_rows
            return selection.random_by_group(rows, known.buckets[rows], spread(known, wanted), rng)
        return selection.highest_per_bucket(scored(known, score, rng), known.buckets, spread(known, wanted))

    return pick


def started(first: PICK, then: PICK) -> PICK:
    """The first rows by one strategy, all others by another."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return (first if known.model is None else then)(known, wanted, rng)

    return pick


def typical_in_buckets(spread: Callable) -> PICK:
    """Rows that are typical of each bucket."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return typicality.typical_per_bucket(np.asarray(known.vectors), known.buckets, spread(known, wanted), rng)

    return pick


def scored(known: Known, score: ModuleType, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: how unsure the model is of each row; NaN where it is labelled."""
    scores = np.array(score.scores(known, rng), np.float32)
    scores[known.labelled] = np.nan
    return scores


def reclustered(score: ModuleType, candidates_a_row: int) -> PICK:
    """The most uncertain rows, clustered into as many clusters as rows are wanted; of each the row nearest to its centre."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        points, seed = geometry.unit(np.asarray(known.vectors)), int(rng.integers(2**31))
        return selection.highest_reclustered(scored(known, score, rng), points, wanted, seed, candidates_a_row)

    return pick


def reclustered_in_buckets(spread: Callable, score: ModuleType, candidates_a_row: int) -> PICK:
    """The same in every bucket by itself."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        scores, points = scored(known, score, rng), geometry.unit(np.asarray(known.vectors))
        picked = [np.empty(0, np.int64)]
        counts = spread(known, wanted)
        for bucket in np.flatnonzero(counts):
            inside = np.where(known.buckets == bucket, scores, np.nan)
            picked.append(selection.highest_reclustered(inside, points, counts[bucket], int(rng.integers(2**31)), candidates_a_row))
        return np.concatenate(picked)

    return pick


def fresh_buckets(score: ModuleType) -> PICK:
    """As many buckets as rows are wanted, made of all open rows in every round; of each the row of the highest score."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        scores = scored(known, score, rng)
        points = geometry.unit(np.asarray(known.vectors[known.open_rows]))
        buckets = np.full(len(known.vectors), -1)
        buckets[known.open_rows] = geometry.kmeans(points, wanted, rng).labels_
        picked = selection.highest_per_bucket(scores[known.open_rows], buckets[known.open_rows], 1)
        rows = known.open_rows[picked]
        others = selection.ranked(np.where(np.isin(known.rows, rows), np.nan, scores))
        return np.concatenate([rows, others[: wanted - len(rows)]])

    return pick


def tempered(spread: Callable, score: ModuleType, random_share: float) -> PICK:
    """A share of every batch in buckets at random, the rest by the highest score in each bucket."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        rows = known.open_rows
        drawn = round(random_share * wanted)
        at_random = selection.random_by_group(rows, known.buckets[rows], in_proportion(known, drawn), rng)
        scores = scored(known, score, rng)
        scores[at_random] = np.nan
        room = np.bincount(known.buckets[~np.isnan(scores)], minlength=known.buckets.max() + 1)
        counts = selection.apportion(wanted - drawn, np.minimum(spread(known, wanted), room), room)
        return np.concatenate([at_random, selection.highest_per_bucket(scores, known.buckets, counts)])

    return pick


def typical_only(inner: PICK, floor: float) -> PICK:
    """`inner` among the rows whose neighbourhood is not among the sparsest `floor` of the pool: outliers are left out."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        sparse = sparsest(known.vectors, floor)
        hidden = np.setdiff1d(sparse, known.labelled)
        narrowed = _Narrowed(known, hidden)
        return inner(narrowed, wanted, rng)

    return pick


class _Narrowed:
    """`known` with some open rows hidden."""

    def __init__(self, known: Known, hidden: np.ndarray):
        self._known = known
        self.open_rows = np.setdiff1d(known.open_rows, hidden)
        self.labelled = np.concatenate([known.labelled, hidden])  # what is hidden is passed over like what is labelled

    def __getattr__(self, name: str):
        return getattr(self._known, name)


_SPARSE: dict[tuple[int, float], np.ndarray] = {}


def sparsest(points: np.ndarray, share: float) -> np.ndarray:
    """int64 rows: the `share` of rows with the largest mean distance to their 10 nearest neighbours."""
    from sklearn.neighbors import NearestNeighbors

    if (key := (id(points), share)) not in _SPARSE:
        distances, _ = NearestNeighbors(n_neighbors=10).fit(np.asarray(points)).kneighbors()
        _SPARSE[key] = np.argsort(-distances.mean(1), kind="stable")[: round(share * len(points))]
    return _SPARSE[key]


def at_random(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    raise NoModelYet  # the stage then takes the random arm's rows


STRATIFIED, TYPICAL, TYPICAL_IN_BUCKETS = stratified_random.pick, typiclust.pick, typical_in_buckets(even)
VARIANTS: dict[str, PICK] = {
    "random": at_random,
    "bucketed (as described)": bucketed(even, entropy),
    "bucketed, in proportion": bucketed(in_proportion, entropy),
    "bucketed, margin, in proportion": bucketed(in_proportion, margin),
    "stratified start, bucketed": started(STRATIFIED, bucketed(even, entropy)),
    "stratified start, bucketed, margin": started(STRATIFIED, bucketed(even, margin)),
    "stratified start, reclustered, margin": started(STRATIFIED, reclustered(margin, 10)),
    "typical start, bucketed, margin, in proportion": started(TYPICAL, bucketed(in_proportion, margin)),
    "typical start, reclustered, margin": started(TYPICAL, reclustered(margin, 10)),
    "typical start, margin": started(TYPICAL, margin.pick),
    "typical in buckets, bucketed": started(TYPICAL_IN_BUCKETS, bucketed(even, entropy)),
    "typical in buckets, bucketed, margin": started(TYPICAL_IN_BUCKETS, bucketed(even, margin)),
    "typical in buckets, bucketed, margin, in proportion": started(
        typical_in_buckets(in_proportion), bucketed(in_proportion, margin)
    ),
    "typical in buckets, reclustered, margin": started(TYPICAL_IN_BUCKETS, reclustered(margin, 10)),
    "typical in buckets, reclustered in buckets, margin": started(TYPICAL_IN_BUCKETS, reclustered_in_buckets(even, margin, 10)),
    "typical in buckets, reclustered in buckets, margin, 5 candidates": started(
        TYPICAL_IN_BUCKETS, reclustered_in_buckets(even, margin, 5)
    ),
    "typical in buckets, fresh buckets, margin": started(TYPICAL_IN_BUCKETS, fresh_buckets(margin)),
    "reclustered": reclustered(entropy, 10),
    "reclustered, margin": reclustered(margin, 10),
    "reclustered, margin, 5 candidates": reclustered(margin, 5),
    "fresh buckets, margin": fresh_buckets(margin),
    "tempered, margin": tempered(in_proportion, margin, 0.5),
    "bucketed, margin, in proportion, no outliers": typical_only(bucketed(in_proportion, margin), 0.1),
    "reclustered, margin, no outliers": typical_only(reclustered(margin, 10), 0.1),
}
