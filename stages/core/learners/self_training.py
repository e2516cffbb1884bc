"""trainer: self_training. Logistic regression on the cached vectors that learns from the pool too: see space/self_trained."""

from typing import Any

import numpy as np

from stages.core.space import probe_model
from stages.core.space.self_trained import SelfTrained

KIND = "self_training"


class Learner(SelfTrained):
    """Learns a ProbeModel from vectors, those of open rows included."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        rows = self.candidates(len(pool), np.concatenate([labelled, np.array(closed, np.int64)]), seed)
        return probe_model.ProbeModel(self.regression(pool, labelled, labels, rows, seed, title), KIND, self.embed)


load = probe_model.load
