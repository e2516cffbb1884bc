"""trainer: self_training. Logistic regression on the cached vectors that learns from the pool too, in seconds.

One round of self-training (Scudder 1965; Yarowsky 1995): a regression on the labelled rows names a class for every open row; of
those of each class the surest are learned from like labelled ones. All classes weigh the same, among the labelled rows as
among the others, or a rare one would be named ever less.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.base import seeding
from stages.core.space import logistic, logistic_cv, probe_model, sampling

KIND = "self_training"


class Learner:
    """Vectors in, ProbeModel out. What it sees of open rows are their vectors alone."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.train, self.embed, self.classes = train, embed, classes

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float16 [rows, layers, width] or float32 [rows, width], memory-mapped."""
        return probe_model.read(texts, embeddings, self.embed.model)

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None
    ) -> probe_model.ProbeModel:
        """As the contract says; `start` is not used, since the optimum does not depend on where the search begins."""
        few = sampling.rows_to_fit(labels, self.train.folds, seed)
        vectors, labels, weights = pool[labelled[few]], labels[few], logistic.evened(labels[few])
        choice = logistic_cv.choose(vectors, labels, self.train.folds, seed, balanced=True, title=title)
        model = logistic.fitted(vectors, labels, self.classes, choice, weights)
        rows = self.candidates(len(pool), labelled, seed)
        if len(rows) and len(model.present) > 1:
            named, sure = surest(model.probabilities(pool[rows]), self.train.pseudo_share)
            added = logistic.evened(named)
            added *= self.train.pseudo_weight * len(labels) / added.sum()
            both = np.concatenate([vectors, pool[rows[sure]]])
            model = logistic.fitted(both, np.concatenate([labels, named]), self.classes, choice, np.concatenate([weights, added]))
        return probe_model.ProbeModel(model, KIND, self.embed)

    def candidates(self, pool_rows: int, labelled: np.ndarray, seed: int) -> np.ndarray:
        """int64 [rows]: open rows to name classes for, ascending: all, or so many at random that pseudo_rows remain of them."""
        [rng] = seeding.rngs([seed], "self_training")
        rows = np.setdiff1d(np.arange(pool_rows), labelled)
        return np.sort(rng.permutation(rows)[: round(self.train.pseudo_rows / self.train.pseudo_share)])


def surest(probabilities: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [taken] class numbers, int64 [taken] rows): of the rows named for each class the surest share, one at least.

    probabilities   float32 [rows, classes]
    """
    named, sure = probabilities.argmax(1), probabilities.max(1)
    order = np.lexsort([-sure, named])  # class by class, the surest first
    counts = np.unique(named, return_counts=True)[1]
    kept = np.maximum(1, np.round(counts * share).astype(int))
    taken = np.concatenate([part[:many] for part, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)])
    return named[taken], taken


def load(folder: Path, embed: Any, machine: Any) -> probe_model.ProbeModel:
    return probe_model.load(folder, embed)
