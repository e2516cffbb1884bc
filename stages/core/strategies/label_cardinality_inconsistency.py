"""label_cardinality_inconsistency: rows whose number of predicted labels is far from the mean of the labelled rows (Li & Guo 2013).

For texts with several labels: a row with far more or fewer labels than usual is one that the model has not understood.
"""

import numpy as np

from stages.core import task
from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: 0 where a row has as many labels as the mean."""
    task.refuse("the strategy ", "label_cardinality_inconsistency", pool.kind)
    rows = pool.with_class
    usual = pool.labels.of(rows).sum(1).mean() if len(rows) else 0.0
    return np.abs(pool.kind.predicted(pool.probabilities).sum(1) - usual).astype(np.float32)


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)
