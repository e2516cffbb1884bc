"""When models no longer change their mind, more labels change little: the rule `agreement` of params `sufficient`.

Bloodgood & Vijay-Shanker 2009, "A Method for Stopping Active Learning Based on Stabilizing Predictions and the Need for
User-Adjustable Stopping" (CoNLL), with the figures they found to hold: one stop set for all comparisons, the mean of the last
three, 0.99. At a kappa of k the F1 of two models differs by at most 4 (1 - k) / k (Bloodgood & Grothendieck 2013).
"""

import numpy as np

from stages.core.base import seeding

SAMPLE = 2_000  # rows of the stop set, theirs; a smaller pool is taken whole


def sample(pool_rows: int) -> np.ndarray:
    """int64 [SAMPLE]: rows of pool.jsonl on which all models of all stages and seeds are compared, labelled or not, ascending."""
    [rng] = seeding.rngs([0], "sufficient")
    return np.sort(rng.permutation(pool_rows)[:SAMPLE])


def kappa(before: np.ndarray, now: np.ndarray) -> float | None:
    """Cohen's kappa of two models; None where both name one class alone, for which it is undefined: they have learned nothing.

    before, now   int [rows]   predicted class
    """
    from sklearn.metrics import cohen_kappa_score

    if len(np.union1d(before, now)) == 1:
        return None
    return round(float(cohen_kappa_score(before, now)), 4)


def enough(kappas: list[list[float | None]], predicted: np.ndarray, classes: int, least: float, comparisons: int) -> bool:
    """Whether the mean of the last comparisons is `least` or more in every seed, and every class is predicted by now.

    kappas       one list a comparison, oldest first, with one number a seed
    predicted    int [seeds, pool]   class, by the models now
    comparisons  how many of the last are averaged; with fewer it is not enough

    One decision for all seeds: each keeps the same budget, and so seeds stay paired with those of the random arm.
    """
    last = kappas[-comparisons:]
    if len(last) < comparisons or any(None in comparison for comparison in last):
        return False
    if any(len(np.unique(row)) < classes for row in predicted):
        return False
    return bool((np.mean(last, axis=0).round(4) >= least).all())  # three times 0.99 is 0.99
