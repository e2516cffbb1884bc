"""trainer: probe. Logistic regression on the cached vectors: seconds instead of minutes."""

from typing import Any

import numpy as np

from stages.core.space import probe_model
from stages.core.space.self_trained import SelfTrained

KIND = "probe"
NO_ROWS = np.empty(0, np.int64)


class Learner(SelfTrained):
    """Learns a ProbeModel from the vectors of labelled rows alone."""

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        return probe_model.ProbeModel(self.regression(pool, labelled, labels, NO_ROWS, seed, title), KIND, self.embed)


load = probe_model.load
