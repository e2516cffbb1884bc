"""error_ratio: rows drawn by predicted class, more of a class on which the model errs more.

A model is trained on the labelled rows without a share that is held back (strategies.held_back). Its errors on that share are
counted by true class; with two classes these are false negatives and false positives. Classes share the wanted rows in that
proportion, or equally where there is no error, or only one row with a class to count them on. They are drawn at random from the
open rows for which the arm's own model predicts the class. The holdout is never used.
"""

import numpy as np

from stages.core.rows.measures import errors
from stages.core.space.selection import apportion, random_by_group
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    predicted = pool.probabilities[pool.open_rows].argmax(1)
    shuffled, missed = rng.permutation(pool.with_class), np.zeros(pool.classes, int)
    if len(shuffled) > 1:
        share = round(pool.options.held_back * len(shuffled))
        held_back, rest = np.split(shuffled, [np.clip(share, 1, len(shuffled) - 1)])
        actual, found = pool.labels.of(held_back), pool.kind.predicted(pool.fit(rest, rng).probabilities(held_back))
        missed, _ = errors(found, actual, pool.classes)
    weights = missed if missed.any() else np.ones(pool.classes)
    counts = apportion(wanted, weights, np.bincount(predicted, minlength=pool.classes))
    return random_by_group(pool.open_rows, predicted, counts, rng)
