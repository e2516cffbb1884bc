"""Strategies: ways to choose the next rows to label, one file each, found by its name. Every one has

    pick(pool, wanted, rng)   int64 [wanted], open rows of pool.jsonl, none twice

    pool    what is known about the pool, as below
    wanted   number of rows, at least 1 and fewer than are open
    rng      numpy Generator, the only source of chance

The bucketed arm takes its first rows by `select_stage1.pick` and later ones by `select_stageN.by`; an arm of params `arms`
takes all of them by one. A strategy that asks for a model where there is none yet starts from the rows that the random arm
draws for the same seed. Strategies that say how unsure a model is of each row have `scores(pool, rng)`, float32 [pool],
higher is less sure, and can stand in `score_entropy.score`. One that chooses by labels nobody paid for says
USES_POOL_LABELS = True; it takes each stage's budget afresh, and the report sets it apart.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from stages.core.base import plugins
from stages.core.base.errors import Refused
from stages.core.rows.labels import Labels
from stages.core.space import selection


class NoModelYet(Exception):
    """A strategy asked for a model before any row was labelled; its first rows are then the random arm's."""


class PoolModel(Protocol):
    """A model that is asked by rows of pool.jsonl, int64 [rows]."""

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]"""

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]: what the model's last layer works on."""


@dataclass(frozen=True)
class PoolState:
    """All rows are rows of pool.jsonl. What takes time (a model's word on the pool) is made when it is asked for.

    vectors    float32 [pool, width]   the embeddings
    buckets    int32 [pool]            bucket of each row
    shares     float [buckets]         in what proportion buckets shall give rows: all alike, or by their sizes
    order      int64 [pool]            the random arm's order of the pool for this seed: of equal scores the row that
                                       comes first in it is taken, since pools come sorted by class
    labelled   int64 [rows]            rows labelled so far, oldest first
    labels     class numbers of the rows bought, which refuses all others; of the whole pool for a strategy that is
               marked USES_POOL_LABELS
    classes    number of classes
    options    .score, the strategy that says how unsure the model is, and the settings of params `strategies`
    model      the model of the stage before, or None
    train      (rows, labels, seed) -> such a model, fitted by the learner of params.yaml
    scored     float32 [pool], what the strategy .score has said already, or None
    """

    vectors: np.ndarray
    buckets: np.ndarray
    shares: np.ndarray
    order: np.ndarray
    labelled: np.ndarray
    labels: Labels
    classes: int
    options: Any
    model: PoolModel | None
    train: Callable[[np.ndarray, Labels, int], PoolModel]
    scored: np.ndarray | None = None

    @cached_property
    def rows(self) -> np.ndarray:
        """int64 [pool]: every row."""
        return np.arange(len(self.order))

    @cached_property
    def open_rows(self) -> np.ndarray:
        """int64 [open]: rows not labelled yet, ascending."""
        return np.setdiff1d(self.rows, self.labelled)

    @cached_property
    def open_in_order(self) -> np.ndarray:
        """int64 [open]: the same rows as they stand in the random arm's order."""
        return self.order[~np.isin(self.order, self.labelled)]

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

    def scores(self, rng: np.random.Generator) -> np.ndarray:
        """float32 [pool]: how unsure the model is, by the strategy .score; NaN where labelled. Raises NoModelYet."""
        if self.scored is None and self.model is None:
            raise NoModelYet
        said = plugins.load("strategies", self.options.score).scores(self, rng) if self.scored is None else self.scored
        return self.open_only(said)

    def fit(self, rows: np.ndarray, rng: np.random.Generator) -> PoolModel:
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

    def open_only(self, scores: np.ndarray) -> np.ndarray:
        """float32 [pool]: the same scores with NaN where a row is labelled."""
        scores = np.array(scores, np.float32)
        scores[self.labelled] = np.nan
        return scores

    def highest(self, scores: np.ndarray, wanted: int) -> np.ndarray:
        """Open rows of the highest scores, best first, int64 [wanted]; ties by the random arm's order.

        scores   float [pool]   NaN marks rows that shall not be picked
        """
        return selection.ranked(self.open_only(scores), self.order)[:wanted]

    def highest_by_bucket(self, scores: np.ndarray, wanted: int) -> np.ndarray:
        """Open rows of the highest scores in every bucket, best first, bucket by bucket, int64 [wanted]; as `highest` otherwise."""
        order = selection.ranked(self.open_only(scores), self.order)
        return np.concatenate([order[self.buckets[order] == b][:rows] for b, rows in enumerate(self.by_bucket(wanted))])

    def by_bucket(self, wanted: int) -> np.ndarray:
        """int64 [buckets]: how many of the `wanted` rows each bucket gives, by `shares` and as far as it has open rows."""
        room = np.bincount(self.buckets[self.open_rows], minlength=len(self.shares))
        return selection.apportion(wanted, self.shares, room)


Pick = Callable[[PoolState, int, np.random.Generator], np.ndarray]


def choose(pick: Pick, pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [wanted]: open rows by a strategy, or the first open ones of the random arm where it needs a model and there is none.

    Raises Refused where a strategy gives other than it should.
    """
    if wanted == len(pool.open_rows):
        return pool.open_rows
    file = pick.__module__.replace(".", "/") + ".py"
    try:
        picked = pick(pool, wanted, rng)
    except NoModelYet:
        _refuse_unless_first(pick, pool, file)
        picked = pool.open_in_order[:wanted]
        print(f"{file} needs a model and there is none yet: {wanted:,} rows taken from the random arm")
    good = np.intersect1d(picked, pool.open_rows)
    if len(good) < wanted or len(picked) != wanted:
        raise Refused(
            f"{file} gave {len(picked):,} rows, of which {len(good):,} are open and different; possible: {wanted:,} open rows, "
            f"none twice; mend its `{pick.__name__}`"
        )
    return picked


def _refuse_unless_first(pick: Pick, pool: PoolState, file: str) -> None:
    """Raise Refused where NoModelYet is the strategy's fault: random rows would go by its name, stage after stage."""
    if getattr(sys.modules[pick.__module__], "USES_POOL_LABELS", False):
        found = "it is marked USES_POOL_LABELS, chooses every budget afresh and is given no model at any stage"
        mend = "let it train its own by pool.truth or pool.fit on rows that it draws, or take the mark away"
    elif pool.model is not None or len(pool.labelled):
        found = f"{len(pool.labelled):,} rows are labelled"
        mend = "use pool.probabilities and pool.features, or pool.fit on at least one of pool.labelled"
    else:
        return
    raise Refused(
        f"{file} raised NoModelYet where {found}; possible: only where nothing is labelled yet; mend its `{pick.__name__}`: {mend}"
    )


def named(name: str) -> ModuleType:
    """The strategy of a name, with .pick, and for some .scores."""
    return plugins.load("strategies", name)
