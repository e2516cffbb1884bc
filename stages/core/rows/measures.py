"""Measures of a classifier on the holdout, the same for every arm."""

import numpy as np

from stages.core import task


def accuracy(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Share of rows that are right, in full. probabilities float32 [rows, classes], actual labels [rows]."""
    kind = task.of(actual)
    return float(kind.same(kind.predicted(probabilities), actual).mean())


def macro_f1(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Mean of 2 TP / (2 TP + FP + FN) over the classes that occur or are predicted; arguments as in `accuracy`."""
    kind = task.of(actual)
    return kind.macro_f1(kind.predicted(probabilities), actual)


def by_row(name: str, predicted: np.ndarray, actual: np.ndarray, classes: int) -> np.ndarray:
    """float64 [..., rows]: what each row contributes to accuracy or macro_f1; the mean over the rows is the measure.

    predicted   labels [..., rows], of one model or of many
    actual      labels [rows]

    Accuracy is a mean as it is. Of macro F1 a row contributes the measure plus the row's influence on it (Efron & Tibshirani 1993,
    "An Introduction to the Bootstrap", section 21.3), so that what holds for means holds for both.
    """
    kind = task.of(actual)
    if name == "accuracy":
        return kind.same(predicted, actual).astype(float)
    total, present = 0.0, 0
    for number in range(classes):
        named, so = kind.has(predicted, number), kind.has(actual, number)
        both, either = 2.0 * (named & so), 1.0 * named + so  # F1 is the ratio of their means
        share = either.mean(-1, keepdims=True)
        scale = np.maximum(share, 1 / either.shape[-1])  # of a class neither there nor named all is 0
        f1 = both.mean(-1, keepdims=True) / scale
        total = total + f1 + (both - f1 * either) / scale
        present = present + (share > 0)
    return total / present


def errors(predicted: np.ndarray, actual: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """int64 [classes] each: rows in which a class is missed, and in which it is wrongly given."""
    given, there = (task.of(actual).indicator(values, classes) > 0 for values in (predicted, actual))
    return (there & ~given).sum(0), (given & ~there).sum(0)


def chosen(name: str, actual: np.ndarray) -> str:
    """accuracy or macro_f1, for params report.measure.

    `auto` is macro_f1 where the rarest class has far less than its even share: accuracy can be high without it.

    actual   labels [holdout]
    """
    if name != "auto":
        return name
    return "macro_f1" if task.of(actual).uneven(actual) else "accuracy"


MEASURES = {"accuracy": accuracy, "macro_f1": macro_f1}
