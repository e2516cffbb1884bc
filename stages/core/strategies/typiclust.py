"""typiclust: the most typical row of each large cluster that has no labelled row yet (Hacohen et al. 2022, section 3.2)."""

import numpy as np

from stages.core.space import geometry, typicality
from stages.core.strategies import PoolState


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return typicality.most_typical(geometry.unit(pool.vectors), pool.labelled, wanted, rng)
