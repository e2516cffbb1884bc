"""high_confidence: the easiest rows, by the probability that a seed model gives their true class.

The seed model is trained on as many random rows as are wanted, or as the pool has left. They cannot be picked.
"""

import numpy as np

from stages.core.strategies import PoolState

USES_POOL_LABELS = True


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    seed_rows = rng.permutation(pool.rows)[: min(wanted, len(pool.rows) - wanted)]
    return pool.highest(pool.truth(seed_rows, rng), wanted)
