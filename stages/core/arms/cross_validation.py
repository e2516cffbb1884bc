"""Labelled rows judged by models that did not see them, and how good a model seems where there is no holdout."""

import warnings

import numpy as np

from stages.core import task
from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.rows import measures
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
    if (task.codes(paid.of(rows)) >= 0).sum() < LEAST_ROWS:
        return None
    probabilities, actual = by_folds(fitter, rows, paid, FOLDS, seed, f"cross-validation, seed {seed}")
    return round(measures.accuracy(probabilities, actual), 4) if len(actual) else None


def by_folds(fitter: Fitter, rows: np.ndarray, paid: Labels, folds: int, seed: int, title: str) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [rows, classes] probabilities, labels [rows]): every row with a class, by a model of the other folds.

    rows    int64 [rows]   of pool.jsonl, with labels from `paid`
    folds   number of models to train; fewer where even the largest class has fewer rows

    Rows come in the order of the folds; there are none if all have one class, or no class has two rows.
    """
    from sklearn.model_selection import StratifiedKFold

    values = paid.of(rows)
    known, kind = task.codes(values) >= 0, task.of(values)
    rows, values = rows[known], values[known]
    strata = kind.main(values)
    most = np.bincount(strata, minlength=1).max()
    if most < 2 or most == len(rows):
        return np.empty((0, fitter.classes), np.float32), values[:0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)
        splits = list(StratifiedKFold(min(folds, int(most)), shuffle=True, random_state=seed).split(rows, strata))

    def judged(train: np.ndarray, validation: np.ndarray) -> np.ndarray:
        if len(np.unique(strata[train])) > 1:
            return fitter.fit(rows[train], paid, seed, title).probabilities(rows[validation])
        return np.tile(kind.indicator(values[train[0]], fitter.classes), (len(validation), 1))  # there is nothing to learn

    probabilities = fitter.each(judged, *zip(*splits))
    return np.concatenate(probabilities), values[np.concatenate([validation for _, validation in splits])]
