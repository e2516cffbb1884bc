"""trainer: probe. Logistic regression on the cached vectors: seconds instead of minutes."""

import numpy as np

from stages.core.space import logistic_cv, probe_model, sampling

KIND = "probe"


class Learner(probe_model.VectorLearner):
    """Learns a ProbeModel from vectors."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        rows = sampling.rows_to_fit(labels, self.train.folds, seed)
        regression = logistic_cv.fit(pool[labelled[rows]], labels[rows], self.classes, self.train.folds, seed, title)
        return probe_model.ProbeModel(regression, KIND, self.embed)


load = probe_model.load
