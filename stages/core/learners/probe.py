"""trainer: probe. Logistic regression on the cached vectors: seconds instead of minutes."""

from typing import Any

import numpy as np

from stages.core.space import logistic, probe_model

KIND = "probe"


class Learner(probe_model.VectorLearner):
    """Learns a ProbeModel from vectors."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        chosen = self.chosen(pool, labelled, labels, seed, title)
        model = logistic.fitted(chosen.vectors, chosen.labels, self.classes, chosen.choice, chosen.weights)
        return probe_model.ProbeModel(model, KIND, self.embed)


load = probe_model.load
