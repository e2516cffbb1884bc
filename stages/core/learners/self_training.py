"""trainer: self_training. Logistic regression on the cached vectors that learns from the pool too, in seconds.

One round of self-training (Scudder 1965; Yarowsky 1995): a regression on the labelled rows predicts a class for each open row,
and the surest rows of each predicted class are learned from like labelled ones. By default all classes weigh the same, among
labelled and among open rows, or a rare class would be predicted ever less (train.class_weight). With train.names, what classes are
called has a say in the predictions for open rows, as far as the labelled rows bear it out (space/names).
"""

from typing import Any

import numpy as np

from stages.core.base import seeding
from stages.core.space import logistic, probe_model
from stages.core.space.sampling import open_rows, surest

KIND = "self_training"


class Learner(probe_model.VectorLearner):
    """Learns a ProbeModel from vectors, those of open rows included."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        rows = self.candidates(len(pool), np.concatenate([labelled, np.array(closed, np.int64)]), seed)
        chosen = self.chosen(pool, labelled, labels, seed, title)
        model = logistic.fitted(chosen.vectors, chosen.labels, self.classes, chosen.choice, chosen.weights)
        if len(rows) and len(model.present) > 1:
            points, weights = pool[rows], chosen.weights
            said = model.probabilities(points)
            if chosen.trust and chosen.trust.power:
                said = chosen.trust.combined(said, chosen.named.probabilities(points))
            predicted, taken = surest(said, self.train.pseudo_share)
            if weights is None:
                each = [np.ones(len(chosen.labels)), np.ones(len(predicted))]
            else:
                each = [weights, logistic.evened(predicted)]
            each[1] *= self.train.pseudo_weight * chosen.labelled / each[1].sum()
            vectors, labels = np.concatenate([chosen.vectors, points[taken]]), np.concatenate([chosen.labels, predicted])
            model = logistic.fitted(vectors, labels, self.classes, chosen.choice, np.concatenate(each))
        return probe_model.ProbeModel(model, KIND, self.embed)

    def candidates(self, pool_rows: int, bought: np.ndarray, seed: int) -> np.ndarray:
        """int64 [rows]: open rows to predict classes for, ascending: all, or a random sample of which pseudo_rows are taken."""
        [rng] = seeding.rngs([seed], "self_training")
        return open_rows(pool_rows, bought, round(self.train.pseudo_rows / self.train.pseudo_share), rng)


load = probe_model.load
