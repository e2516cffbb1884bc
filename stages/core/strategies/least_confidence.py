"""least_confidence: rows whose likeliest class is least likely (Settles 2009, section 3.1)."""

import numpy as np

from stages.core import task
from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: the likeliest class's probability, negated: -1 where the model is certain."""
    return -task.sureness(pool.kind, pool.probabilities)


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)
