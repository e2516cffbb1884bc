"""Combine vectors of several layers, float [rows, layers, width]: how much the last layer counts.

Vectors of one layer, float [rows, width], pass through.

The last layer of a sentence encoder separates classes best where they are shades of meaning (the intents of a bank's
customers), the layers below where they are kinds of text (a question, spam). Every fit decides by its labelled rows: the
weight with the least squared error of ridge regression on the classes when each row is left out in turn. One decomposition
leaves out all rows (Rifkin & Lippert 2007, "Notes on Regularized Least Squares", section 4). Classes of a single row are allowed.
"""

import math

import numpy as np

WEIGHTS = (1.0, 2.0, 4.0, 8.0)  # of the last layer; at 8 the other layers hardly count
PENALTIES = np.logspace(-4, 1, 11)  # ridge, as shares of the largest eigenvalue
MOST_ROWS = 500  # labelled rows to decide by: time grows with their cube


def weighted(vectors: np.ndarray, last: float) -> np.ndarray:
    """float32 [rows, layers * width]: the layers side by side, the last one times `last`."""
    if vectors.ndim == 2:
        return np.asarray(vectors, np.float32)
    scaled = np.array(vectors, np.float32)
    scaled[:, -1] *= last
    return scaled.reshape(len(scaled), math.prod(vectors.shape[1:]))


def weight_of_last(vectors: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> float:
    """One of WEIGHTS; 1 for vectors of one layer. labels int64 [rows]: class numbers"""
    if vectors.ndim == 2:
        return 1.0
    rows = np.arange(len(labels)) if len(labels) <= MOST_ROWS else np.sort(rng.permutation(len(labels))[:MOST_ROWS])
    _, number = np.unique(labels[rows], return_inverse=True)
    return best_last(vectors[rows], np.eye(number.max() + 1)[number])


def best_last(vectors: np.ndarray, targets: np.ndarray) -> float:
    """One of WEIGHTS; 1 for vectors of one layer. targets float64 [rows, classes]: 1 where a row has the class"""
    if vectors.ndim == 2:
        return 1.0
    below, last = (part.astype(np.float64) @ part.T for part in (vectors[:, :-1].reshape(len(vectors), -1), vectors[:, -1]))
    errors = [left_out_error(below + weight**2 * last, targets) for weight in WEIGHTS]
    return WEIGHTS[int(np.argmin(errors))]


def left_out_error(kernel: np.ndarray, targets: np.ndarray) -> float:
    """Mean squared leave-one-out error of kernel ridge regression, at the best of PENALTIES.

    kernel    float64 [rows, rows]      inner products of the rows' vectors
    targets   float64 [rows, classes]
    """
    rows = len(kernel)
    centre = np.eye(rows) - 1 / rows  # an intercept without penalty
    values, axes = np.linalg.eigh(centre @ kernel @ centre)
    values = values.clip(0)
    if values[-1] <= 1e-9 * np.trace(kernel):  # all rows are equal
        return np.inf
    along = axes.T @ (targets - targets.mean(0))
    errors = []
    for penalty in PENALTIES * values[-1]:
        share = values / (values + penalty)
        fitted = targets.mean(0) + axes @ (share[:, None] * along)
        leverage = 1 / rows + axes**2 @ share
        errors.append((((targets - fitted) / np.maximum(1 - leverage, 1e-9)[:, None]) ** 2).sum(1).mean())
    return float(min(errors))
