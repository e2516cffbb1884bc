"""Strategies of small-text and scikit-activeml over our pool, vectors, model and seeds.

Each is a function as in stages/core/strategies: (pool, wanted, rng) -> rows. The libraries only choose rows; the model is ours.
Their first rows are the random arm's, except TypiClust's, which is made to choose them. Those that take no seed use NumPy's global
generator.
"""

import contextlib
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from stages.core.strategies import NoModelYet, PoolState


def small_text(name: str, **settings: Any) -> Callable:
    def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
        from small_text import query_strategies

        if pool.model is None:
            raise NoModelYet  # small-text starts its learner with random rows
        seed_globally(rng.integers(2**32))
        labelled, values = pool.labelled, pool.labels.of(pool.labelled)
        values = csr_matrix(values) if values.ndim > 1 else values
        rows = getattr(query_strategies, name)(**settings).query(
            _SmallTextModel(pool), pool.vectors, pool.open_rows, labelled, values, n=wanted
        )
        return np.asarray(rows, np.int64)

    return quiet(pick)


class _SmallTextModel:
    """Our model with the interface of small-text; a data set is an array of vectors."""

    def __init__(self, pool: PoolState):
        self.pool = pool

    def predict_proba(self, vectors: np.ndarray) -> np.ndarray:
        """Of all rows, or of the open ones, which is what strategies for several labels ask for."""
        said = self.pool.probabilities
        return said if len(vectors) == len(said) else said[self.pool.open_rows]

    def embed(self, vectors: np.ndarray, pbar: Any = None) -> np.ndarray:
        return np.asarray(vectors)


def scikit_activeml(name: str, asks_model: bool, chooses_first: bool = False, **settings: Any) -> Callable:
    def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
        from skactiveml import pool as strategies

        if pool.model is None and not chooses_first:
            raise NoModelYet
        values = np.full(len(pool.vectors), np.nan)
        values[pool.labelled] = pool.labels.of(pool.labelled)
        strategy = getattr(strategies, name)(random_state=int(rng.integers(2**31)), **settings)
        asked = {"clf": _frozen(pool), "fit_clf": False} if asks_model else {}
        return np.asarray(strategy.query(np.asarray(pool.vectors), values, batch_size=wanted, **asked), np.int64)

    return quiet(pick)


def _frozen(pool: PoolState) -> Any:
    """Our model as a fitted classifier of scikit-activeml. It may work on other vectors (of all layers) than those it is given, so
    the row of each given vector is looked up.
    """
    from skactiveml.base import SkactivemlClassifier

    rows = {vector.tobytes(): row for row, vector in enumerate(pool.vectors)}

    class Frozen(SkactivemlClassifier):
        def fit(self, X, y, sample_weight=None):  # noqa: N803
            return self

        def predict_proba(self, X):  # noqa: N803
            asked = np.array([rows[vector.tobytes()] for vector in np.asarray(X, pool.vectors.dtype)])
            return pool.model.probabilities(asked).astype(np.float64)

    made = Frozen(classes=list(range(pool.classes)))
    made.classes_ = np.arange(pool.classes)
    return made


def seed_globally(seed: int) -> None:
    """Seed NumPy, for libraries that take a seed no other way."""
    np.random.seed(seed)


def quiet(pick: Callable) -> Callable:
    def picked(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
        with warnings.catch_warnings(), open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):
            warnings.simplefilter("ignore")
            return pick(pool, wanted, rng)

    return picked


PEERS = {
    "small-text BreakingTies": small_text("BreakingTies"),
    "small-text EmbeddingKMeans": small_text("EmbeddingKMeans"),
    "small-text CategoryVectorInconsistencyAndRanking": small_text("CategoryVectorInconsistencyAndRanking", pbar=None),
    "scikit-activeml entropy": scikit_activeml("UncertaintySampling", True, method="entropy"),
    "scikit-activeml margin": scikit_activeml("UncertaintySampling", True, method="margin_sampling"),
    "scikit-activeml CoreSet": scikit_activeml("CoreSet", False),
    "scikit-activeml TypiClust": scikit_activeml("TypiClust", False, chooses_first=True),
    "scikit-activeml Badge": scikit_activeml("Badge", True),
}
