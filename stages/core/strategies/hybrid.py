"""hybrid: half of the rows at random, a seed model trained on them, then the rows that it finds hardest.

Hardest is the smallest probability of the true class. Of an odd number the random half gets the odd row.
"""

import numpy as np

from stages.core.strategies import PoolState

USES_POOL_LABELS = True


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    random_rows = rng.permutation(pool.rows)[: (wanted + 1) // 2]
    hardest = pool.highest(-pool.truth(random_rows, rng), wanted // 2)
    return np.concatenate([random_rows, hardest])
