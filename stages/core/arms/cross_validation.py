"""How good a model seems where there is no holdout."""

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
    from sklearn.model_selection import StratifiedKFold

    values = paid.of(rows)
    rows, values = rows[values >= 0], values[values >= 0]
    classes, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    folds = min(FOLDS, counts.max(initial=0))
    if len(rows) < LEAST_ROWS or len(classes) < 2 or folds < 2:
        return None
    common = counts[number] >= folds
    shared, rare = np.flatnonzero(common), np.flatnonzero(~common)  # rows of rare classes are trained on in all folds
    right = 0
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(shared, values[shared]):
        trained_on = rows[np.sort(np.concatenate([shared[train], rare]))]
        fitted = fitter.fit(trained_on, paid, seed, f"cross-validation, seed {seed}")
        right += int((fitted.probabilities(rows[shared[test]]).argmax(1) == values[shared[test]]).sum())
    return round(right / len(shared), 4)
