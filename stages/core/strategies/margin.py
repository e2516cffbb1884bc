"""margin: rows whose two likeliest classes are closest in probability (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: probability of the second likeliest class minus that of the likeliest, -1 to 0."""
    return pool.kind.margin(pool.probabilities)


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)
