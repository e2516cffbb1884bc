"""Geometry that several stages and strategies share."""

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

EXACT_KMEANS_ROWS = 20_000


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a row of zeros stays as it is. float [rows, dimensions] -> float32 of the same shape."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def kmeans(vectors: np.ndarray, clusters: int, rng: np.random.Generator) -> KMeans | MiniBatchKMeans:
    """k-means from one seeding, fitted; by mini-batches (Sculley 2010) above EXACT_KMEANS_ROWS rows.

    vectors   float32 [rows, dimensions], at least as many rows as clusters
    """
    seed = int(rng.integers(2**31))
    if len(vectors) <= EXACT_KMEANS_ROWS:
        return KMeans(clusters, n_init=1, random_state=seed).fit(vectors)
    return MiniBatchKMeans(clusters, n_init=1, batch_size=max(1_024, 2 * clusters), random_state=seed).fit(vectors)
