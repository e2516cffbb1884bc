"""trainer: probe. Logistic regression on the cached vectors: seconds instead of minutes."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.space import logistic_cv, probe_model, sampling

KIND = "probe"


class Learner:
    """Learns a ProbeModel from vectors."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.train, self.embed, self.classes = train, embed, classes

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float16 [rows, layers, width] or float32 [rows, width], memory-mapped."""
        return probe_model.read(texts, embeddings, self.embed.model)

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None
    ) -> probe_model.ProbeModel:
        """As in learners.Learner. `start` is ignored: the optimum does not depend on where the search begins."""
        rows = sampling.rows_to_fit(labels, self.train.folds, seed)
        regression = logistic_cv.fit(pool[labelled[rows]], labels[rows], self.classes, self.train.folds, seed, title)
        return probe_model.ProbeModel(regression, KIND, self.embed)


load = probe_model.load
