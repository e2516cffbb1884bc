"""Measures of a classifier on the holdout, the same for every arm."""

import numpy as np

from stages.core.base.class_shares import uneven


def accuracy(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Share of rows whose likeliest class is right. probabilities float32 [rows, classes], actual int64 [rows]."""
    return float((probabilities.argmax(1) == actual).mean())


def confusion(probabilities: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """int64 [classes, classes]: rows of class i (first axis) predicted as class j (second axis)."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(actual, probabilities.argmax(1), labels=range(probabilities.shape[1]))


def macro_f1(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Mean of 2 TP / (2 TP + FP + FN) over the classes that occur or are predicted; arguments as in `accuracy`."""
    from sklearn.metrics import f1_score

    return float(f1_score(actual, probabilities.argmax(1), average="macro"))


def by_row(name: str, predicted: np.ndarray, actual: np.ndarray, classes: int) -> np.ndarray:
    """float64 [..., rows]: what each row contributes to accuracy or macro_f1; the mean over the rows is the measure.

    predicted   int [..., rows]   class numbers, of one model or of many
    actual      int [rows]

    Accuracy is a mean as it is. Of macro F1 a row contributes the measure plus the row's influence on it (Efron & Tibshirani 1993,
    "An Introduction to the Bootstrap", section 21.3), so that what holds for means holds for both.
    """
    if name == "accuracy":
        return (predicted == actual).astype(float)
    total, present = np.zeros(predicted.shape), 0
    for number in range(classes):
        named, so = predicted == number, actual == number
        both, either = 2.0 * (named & so), 1.0 * named + so  # F1 is the ratio of their means
        share = either.mean(-1, keepdims=True)
        scale = np.maximum(share, 1 / either.shape[-1])  # of a class neither there nor named all is 0
        f1 = both.mean(-1, keepdims=True) / scale
        total += f1 + (both - f1 * either) / scale
        present = present + (share > 0)
    return total / present


def chosen(name: str, actual: np.ndarray) -> str:
    """accuracy or macro_f1, for params report.measure.

    `auto` is macro_f1 where the rarest class has far less than its even share: accuracy can be high without it.

    actual   int64 [holdout]   class numbers
    """
    if name != "auto":
        return name
    return "macro_f1" if uneven(actual) else "accuracy"


MEASURES = {"accuracy": accuracy, "macro_f1": macro_f1}


def entropy_bits(probabilities: np.ndarray) -> np.ndarray:
    """Shannon's entropy in bits of float32 [rows, classes]: 0 where one class is certain, log2(classes) where all are equal."""
    from scipy.stats import entropy

    # 0 +: a certain class gives -0 otherwise.
    return (0 + entropy(probabilities, base=2, axis=1)).astype(np.float32)
