"""buckets: the open rows of every bucket that the model is least sure of."""

import numpy as np

from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest_by_bucket(pool.scores(rng), wanted)
