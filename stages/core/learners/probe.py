"""trainer: probe. Logistic regression on the cached embeddings: seconds instead of minutes."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.encoding import pointer, vectors
from stages.core.space import logistic

KIND = "probe"


class Learner:
    """Embeddings in, ProbeModel out."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.folds, self.model, self.classes = train.folds, embed.model, classes

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float32 [rows, width], memory-mapped."""
        return vectors.load(embeddings, texts, pointer.chosen(self.model))

    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None
    ) -> "ProbeModel":
        """As the contract says; `start` is not used, since the optimum does not depend on where the search begins."""
        return ProbeModel(logistic.fit(pool[labelled], labels, self.classes, self.folds, seed), self.model)


class ProbeModel:
    """
    regression   on vectors of the encoder
    model        embed.model, whose vectors it was fitted on
    """

    def __init__(self, regression: logistic.Logistic, model: str):
        self.regression, self.model = regression, model
        self.history: list[dict] = []

    def probabilities(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""
        return self.regression.probabilities(inputs)

    def features(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, width]: what the last layer works on, here the embeddings themselves."""
        return inputs

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes])"""
        return self.regression.for_all_classes()

    def save(self, folder: Path) -> None:
        artifacts.save_tensors(folder / artifacts.WEIGHTS, self.regression.tensors(), save_file)
        width, classes = self.regression.weights.shape[1], self.regression.classes
        about = {"trainer": KIND, "classes": classes, "model": self.model, "width": width}
        artifacts.save_json(folder / artifacts.CLASSIFIER, about)


def load(folder: Path, embed: Any, machine: Any) -> ProbeModel:
    """Raises Refused where the pipeline's embeddings are another encoder's than those it was fitted on, or as Logistic.of does."""
    about = artifacts.load_record(folder / artifacts.CLASSIFIER, model=str, classes=int, width=int)
    if about["model"] != embed.model:
        raise Refused(f"{folder} was fitted on vectors of {about['model']}, not of {embed.model}; {artifacts.MEND}")
    file = folder / artifacts.WEIGHTS
    regression = logistic.Logistic.of(artifacts.load_tensors(file, load_file), file, about["width"], about["classes"])
    return ProbeModel(regression, about["model"])
