"""Learning from the pool too, on vectors: a regression of the labelled rows says which class open rows have.

One round of self-training (Scudder 1965; Yarowsky 1995): a regression on the labelled rows predicts a class for each open row,
and the surest rows of each predicted class are learned from like labelled ones. By default all classes weigh the same, among
labelled and among open rows, or a rare class would be predicted ever less (train.class_weight). With train.names, what classes are
called has a say in the predictions for open rows, as far as the labelled rows bear it out (space/names).
"""

import numpy as np

from stages.core import task
from stages.core.base import seeding
from stages.core.space import logistic, probe_model, sigmoids
from stages.core.space.sampling import open_rows, surest


class SelfTrained(probe_model.VectorLearner):
    """What the learners on vectors and `contrastive` share. Arguments as of learners.Learner.fit."""

    def regression(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int, title: str
    ) -> logistic.Logistic:
        """Fitted on the labelled rows and on the surest of `rows`, int64 [rows], which are open."""
        return getattr(self, task.of(labels).regression)(pool, labelled, labels, rows, seed, title)

    def of_several(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int, title: str
    ) -> logistic.Logistic:
        """As `regression`, where a text may have several classes."""
        return sigmoids.regression(pool, labelled, labels, rows, self.train, seed, title, self.names and self.names[1])

    def of_one(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int, title: str
    ) -> logistic.Logistic:
        """As `regression`, where a text has one class."""
        chosen = self.chosen(pool, labelled, labels, seed, title)
        model = logistic.fitted(chosen.vectors, chosen.labels, self.classes, chosen.choice, chosen.weights)
        if not len(rows) or len(model.present) < 2:
            return model
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
        return logistic.fitted(vectors, labels, self.classes, chosen.choice, np.concatenate(each))

    def candidates(self, pool_rows: int, bought: np.ndarray, seed: int) -> np.ndarray:
        """int64 [rows]: open rows to predict classes for, ascending: all, or a random sample of which pseudo_rows are taken."""
        [rng] = seeding.rngs([seed], "self_training")
        return open_rows(pool_rows, bought, round(self.train.pseudo_rows / self.train.pseudo_share), rng)
