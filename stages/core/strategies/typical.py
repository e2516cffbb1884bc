"""typical: the most typical rows of every bucket, by TypiClust's rule inside each bucket (see space/typicality)."""

import numpy as np

from stages.core.space import geometry, typicality
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    picked = [np.empty(0, np.int64)]
    for bucket, rows_wanted in enumerate(pool.by_bucket(wanted)):
        if rows_wanted:
            rows = np.flatnonzero(pool.buckets == bucket)
            labelled = np.flatnonzero(np.isin(rows, pool.labelled))
            picked.append(rows[typicality.most_typical(geometry.unit(pool.vectors[rows]), labelled, int(rows_wanted), rng)])
    return np.concatenate(picked)
