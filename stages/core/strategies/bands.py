"""bands: sort open rows by how unsure the model is, cut them into as many bands as there are buckets, draw equally from each."""

import numpy as np

from stages.core.space.selection import apportion, ranked
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    bands = np.array_split(ranked(pool.scores(rng), pool.order), len(pool.shares))
    counts = apportion(wanted, np.ones(len(bands)), np.array([len(band) for band in bands]))
    return np.concatenate([rng.permutation(band)[:rows] for band, rows in zip(bands, counts)])
