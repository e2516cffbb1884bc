"""Measures of a classifier on the holdout, the same for every arm."""

import numpy as np


def accuracy(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Share of rows whose likeliest class is right. probabilities float32 [rows, classes], actual int64 [rows]."""
    return float((probabilities.argmax(1) == actual).mean())


def confusion(probabilities: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """int64 [classes, classes]: rows of class i (first axis) taken for class j (second axis)."""
    classes = probabilities.shape[1]
    return np.bincount(actual * classes + probabilities.argmax(1), minlength=classes**2).reshape(classes, classes)


def macro_f1(counts: np.ndarray) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN); a class that is neither there nor predicted counts 0.

    counts   int64 [classes, classes]   as from `confusion`
    """
    right = np.diag(counts)
    all_named = counts.sum(0) + counts.sum(1)
    return float(np.divide(2 * right, all_named, out=np.zeros(len(counts)), where=all_named > 0).mean())


def entropy_bits(probabilities: np.ndarray) -> np.ndarray:
    """Shannon's entropy of each row in bits: 0 where one class is certain, log2(classes) where all are equal.

    probabilities   float32 [rows, classes]
    """
    logs = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    # 0 - sum, not -sum: a certain row has 0 bits, never -0.
    return (0 - (probabilities * logs).sum(1)).astype(np.float32)
