"""category_vector_inconsistency: rows close to many decisions, whose labels are unlike those that are known (Reyes et al. 2018).

For texts with several labels. The open rows are ranked by how close each label's decision is, and the ranks are averaged. The
labels that the model predicts for a row are compared with those of each labelled row, by the share of their joint entropy that
they do not have in common, and fully where all labels differ. The score is the product of both.
"""

import numpy as np

from stages.core import task
from stages.core.space.sigmoids import ranked
from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool], 0 to 1; the open rows are ranked among themselves."""
    task.refuse("the strategy ", "category_vector_inconsistency", pool.kind)
    rows, made = pool.open_in_order, np.zeros(len(pool.rows), np.float32)
    close = 1 - ranked(-np.abs(pool.probabilities[rows] - 0.5)).mean(1) / len(rows)
    sets, which = np.unique(pool.kind.predicted(pool.probabilities[rows]), axis=0, return_inverse=True)
    unlike = unlikeness(sets.astype(np.float32), pool.labels.of(pool.with_class).astype(np.float32)).mean(1)
    made[rows] = close * unlike[which.ravel()]
    return made


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)


def unlikeness(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float [some, others]: 1 where all differ, else variation of information over joint entropy. Both float32 [rows, classes]."""
    both, first, second, classes = some @ others.T, some.sum(1)[:, None], others.sum(1)[None], some.shape[1]
    joint = entropy(both, first - both, second - both, classes - first - second + both)
    alone = entropy(first, classes - first) + entropy(second, classes - second)
    return np.where(first + second - 2 * both == classes, 1.0, (2 * joint - alone) / np.maximum(joint, 1e-9))


def entropy(*counts: np.ndarray) -> np.ndarray:
    """Of the shares of counts."""
    shares = np.stack(counts) / sum(counts)
    return -(shares * np.log(np.maximum(shares, 1e-9))).sum(0)
