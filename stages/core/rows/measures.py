"""Measures of a classifier on the holdout, the same for every arm."""

import numpy as np

UNEVEN = 0.5  # share of its even share below which the rarest class counts too little in accuracy


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


def chosen(name: str, actual: np.ndarray) -> str:
    """accuracy or macro_f1, for params report.measure.

    `auto` is macro_f1 where the rarest class of the holdout has far less than its even share: accuracy can then be high though
    the model never names it.

    actual   int64 [holdout]   class numbers
    """
    if name != "auto":
        return name
    if not len(actual):
        return "accuracy"
    counts = np.unique(actual, return_counts=True)[1]
    return "macro_f1" if counts.min() < UNEVEN * counts.mean() else "accuracy"


MEASURES = {"accuracy": accuracy, "macro_f1": macro_f1}


def entropy_bits(probabilities: np.ndarray) -> np.ndarray:
    """Shannon's entropy of each row in bits: 0 where one class is certain, log2(classes) where all are equal.

    probabilities   float32 [rows, classes]
    """
    from scipy.stats import entropy

    # 0 +: a certain class gives -0 otherwise.
    return (0 + entropy(probabilities, base=2, axis=1)).astype(np.float32)
