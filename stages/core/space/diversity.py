"""Pick diverse rows: cluster them and take those nearest to the centres."""

import numpy as np

from stages.core.space import geometry
from stages.core.space.selection import apportion

CENTRES_AT_ONCE = 64


def central_of_clusters(points: np.ndarray, wanted: int, rng: np.random.Generator, exact_rows: int | None = None) -> np.ndarray:
    """int64 [wanted]: indices into `points`, none twice: the row nearest to the centre of each of `wanted` clusters.

    points       float32 [rows, dimensions]
    wanted       at most the number of rows
    exact_rows   as in geometry.kmeans

    Where more than geometry.MOST_CLUSTERS rows are wanted, there are that many clusters, which give rows in turns, nearest to
    their centre first: time then grows with the rows, not with rows x wanted.
    """
    clusters = geometry.kmeans(points, min(wanted, geometry.MOST_CLUSTERS), rng, exact_rows=exact_rows)
    if wanted <= geometry.MOST_CLUSTERS:
        return nearest_free(points, clusters.cluster_centers_)
    _, labels, sizes = np.unique(clusters.labels_, return_inverse=True, return_counts=True)
    counts = apportion(wanted, np.ones(len(sizes)), sizes)
    distances = to_own_centre(points, labels)
    groups = [np.flatnonzero(labels == cluster) for cluster in range(len(sizes))]
    return np.concatenate([rows[np.argsort(distances[rows], kind="stable")[:count]] for rows, count in zip(groups, counts)])


def nearest_free(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """int64 [centres]: indices of the row nearest to each centre, none twice: a taken row gives way to the next nearest.

    vectors   float32 [rows, dimensions]
    centres   float32 [centres, dimensions], at most as many as rows
    """
    from sklearn.metrics.pairwise import euclidean_distances

    picked = []
    for start in range(0, len(centres), CENTRES_AT_ONCE):
        for distances in euclidean_distances(centres[start : start + CENTRES_AT_ONCE], vectors, squared=True):
            distances[picked] = np.inf
            picked.append(int(np.argmin(distances)))
    return np.array(picked, np.int64)


def to_own_centre(vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """float32 [rows]: distance of float32 [rows, dimensions] to the means of their groups, int [rows] from 0, none empty"""
    distances = np.empty(len(groups), np.float32)
    for group in range(int(groups.max()) + 1):
        rows = np.flatnonzero(groups == group)
        points = np.asarray(vectors[rows])
        distances[rows] = np.linalg.norm(points - points.mean(0), axis=1)
    return distances
