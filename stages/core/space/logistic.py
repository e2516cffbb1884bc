"""Logistic regression on vectors, its regularisation chosen on the labelled rows.

The choice matters: with a fixed weak regularisation random rows look worse than they are, and any way of
selecting looks three times as good against them.
"""

import reprlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from stages.core.base import artifacts
from stages.core.base.errors import Refused

STRENGTHS = np.logspace(-3, 2, 11)  # C of scikit-learn: inverse strength of the L2 penalty
SEARCH_ROWS = 5_000  # of more rows C is chosen on so many: 55 fits. On banking77 it is the same as on all 9,993
# Of scikit-learn, about classes with few rows: here they are as expected.
WARNINGS = ("The least populated class in y has only", "The number of unique classes is greater than 50%")


@dataclass(frozen=True)
class Logistic:
    """
    weights   float32 [present, width]
    bias      float32 [present]
    present   int64 [present]   class number of each row of weights
    classes   number of classes
    """

    weights: np.ndarray
    bias: np.ndarray
    present: np.ndarray
    classes: int

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1. vectors float32 [rows, width]."""
        logits = vectors @ self.weights.T + self.bias
        odds = np.exp(logits - logits.max(1, keepdims=True))
        out = np.zeros((len(vectors), self.classes), dtype=np.float32)
        out[:, self.present] = odds / odds.sum(1, keepdims=True)
        return out

    def for_all_classes(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes]), of an absent class 0 and -infinity."""
        weights = np.zeros((self.classes, self.weights.shape[1]), np.float32)
        bias = np.full(self.classes, -np.inf, np.float32)
        weights[self.present], bias[self.present] = self.weights, self.bias
        return weights, bias

    def tensors(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias, "present": self.present}

    @classmethod
    def of(cls, tensors: dict[str, np.ndarray], file: Path, width: int, classes: int) -> "Logistic":
        """From what `tensors` gave, read from `file`.

        Raises Refused where they are not those of a regression on vectors of that width, for that many classes.
        """
        rows = tensors["present"].size if "present" in tensors else 0
        forms = {"weights": f"float32 [{rows}, {width}]", "bias": f"float32 [{rows}]", "present": f"int64 [{rows}]"}
        artifacts.refuse_other_tensors(file, tensors, forms)
        present = tensors["present"]
        if not rows or present[0] < 0 or present[-1] >= classes or (np.diff(present) <= 0).any():
            found = reprlib.repr(present.tolist())
            raise Refused(f"{file}: present = {found}, expected rising numbers below {classes}; {artifacts.MEND}")
        return cls(**tensors, classes=classes)


def fit(vectors: np.ndarray, labels: np.ndarray, classes: int, folds: int, seed: int) -> Logistic:
    """
    vectors   float32 [labelled, width]
    labels    int64 [labelled]   class numbers; classes that are absent get probability 0
    folds     of the cross-validation that chooses C, the best of 11 by log-loss, on the rows of `_searched` in the folds of
              `_folds`. Where no class has two labelled rows nothing can be validated, and C is 1
    """
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    present = np.unique(labels)
    if len(present) == 1:
        return Logistic(np.zeros((1, vectors.shape[1]), np.float32), np.zeros(1, np.float32), present, classes)
    learner = LogisticRegression(max_iter=1000)
    rows = _searched(labels, folds, np.random.default_rng(seed))
    # One thread: problems this small lose more to waiting threads than they gain.
    with threadpool_limits(1), warnings.catch_warnings():
        for message in WARNINGS:
            warnings.filterwarnings("ignore", message, UserWarning)
        if splits := _folds(labels[rows], folds, seed):
            search = LogisticRegressionCV(
                Cs=STRENGTHS,
                cv=splits,
                scoring="neg_log_loss",  # over all classes present, as scikit-learn sees to, though a fold may lack some
                tol=1e-3,  # near enough to tell strengths apart, in two thirds of the time; the fit itself goes on to 1e-4
                max_iter=1000,
                l1_ratios=(0,),
                use_legacy_attributes=False,
            )
            # Not its own fit, which stops elsewhere than one from the start.
            learner.C = search.fit(vectors[rows], labels[rows]).C_
        learner.fit(vectors, labels)
    weights, bias = learner.coef_, learner.intercept_
    if len(present) == 2:  # scikit-learn keeps one row for two classes
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Logistic(weights.astype(np.float32), bias.astype(np.float32), present, classes)


def _folds(labels: np.ndarray, most: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(int64 [trained on], int64 [validated]) indices into `labels`, one pair a fold; none where no class has two rows.

    labels   int64 [rows]   class numbers
    most     number of folds; fewer where even the largest class has fewer rows

    Stratified and seeded. Every training part bears every class: rows of one class are dealt out to different folds, and a
    row that is alone in its class is trained on in all folds and validated in none.
    """
    from sklearn.model_selection import StratifiedKFold

    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() < 2:
        return []
    shared, alone = np.flatnonzero(counts[number] > 1), np.flatnonzero(counts[number] == 1)
    splitter = StratifiedKFold(min(most, counts.max()), shuffle=True, random_state=seed)
    splits = splitter.split(shared, labels[shared])
    return [(np.sort(np.concatenate([shared[train], alone])), shared[validation]) for train, validation in splits]


def _searched(labels: np.ndarray, least: int, rng: np.random.Generator) -> np.ndarray:
    """Indices into `labels` on which C is chosen, int64, ascending: all of them, or about SEARCH_ROWS drawn at random.

    labels   int64 [rows]   class numbers
    least    every class keeps its share, but no fewer rows than this, or all that it has
    """
    if len(labels) <= SEARCH_ROWS:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, at random within
    counts = np.unique(labels, return_counts=True)[1]
    kept = np.maximum(np.round(counts * SEARCH_ROWS / len(labels)).astype(int), np.minimum(counts, least))
    return np.sort(np.concatenate([rows[:many] for rows, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)]))
