"""Logistic regression on vectors, its regularisation chosen on the labelled rows.

The choice matters: with a fixed weak regularisation random rows look worse than they are, and any way of
selecting looks three times as good against them.
"""

import reprlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from stages.core.base import artifacts, bars
from stages.core.base.errors import Refused
from stages.core.space.layers import weight_of_last, weighted

STRENGTHS = np.logspace(-2, 2, 9)  # C of scikit-learn: inverse strength of the L2 penalty
# C is chosen on so many rows and axes at most, and to a tolerance that tells strengths apart; the fit itself has all.
# On four data sets it was the same C, or one as good, in half to a fifth of the time.
SEARCH_ROWS, SEARCH_AXES, SEARCH_TOLERANCE = 5_000, 256, 1e-3
# A fit has so many rows at most, since all layers of more would not fit into memory: only train_full labels as many.
FIT_ROWS = 200_000
AT_ONCE = 65_536  # rows
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
        """float32 [rows, classes], each row summing to 1. vectors float [rows, width] or [rows, layers, width]."""
        out = np.zeros((len(vectors), self.classes), dtype=np.float32)
        for start in range(0, len(vectors), AT_ONCE):  # float16 is multiplied as float32, which is not made of all at once
            logits = weighted(vectors[start : start + AT_ONCE], 1) @ self.weights.T + self.bias
            odds = np.exp(logits - logits.max(1, keepdims=True))
            out[start : start + AT_ONCE, self.present] = odds / odds.sum(1, keepdims=True)
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


@dataclass(frozen=True)
class Choice:
    """What is chosen on the labelled rows before a regression is fitted.

    strength   C of scikit-learn: inverse strength of the L2 penalty
    last       weight of the last layer, as in layers.weight_of_last
    """

    strength: float
    last: float


def few_enough(labels: np.ndarray, least: int, seed: int) -> np.ndarray:
    """Which labelled rows to fit on, int64 indices into `labels`, ascending: all, or about FIT_ROWS drawn as in `drawn`."""
    return drawn(labels, FIT_ROWS, least, np.random.default_rng(seed))


def fit(vectors: np.ndarray, labels: np.ndarray, classes: int, folds: int, seed: int, title: str = "") -> Logistic:
    """Regression on labelled rows, as `choose` and `fitted` say."""
    return fitted(vectors, labels, classes, choose(vectors, labels, folds, seed, title=title))


def choose(vectors: np.ndarray, labels: np.ndarray, folds: int, seed: int, balanced: bool = False, title: str = "") -> Choice:
    """
    vectors    float [labelled, width] or [labelled, layers, width]
    labels     int64 [labelled]   class numbers
    folds      of the cross-validation that chooses C, the best of 9 by log-loss, on SEARCH_ROWS rows `drawn`, in the folds of
               `in_folds`. Where no class has two labelled rows nothing can be validated, and C is 1
    balanced   whether all classes weigh the same in it
    title      of the bar; none is shown without
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.metrics import log_loss, make_scorer

    rng = np.random.default_rng(seed)
    last = weight_of_last(vectors, labels, rng)
    rows = drawn(labels, SEARCH_ROWS, folds, rng)
    with quietly(), bars.bar(title, 0, "fits") as bar:
        splits = in_folds(labels[rows], folds, seed)
        if not splits or len(np.unique(labels)) == 1:
            return Choice(1.0, last)
        points = weighted(vectors[rows], last)
        bar.total = len(splits) * len(STRENGTHS)

        def counted(actual: np.ndarray, said: np.ndarray, labels: np.ndarray) -> float:
            """The log-loss, over all `labels`, which scikit-learn gives: a fold may lack some."""
            bar.update()
            return log_loss(actual, said, labels=labels)

        search = LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=splits,
            scoring=make_scorer(counted, greater_is_better=False, response_method="predict_proba"),
            class_weight="balanced" if balanced else None,
            tol=SEARCH_TOLERANCE,
            max_iter=1000,
            l1_ratios=(0,),
            use_legacy_attributes=False,
        )
        return Choice(float(search.fit(points @ _principal_axes(points, SEARCH_AXES), labels[rows]).C_), last)


def fitted(vectors: np.ndarray, labels: np.ndarray, classes: int, choice: Choice, weights: np.ndarray | None = None) -> Logistic:
    """
    vectors   float [rows, width] or [rows, layers, width]
    labels    int64 [rows]     class numbers; classes that are absent get probability 0
    weights   float [rows]     of each row's loss; all 1 where none are given
    """
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    if len(present) == 1:
        return Logistic(np.zeros((1, vectors[0].size), np.float32), np.zeros(1, np.float32), present, classes)
    points = weighted(vectors, choice.last)
    with quietly():
        # The best weights lie in the space that the rows span: where rows are few, the search takes a fraction of the time there.
        axes = _principal_axes(points, len(points)) if len(points) < points.shape[1] else None
        within = points if axes is None else points @ axes
        regression = LogisticRegression(C=choice.strength, max_iter=1000).fit(within, labels, weights)
    slopes, bias = regression.coef_ if axes is None else regression.coef_ @ axes.T, regression.intercept_
    if len(present) == 2:  # scikit-learn keeps one row for two classes
        slopes, bias = np.vstack([-slopes, slopes]) / 2, np.concatenate([-bias, bias]) / 2
    slopes = weighted(slopes.reshape(len(present), *vectors.shape[1:]), choice.last)  # for vectors as they are
    return Logistic(slopes, bias.astype(np.float32), present, classes)


def evened(labels: np.ndarray) -> np.ndarray:
    """float64 [rows]: weights that sum to the number of rows, and to the same in every class that is there."""
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(counts) * counts[number])


def _principal_axes(vectors: np.ndarray, most: int) -> np.ndarray:
    """float32 [width, axes]: orthonormal directions along which float32 [rows, width] extend most from zero, so many at most.

    By the inner products of rows or of columns, whichever are fewer, in a third of the time of a singular value decomposition.
    """
    wide = len(vectors) < vectors.shape[1]
    points = vectors.astype(np.float64)
    values, axes = np.linalg.eigh(points @ points.T if wide else points.T @ points)
    values, axes = values[::-1][:most], axes[:, ::-1][:, :most]
    kept = values > 1e-9 * values[0]  # of rows that are alike some have no length
    axes = points.T @ (axes[:, kept] / np.sqrt(values[kept])) if wide else axes[:, kept]
    return axes.astype(np.float32)


@contextmanager
def quietly() -> Iterator[None]:
    """One thread, since problems this small lose more to waiting threads than they gain; and no WARNINGS."""
    with threadpool_limits(1), warnings.catch_warnings():
        for message in WARNINGS:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield


def in_folds(labels: np.ndarray, most: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
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


def drawn(labels: np.ndarray, most: int, least: int, rng: np.random.Generator) -> np.ndarray:
    """Indices into `labels`, int64, ascending: all of them, or about `most` drawn at random.

    labels   int64 [rows]   class numbers
    least    every class keeps its share, but no fewer rows than this, or all that it has
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, at random within
    counts = np.unique(labels, return_counts=True)[1]
    kept = np.maximum(np.round(counts * most / len(labels)).astype(int), np.minimum(counts, least))
    return np.sort(np.concatenate([rows[:many] for rows, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)]))
