"""Strategies: ways to choose the next rows to label, one file each. Every one has

    pick(pool, wanted, rng)   int64 [wanted]: open rows of pool.jsonl, none twice

    pool     a PoolState: what is known about the pool
    wanted   number of rows, at least 1 and fewer than are open
    rng      numpy Generator, the only source of randomness

The bucketed arm chooses its first rows by `select_stage1.pick` and later ones by `select_stageN.by`; an arm of params `arms`
chooses all rows by one strategy. Where a strategy needs a model and there is none yet, the random arm's rows for the same seed
are taken. A strategy that can be named in `score_entropy.score` has `scores(pool, rng)`: float32 [pool], higher is less sure.
One that uses labels without buying them sets USES_POOL_LABELS = True: it chooses each stage's whole budget afresh.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from stages.core import task
from stages.core.base import plugins
from stages.core.base.errors import Refused
from stages.core.rows.labels import Labels
from stages.core.space import selection


class NoModelYet(Exception):
    """A strategy needs a model before any row is labelled; it then gets the random arm's rows."""


class PoolModel(Protocol):
    """A model that takes rows of pool.jsonl, int64 [rows]."""

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]"""

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]: the input of the model's last layer."""


@dataclass(frozen=True)
class PoolState:
    """What a strategy may know about the pool when it chooses rows for one seed. Predictions are made on demand."""

    vectors: np.ndarray  # float32 [pool, width]: embeddings of the rows of pool.jsonl
    buckets: np.ndarray  # int32 [pool]
    shares: np.ndarray  # float [buckets]: in what proportion buckets should give rows, equally or by their sizes
    order: np.ndarray  # int64 [pool]: the random arm's order for this seed; it breaks ties, since pools come sorted by class
    labelled: np.ndarray  # int64 [rows]: rows labelled so far, oldest first
    labels: Labels  # the account that bought their labels; that of the whole pool where USES_POOL_LABELS is set
    classes: int
    options: Any  # settings of params `strategies`, and .score: the strategy that scores how unsure the model is
    model: PoolModel | None  # of the stage before
    train: Callable[[np.ndarray, Labels, int], PoolModel]  # (rows, labels, seed) -> another model, by the learner of params.yaml
    scored: np.ndarray | None = None  # float32 [pool]: scores by options.score where they exist already
    kind: task.Task = task.SINGLE  # what a label is

    @cached_property
    def rows(self) -> np.ndarray:
        """int64 [pool]: every row."""
        return np.arange(len(self.order))

    @cached_property
    def open_rows(self) -> np.ndarray:
        """int64 [open]: rows not labelled yet, ascending."""
        return np.setdiff1d(self.rows, self.labelled)

    @cached_property
    def with_class(self) -> np.ndarray:
        """int64 [rows]: those of `labelled` that a model can learn from; people may have found no class, or disagree."""
        return self.labelled[task.codes(self.labels.of(self.labelled)) >= 0]

    @cached_property
    def open_in_order(self) -> np.ndarray:
        """int64 [open]: the same rows, in the random arm's order."""
        return self.order[~np.isin(self.order, self.labelled)]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """float32 [pool, classes] of `model`. Raises NoModelYet at the first stage."""
        if self.model is None:
            raise NoModelYet
        return self.model.probabilities(self.rows)

    @cached_property
    def features(self) -> np.ndarray:
        """float32 [pool, width]: the input of that model's last layer. Raises NoModelYet at the first stage."""
        if self.model is None:
            raise NoModelYet
        return self.model.features(self.rows)

    def scores(self, rng: np.random.Generator) -> np.ndarray:
        """float32 [pool]: how unsure the model is, by the strategy options.score; NaN where labelled. Raises NoModelYet."""
        if self.scored is None and self.model is None:
            raise NoModelYet
        return self.open_only(named(self.options.score).scores(self, rng) if self.scored is None else self.scored)

    def fit(self, rows: np.ndarray, rng: np.random.Generator) -> PoolModel:
        """A new model, trained on labelled rows, int64 [rows]; repeats count twice. Raises NoModelYet where none has a class."""
        if not (task.codes(self.labels.of(rows)) >= 0).any():
            raise NoModelYet
        return self.train(rows, self.labels, int(rng.integers(2**31)))

    def truth(self, seed_rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """float32 [pool]: probability of each row's true class, by a model trained on `seed_rows`; NaN for these.

        Only for strategies with USES_POOL_LABELS: the labels refuse all others.
        """
        actual = self.labels.of(self.rows)
        probabilities = self.kind.likelihood(self.fit(seed_rows, rng).probabilities(self.rows), actual)
        probabilities = probabilities.reshape(len(actual), -1).mean(1)  # of several classes
        probabilities[seed_rows] = np.nan
        return probabilities

    def open_only(self, scores: np.ndarray) -> np.ndarray:
        """float32 [pool]: the same scores with NaN where a row is labelled."""
        scores = np.array(scores, np.float32)
        scores[self.labelled] = np.nan
        return scores

    def highest(self, scores: np.ndarray, wanted: int) -> np.ndarray:
        """int64 [wanted]: open rows of the highest scores, float [pool], best first, none of NaN; `order` breaks ties."""
        return selection.ranked(self.open_only(scores), self.order)[:wanted]

    def highest_by_bucket(self, scores: np.ndarray, wanted: int) -> np.ndarray:
        """int64 [wanted]: as `highest` inside every bucket, bucket by bucket."""
        order = selection.ranked(self.open_only(scores), self.order)
        return np.concatenate([order[self.buckets[order] == b][:rows] for b, rows in enumerate(self.by_bucket(wanted))])

    def by_bucket(self, wanted: int) -> np.ndarray:
        """int64 [buckets]: how many of the `wanted` rows each bucket gives, by `shares` and its open rows."""
        room = np.bincount(self.buckets[self.open_rows], minlength=len(self.shares))
        return selection.apportion(wanted, self.shares, room)


Pick = Callable[[PoolState, int, np.random.Generator], np.ndarray]


def choose(pick: Pick, pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [wanted]: open rows by a strategy; the random arm's first open rows where it needs a model and there is none.

    Raises Refused where the strategy picks other rows than it should.
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
    """Raise Refused where NoModelYet is the strategy's mistake: else random rows would pass under its name at every stage."""
    if getattr(sys.modules[pick.__module__], "USES_POOL_LABELS", False):
        found = "it sets USES_POOL_LABELS and so gets no model at any stage"
        mend = "let it train its own by pool.truth or pool.fit on rows that it draws, or remove USES_POOL_LABELS"
    elif pool.model is not None:
        found = f"{len(pool.labelled):,} rows are labelled"
        mend = "use pool.probabilities and pool.features, or pool.fit on at least one of pool.labelled"
    else:
        return
    raise Refused(
        f"{file} raised NoModelYet where {found}; possible: only where nothing is labelled yet; mend its `{pick.__name__}`: {mend}"
    )


def named(name: str) -> ModuleType:
    """The module of a strategy: .pick, and in some .scores."""
    return plugins.load("strategies", name)
