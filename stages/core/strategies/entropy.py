"""entropy: rows whose predicted probabilities are most even, whatever their bucket (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool], bits: 0 where the model is certain, log2(classes) where all classes are equally likely."""
    return pool.kind.entropy(pool.probabilities)


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)
