"""Labelled rows judged by models that did not see them, and how good a model seems where there is no holdout."""

import warnings

import numpy as np

from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.rows.labels import Labels

FOLDS = 5
LEAST_ROWS = 10  # with fewer rows the folds say nothing


def without_holdout(
    fitter: Fitter, fitted: FittedModel, rows: np.ndarray, paid: Labels, seed: int
) -> tuple[np.ndarray, float, float | None]:
    """(int16 [pool] predicted classes, mean highest probability on open rows, cross-validated accuracy or None).

    rows   int64 [rows]   that `fitted` was trained on, with labels from `paid`
    """
    probabilities = fitted.probabilities(np.arange(len(fitted.pool)))
    open_rows = np.setdiff1d(np.arange(len(probabilities)), rows)
    sure = probabilities[open_rows if len(open_rows) else rows].max(1).mean()
    return probabilities.argmax(1).astype(np.int16), round(float(sure), 4), cross_validated(fitter, rows, paid, seed)


def cross_validated(fitter: Fitter, rows: np.ndarray, paid: Labels, seed: int) -> float | None:
    """Accuracy on labelled rows by models that did not see them; None where rows are too few or have one class."""
    if (paid.of(rows) >= 0).sum() < LEAST_ROWS:
        return None
    probabilities, actual = by_folds(fitter, rows, paid, FOLDS, seed, f"cross-validation, seed {seed}")
    return round(float((probabilities.argmax(1) == actual).mean()), 4) if len(actual) else None


def by_folds(fitter: Fitter, rows: np.ndarray, paid: Labels, folds: int, seed: int, title: str) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [rows, classes] probabilities, int64 [rows] labels): every row with a class, by a model of the other folds.

    rows    int64 [rows]   of pool.jsonl, with labels from `paid`
    folds   number of models to train; fewer where even the largest class has fewer rows

    Rows come in the order of the folds; there are none if all have one class, or no class has two rows.
    """
    from sklearn.model_selection import StratifiedKFold

    values = paid.of(rows)
    rows, values = rows[values >= 0], values[values >= 0]
    most = np.bincount(values, minlength=1).max()
    if most < 2 or most == len(rows):
        return np.empty((0, fitter.classes), np.float32), values[:0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)
        splits = list(StratifiedKFold(min(folds, int(most)), shuffle=True, random_state=seed).split(rows, values))
    probabilities = []
    for train, validation in splits:
        if len(present := np.unique(values[train])) > 1:
            probabilities.append(fitter.fit(rows[train], paid, seed, title).probabilities(rows[validation]))
        else:  # there is nothing to learn
            probabilities.append(np.tile(np.eye(fitter.classes, dtype=np.float32)[present[0]], (len(validation), 1)))
    return np.concatenate(probabilities), values[np.concatenate([validation for _, validation in splits])]
