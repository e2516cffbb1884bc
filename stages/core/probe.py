"""trainer: probe. Logistic regression on the cached embeddings, its regularisation chosen on the labelled rows.

The choice matters: with a fixed weak regularisation random rows look worse than they are, and any way of
selecting looks three times as good against them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits

from stages.core import artifacts, pointer, vectors
from stages.core.errors import Refused

STRENGTHS = np.logspace(-3, 2, 11)  # C of scikit-learn: inverse strength of the L2 penalty
KIND = "probe"


class Probe:
    """The trainer: embeddings in, ProbeModel out."""

    def __init__(self, train: Any, embed: Any, classes: int):
        self.folds, self.model, self.classes = train.folds, embed.model, classes

    def inputs(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float32 [rows, width], memory-mapped."""
        return vectors.load(embeddings, texts, pointer.chosen(self.model))

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int, title: str, start: None = None) -> "ProbeModel":
        """
        inputs   float32 [labelled, width]
        labels   int64 [labelled]   class numbers; classes that are absent get probability 0
        start    not used: the optimum does not depend on where the search begins

        C is the best of 11 by cross-validated log-loss, folds stratified and seeded. Where a class has fewer than two
        labelled rows nothing can be validated, and C is 1.
        """
        from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
        from sklearn.model_selection import StratifiedKFold

        present, counts = np.unique(labels, return_counts=True)
        if len(present) == 1:
            weights, bias = np.zeros((1, inputs.shape[1]), np.float32), np.zeros(1, np.float32)
            return ProbeModel(weights, bias, present, self.classes, self.model)
        learner = LogisticRegression(max_iter=1000)
        folds = min(self.folds, counts.min())
        with threadpool_limits(1):  # problems this small lose more to waiting threads than they gain
            if folds >= 2:
                search = LogisticRegressionCV(
                    Cs=STRENGTHS,
                    cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
                    scoring="neg_log_loss",
                    tol=1e-3,  # near enough to tell strengths apart, in two thirds of the time; the fit itself goes on to 1e-4
                    max_iter=1000,
                    l1_ratios=(0,),
                    use_legacy_attributes=False,
                )
                learner.C = search.fit(inputs, labels).C_  # not its own fit, which stops elsewhere than one from the start
            learner.fit(inputs, labels)
        weights, bias = learner.coef_, learner.intercept_
        if len(present) == 2:  # scikit-learn keeps one row for two classes
            weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
        return ProbeModel(weights.astype(np.float32), bias.astype(np.float32), present, self.classes, self.model)


class ProbeModel:
    """
    weights   float32 [present, width]
    bias      float32 [present]
    present   int64 [present]   class number of each row of weights
    classes   number of classes
    model     embed.model, whose vectors it was fitted on
    """

    TENSORS = ("weights", "bias", "present")

    def __init__(self, weights: np.ndarray, bias: np.ndarray, present: np.ndarray, classes: int, model: str):
        self.weights, self.bias, self.present, self.classes, self.model = weights, bias, present, classes, model

    def probabilities(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""
        logits = inputs @ self.weights.T + self.bias
        odds = np.exp(logits - logits.max(1, keepdims=True))
        out = np.zeros((len(inputs), self.classes), dtype=np.float32)
        out[:, self.present] = odds / odds.sum(1, keepdims=True)
        return out

    def features(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, width]: what the last layer works on, here the embeddings themselves."""
        return inputs

    def tensors(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in self.TENSORS}

    def save(self, folder: Path) -> None:
        artifacts.save_tensors(folder / "model.safetensors", self.tensors(), save_file)
        artifacts.save_json(folder / "classifier.json", {"trainer": KIND, "classes": self.classes, "model": self.model})

    @classmethod
    def load(cls, folder: Path, about: dict, embed: Any) -> "ProbeModel":
        """Raises Refused where the pipeline's embeddings are another encoder's than those it was fitted on."""
        if about["model"] != embed.model:
            raise Refused(f"{folder} was fitted on vectors of {about['model']}, not of {embed.model}; {artifacts.MEND}")
        tensors = artifacts.load_tensors(folder / "model.safetensors", load_file)
        return cls(*(tensors[name] for name in cls.TENSORS), about["classes"], about["model"])
