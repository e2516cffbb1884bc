"""trainer: self_training. Logistic regression on the cached vectors that learns from the pool too, in seconds.

One round of self-training (Scudder 1965; Yarowsky 1995): a regression on the labelled rows predicts a class for each open row,
and the surest rows of each predicted class are learned from like labelled ones. By default all classes weigh the same, among
labelled and among open rows, or a rare class would be predicted ever less (train.class_weight).
"""

from typing import Any

import numpy as np

from stages.core.base import seeding
from stages.core.space import logistic, probe_model

KIND = "self_training"


class Learner(probe_model.VectorLearner):
    """Learns a ProbeModel from vectors, those of open rows included."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        rows = self.candidates(len(pool), np.concatenate([labelled, np.array(closed, np.int64)]), seed)
        vectors, labels, weights, choice = self.chosen(pool, labelled, labels, seed, title)
        model = logistic.fitted(vectors, labels, self.classes, choice, weights)
        if len(rows) and len(model.present) > 1:
            predicted, taken = surest(model.probabilities(pool[rows]), self.train.pseudo_share)
            each = [np.ones(len(labels)), np.ones(len(predicted))] if weights is None else [weights, logistic.evened(predicted)]
            each[1] *= self.train.pseudo_weight * len(labels) / each[1].sum()
            vectors, labels = np.concatenate([vectors, pool[rows[taken]]]), np.concatenate([labels, predicted])
            model = logistic.fitted(vectors, labels, self.classes, choice, np.concatenate(each))
        return probe_model.ProbeModel(model, KIND, self.embed)

    def candidates(self, pool_rows: int, bought: np.ndarray, seed: int) -> np.ndarray:
        """int64 [rows]: open rows to predict classes for, ascending: all, or a random sample of which pseudo_rows are taken."""
        [rng] = seeding.rngs([seed], "self_training")
        rows = np.setdiff1d(np.arange(pool_rows), bought)
        return np.sort(rng.permutation(rows)[: round(self.train.pseudo_rows / self.train.pseudo_share)])


def surest(probabilities: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [taken] predicted classes, int64 [taken] rows of float32 [rows, classes]): the surest share of each, 1 or more"""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    order = np.lexsort([-confidence, predicted])  # class by class, the surest first
    counts = np.unique(predicted, return_counts=True)[1]
    kept = np.maximum(1, np.round(counts * share).astype(int))
    taken = np.concatenate([part[:many] for part, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)])
    return predicted[taken], taken


load = probe_model.load
