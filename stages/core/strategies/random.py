"""random: rows drawn at random inside every bucket. (The arm called random draws them from the whole pool.)"""

import numpy as np

from stages.core.space.selection import random_by_group
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return random_by_group(pool.open_rows, pool.buckets[pool.open_rows], pool.by_bucket(wanted), rng)
