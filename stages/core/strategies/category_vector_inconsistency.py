"""category_vector_inconsistency: rows close to many decisions, whose labels are unlike those that are known (Reyes et al. 2018).

For texts with several labels. The first part ranks the open rows by how close each label's decision is, and adds up the ranks. The
second compares the labels that the model predicts for a row with those of each labelled row: where they differ, by the share of
their joint entropy that they do not have in common, and fully where all labels differ. The score is the product.
"""

import numpy as np

from stages.core import task
from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool], 0 to 1; the open rows are ranked among themselves."""
    task.refuse("the strategy ", "category_vector_inconsistency", pool.kind)
    said, made = pool.probabilities, np.zeros(len(pool.rows), np.float32)
    rows = pool.open_in_order
    ranks = np.argsort(np.argsort(np.abs(said[rows] - 0.5), axis=0, kind="stable"), axis=0, kind="stable")
    sets, which = np.unique(pool.kind.predicted(said[rows]), axis=0, return_inverse=True)
    unlike = unlikeness(sets.astype(np.float32), pool.labels.of(pool.with_class).astype(np.float32)).mean(1)
    made[rows] = (1 - ranks.mean(1) / len(rows)) * unlike[which.ravel()]
    return made


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)


def unlikeness(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float [some, others]: 1 where all labels differ, else the variation of information over the joint entropy.

    some, others   float32 [rows, classes]   1 for each label
    """
    both = some @ others.T
    first, second = some.sum(1)[:, None], others.sum(1)
    classes = some.shape[1]
    cells = np.stack([both, first - both, second - both, classes - first - second + both])
    joint = entropy(cells / classes)
    alone = sum(entropy(np.stack([count, classes - count]) / classes) for count in (first, second[None]))
    return np.where(cells[1] + cells[2] == classes, 1.0, (2 * joint - alone) / np.maximum(joint, 1e-9))


def entropy(shares: np.ndarray) -> np.ndarray:
    """Of shares along the first axis."""
    return -(shares * np.log(np.maximum(shares, 1e-9))).sum(0)
