"""kmeans_diversity: one cluster of open rows for each wanted row; of each the row nearest to its centre.

The diversity of Zhdanov 2019 ("Diverse mini-batch Active Learning") without his uncertainty. Embeddings are projected at random
to 32 dimensions, which roughly keeps distances (Johnson & Lindenstrauss 1984) and makes clustering cheap. Where more than
geometry.MOST_CLUSTERS rows are wanted, there are that many clusters and each gives several rows.
"""

import numpy as np
from sklearn.random_projection import GaussianRandomProjection

from stages.core.space.diversity import central_of_clusters
from stages.core.strategies import PoolState

DIMENSIONS = 32


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    rows = pool.open_in_order  # its first row wins among rows equally near to a centre
    points = np.asarray(pool.vectors[rows])
    if points.shape[1] > DIMENSIONS:
        projection = GaussianRandomProjection(DIMENSIONS, random_state=int(rng.integers(2**31)))
        points = projection.fit_transform(points).astype(np.float32)
    return rows[central_of_clusters(points, wanted, rng)]
