"""What a model says of itself where no row is held out to measure it by."""

import numpy as np

from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.rows.labels import Labels

FOLDS = 5
LEAST_ROWS = 10  # of fewer, folds say nothing


def of(fitter: Fitter, fitted: FittedModel, rows: np.ndarray, paid: Labels, seed: int) -> tuple[np.ndarray, float, float | None]:
    """(class that it predicts for every row of the pool int16 [pool], mean highest probability on rows that are not labelled,
    cross-validated accuracy on those that are or None).

    rows   int64 [rows]   that it was trained on, with labels `paid`
    """
    said = fitted.probabilities(np.arange(len(fitted.pool)))
    others = np.setdiff1d(np.arange(len(said)), rows)
    sure = said[others if len(others) else rows].max(1).mean()
    return said.argmax(1).astype(np.int16), round(float(sure), 4), cross_validated(fitter, rows, paid, seed)


def cross_validated(fitter: Fitter, rows: np.ndarray, paid: Labels, seed: int) -> float | None:
    """Accuracy on labelled rows by models that did not see them; None where they are too few, or of one class."""
    from sklearn.model_selection import StratifiedKFold

    values = paid.of(rows)
    rows, values = rows[values >= 0], values[values >= 0]
    counts = np.unique(values, return_counts=True)[1]
    folds = min(FOLDS, counts.max(initial=0))
    if len(rows) < LEAST_ROWS or len(counts) < 2 or folds < 2:
        return None
    right = 0
    shared = np.flatnonzero(np.isin(values, np.unique(values)[counts >= folds]))
    if not len(shared):
        return None
    alone = np.setdiff1d(np.arange(len(rows)), shared)  # rows of classes too rare for the folds are trained on in all
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(shared, values[shared]):
        title = f"cross-validation, seed {seed}"
        fitted = fitter.fit(rows[np.sort(np.concatenate([shared[train], alone]))], paid, seed, title)
        right += int((fitted.probabilities(rows[shared[test]]).argmax(1) == values[shared[test]]).sum())
    return round(right / len(shared), 4)
