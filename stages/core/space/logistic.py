"""Logistic regression on vectors: fit, predict, save. logistic_cv.py chooses how strongly to regularise."""

import reprlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from stages.core import task
from stages.core.base import artifacts, tensor_files
from stages.core.base.errors import Refused
from stages.core.space.layers import weighted

AT_ONCE = 65_536  # rows
# By scikit-learn, about classes with few rows, which are normal here.
WARNINGS = ("The least populated class in y has only", "The number of unique classes is greater than 50%")


@dataclass(frozen=True)
class Logistic:
    weights: np.ndarray  # float32 [present, width]
    bias: np.ndarray  # float32 [present]
    present: np.ndarray  # int64 [present]: class number of each row of weights
    classes: int
    kind: task.Task = task.SINGLE  # what its logits mean

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """float32 [rows, classes], as Task.says. vectors float [rows, width] or [rows, layers, width]."""
        out = np.zeros((len(vectors), self.classes), dtype=np.float32)
        for start in range(0, len(vectors), AT_ONCE):  # never all float16 vectors as float32 at once
            logits = weighted(vectors[start : start + AT_ONCE], 1) @ self.weights.T + self.bias
            out[start : start + AT_ONCE, self.present] = self.kind.says(logits)
        return out

    def for_all_classes(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes]); 0 and -infinity for an absent class."""
        weights = np.zeros((self.classes, self.weights.shape[1]), np.float32)
        bias = np.full(self.classes, -np.inf, np.float32)
        weights[self.present], bias[self.present] = self.weights, self.bias
        return weights, bias

    def tensors(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias, "present": self.present}

    @classmethod
    def of(cls, tensors: dict[str, np.ndarray], file: Path, width: int, classes: int, kind: task.Task = task.SINGLE) -> "Logistic":
        """From what `tensors` gave, read from `file`. Raises Refused unless it is a regression of this width and these classes."""
        rows = tensors["present"].size if "present" in tensors else 0
        forms = {"weights": f"float32 [{rows}, {width}]", "bias": f"float32 [{rows}]", "present": f"int64 [{rows}]"}
        tensor_files.check_forms(file, tensors, forms)
        present = tensors["present"]
        if not rows or present[0] < 0 or present[-1] >= classes or (np.diff(present) <= 0).any():
            found = reprlib.repr(present.tolist())
            raise Refused(f"{file}: present = {found}, expected rising numbers below {classes}; {artifacts.MEND}")
        return cls(**tensors, classes=classes, kind=kind)


@dataclass(frozen=True)
class Choice:
    """Hyperparameters, chosen on the labelled rows before a regression is fitted."""

    strength: float  # C of scikit-learn: inverse strength of the L2 penalty
    last: float  # weight of the last layer, as from layers.weight_of_last


def fitted(vectors: np.ndarray, labels: np.ndarray, classes: int, choice: Choice, weights: np.ndarray | None = None) -> Logistic:
    """A regression, for vectors as they are (not weighted).

    vectors   float [rows, width] or [rows, layers, width]
    labels    int64 [rows]     class numbers; absent classes get probability 0
    weights   float [rows]     of each row's loss; None for all 1
    """
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    if len(present) == 1:
        return Logistic(np.zeros((1, vectors[0].size), np.float32), np.zeros(1, np.float32), present, classes)
    points = weighted(vectors, choice.last)
    with quietly():
        # The best slopes lie in the space that the rows span; with few rows the search there takes a fraction of the time.
        axes = principal_axes(points, len(points)) if len(points) < points.shape[1] else None
        within = points if axes is None else points @ axes
        regression = LogisticRegression(C=choice.strength, max_iter=1000).fit(within, labels, weights)
    slopes, bias = regression.coef_ if axes is None else regression.coef_ @ axes.T, regression.intercept_
    if len(present) == 2:  # scikit-learn gives one row for two classes
        slopes, bias = np.vstack([-slopes, slopes]) / 2, np.concatenate([-bias, bias]) / 2
    slopes = weighted(slopes.reshape(len(present), *vectors.shape[1:]), choice.last)
    return Logistic(slopes, bias.astype(np.float32), present, classes)


def row_weights(labels: np.ndarray, class_weight: str) -> np.ndarray | None:
    """As Task.evened, or None where all rows weigh the same.

    labels         those of the labelled rows
    class_weight   of params train: even, none, or auto, which is even where these rows' classes are uneven
    """
    kind = task.of(labels)
    return kind.evened(labels) if class_weight == "even" or (class_weight == "auto" and kind.uneven(labels)) else None


def evened(labels: np.ndarray) -> np.ndarray:
    """float64 [rows]: weights that sum to the number of rows, and to the same in every present class."""
    return task.SINGLE.evened(labels)


def principal_axes(vectors: np.ndarray, most: int) -> np.ndarray:
    """float32 [width, axes]: at most `most` orthonormal directions in which vectors, float32 [rows, width], extend most from 0.

    From the inner products of rows or of columns, whichever are fewer: a third of the time of a singular value decomposition.
    """
    wide = len(vectors) < vectors.shape[1]
    points = vectors.astype(np.float64)
    values, axes = np.linalg.eigh(points @ points.T if wide else points.T @ points)
    values, axes = values[::-1][:most], axes[:, ::-1][:, :most]
    kept = values > 1e-9 * values[0]  # linearly dependent rows leave axes without length
    axes = points.T @ (axes[:, kept] / np.sqrt(values[kept])) if wide else axes[:, kept]
    return axes.astype(np.float32)


@contextmanager
def quietly() -> Iterator[None]:
    """Without WARNINGS, and on one thread: problems this small lose more to waiting threads than they gain."""
    with threadpool_limits(1), warnings.catch_warnings():
        for message in WARNINGS:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield
