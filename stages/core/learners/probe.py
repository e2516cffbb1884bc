"""trainer: probe. Logistic regression on the cached vectors: seconds instead of minutes."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.space import logistic_cv, probe_model, sampling

KIND = "probe"


class Learner:
    """Vectors in, ProbeModel out."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.folds, self.embed, self.classes = train.folds, embed, classes

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float16 [rows, layers, width] or float32 [rows, width], memory-mapped."""
        return probe_model.read(texts, embeddings, self.embed.model)

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None
    ) -> probe_model.ProbeModel:
        """As the contract says; `start` is not used, since the optimum does not depend on where the search begins."""
        few = sampling.rows_to_fit(labels, self.folds, seed)
        labelled, labels = labelled[few], labels[few]
        regression = logistic_cv.fit(pool[labelled], labels, self.classes, self.folds, seed, title)
        return probe_model.ProbeModel(regression, KIND, self.embed)


def load(folder: Path, embed: Any, machine: Any) -> probe_model.ProbeModel:
    return probe_model.load(folder, embed)
