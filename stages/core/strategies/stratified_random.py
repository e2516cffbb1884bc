"""stratified_random: rows drawn at random inside buckets, so that all labelled rows together follow the buckets' sizes."""

import numpy as np

from stages.core.space.selection import apportion, random_by_group
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    sizes = np.bincount(pool.buckets)
    labelled = np.bincount(pool.buckets[pool.labelled], minlength=len(sizes))
    in_proportion = apportion(len(pool.labelled) + wanted, sizes, sizes)
    # With a larger total a bucket's part can fall by one row (the Alabama paradox); apportion then scales `missing` down.
    missing = np.maximum(in_proportion - labelled, 0)
    counts = apportion(wanted, missing, sizes - labelled)
    return random_by_group(pool.open_rows, pool.buckets[pool.open_rows], counts, rng)
