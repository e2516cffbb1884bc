"""The rule `agreement` of params `sufficient`: stop labelling once successive models predict the same.

Bloodgood & Vijay-Shanker 2009, "A Method for Stopping Active Learning Based on Stabilizing Predictions and the Need for
User-Adjustable Stopping" (CoNLL), with their settings: one stop set for all comparisons, the mean of the last three, 0.99. At
a kappa of k the F1 of two models differs by at most 4 (1 - k) / k (Bloodgood & Grothendieck 2013).
"""

import numpy as np

from stages.core.base import seeding

SAMPLE = 2_000  # rows of the stop set, as in the paper; a smaller pool is taken whole


def sample(pool_rows: int) -> np.ndarray:
    """int64 [SAMPLE]: the stop set, rows of pool.jsonl labelled or not, ascending; the same for all stages and seeds."""
    [rng] = seeding.rngs([0], "sufficient")
    return np.sort(rng.permutation(pool_rows)[:SAMPLE])


def kappa(before: np.ndarray, now: np.ndarray) -> float | None:
    """Cohen's kappa of two models' classes, int [rows]; None if both predict one class only: they have learned nothing."""
    from sklearn.metrics import cohen_kappa_score

    if len(np.union1d(before, now)) == 1:
        return None
    return round(float(cohen_kappa_score(before, now)), 4)


def enough(kappas: list[list[float | None]], predicted: np.ndarray, classes: int, least: float, comparisons: int) -> bool:
    """Whether in every seed the mean of the last kappas is `least` or more, and every class is predicted.

    kappas        one list a comparison, oldest first, with one number a seed
    predicted     int [seeds, pool]   classes, by the newest models
    comparisons   how many of the last kappas are averaged; fewer are not enough

    One decision for all seeds: they keep the same budget, and so stay paired with those of the random arm.
    """
    last = kappas[-comparisons:]
    if len(last) < comparisons or any(None in comparison for comparison in last):
        return False
    if any(len(np.unique(row)) < classes for row in predicted):
        return False
    return bool((np.mean(last, axis=0).round(4) >= least).all())  # three times 0.99 is 0.99
