"""high_confidence: the rows that a seed model finds easiest, by the probability of their true class.

The seed model is trained on as many random rows as are wanted, or as the pool has left; they are no candidates themselves.
"""

import numpy as np

from stages.core.strategies import PoolState

USES_POOL_LABELS = True


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    seed_rows = rng.permutation(pool.rows)[: min(wanted, len(pool.rows) - wanted)]
    return pool.highest(pool.truth(seed_rows, rng), wanted)
