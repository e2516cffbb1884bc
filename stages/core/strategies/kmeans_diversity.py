"""kmeans_diversity: as many clusters of open rows as rows are wanted; of each the row nearest to its centre.

Clusters of embeddings, as the diversity of Zhdanov 2019 ("Diverse mini-batch Active Learning") without his uncertainty, in a
random projection to 32 dimensions, where distances survive about (Johnson & Lindenstrauss 1984) and clustering is cheap.
Of more than geometry.MOST_CLUSTERS rows there are that many clusters, and each gives several.
"""

import numpy as np
from sklearn.random_projection import GaussianRandomProjection

from stages.core.space.diversity import central_of_clusters
from stages.core.strategies import PoolState

DIMENSIONS = 32


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    rows = pool.open_in_order  # of rows equally near to a centre the first is taken
    points = np.asarray(pool.vectors[rows])
    if points.shape[1] > DIMENSIONS:
        projection = GaussianRandomProjection(DIMENSIONS, random_state=int(rng.integers(2**31)))
        points = projection.fit_transform(points).astype(np.float32)
    return rows[central_of_clusters(points, wanted, rng)]
