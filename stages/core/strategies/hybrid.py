"""hybrid: half of the rows at random, then the rows that a seed model trained on them finds hardest.

Hardest means the smallest probability of the true class. An odd row goes to the random half.
"""

import numpy as np

from stages.core.strategies import PoolState

USES_POOL_LABELS = True


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    random_rows = rng.permutation(pool.rows)[: (wanted + 1) // 2]
    hardest = pool.highest(-pool.truth(random_rows, rng), wanted // 2)
    return np.concatenate([random_rows, hardest])
