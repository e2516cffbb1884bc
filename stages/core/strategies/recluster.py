"""recluster: ten times as many unsure rows as wanted, in one cluster for each wanted row; of each the row nearest to its centre.

Uncertainty selects candidates and diversity picks from them, as in Zhdanov 2019 ("Diverse mini-batch Active Learning"), without
his weights. The least sure come first.
"""

import numpy as np

from stages.core.space import geometry
from stages.core.space.diversity import central_of_clusters
from stages.core.space.selection import ranked
from stages.core.strategies import PoolState

CANDIDATES_A_ROW = 10


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    candidates = ranked(pool.scores(rng), pool.order)[: wanted * CANDIDATES_A_ROW]
    points = geometry.unit(pool.vectors[candidates])
    exact_rows = len(points) if wanted <= geometry.MOST_CLUSTERS else None
    return candidates[np.sort(central_of_clusters(points, wanted, rng, exact_rows))]
