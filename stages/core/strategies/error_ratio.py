"""error_ratio: rows drawn by predicted class, more of a class that the model misses more.

A share of the labelled rows (strategies.held_back) is held back from a model that is trained on the others, and its errors
there are counted by true class: with two classes false negatives against false positives. The rows to label are shared among
the classes in that proportion, equally where nothing is wrong, and drawn at random from the open rows that the arm's own
model takes for that class. The holdout is never asked.
"""

import numpy as np

from stages.core.base.errors import Refused
from stages.core.space.selection import apportion, random_by_group
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    predicted = pool.probabilities[pool.open_rows].argmax(1)
    shuffled = rng.permutation(pool.labelled)
    if len(shuffled) < 2:
        raise Refused(
            f"params.yaml: strategies.held_back = {pool.options.held_back}: of {len(shuffled)} labelled row none can be held "
            f"back, and both sides need one; raise select_stage1.n"
        )
    most = len(shuffled) - 1  # one at least is trained on
    held, rest = np.split(shuffled, [min(most, max(1, round(pool.options.held_back * len(shuffled))))])
    actual, said = pool.labels.of(held), pool.fit(rest, rng).probabilities(held).argmax(1)
    missed = np.bincount(actual[said != actual], minlength=pool.classes)
    weights = missed if missed.any() else np.ones(pool.classes)
    counts = apportion(wanted, weights, np.bincount(predicted, minlength=pool.classes))
    return random_by_group(pool.open_rows, predicted, counts, rng)
