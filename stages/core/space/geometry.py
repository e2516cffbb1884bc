"""Geometry that several stages and strategies share."""

from typing import Any

import numpy as np

from stages.core.base import memory

EXACT_ROWS = 20_000
# Where more rows are wanted than this, each cluster gives several: as many clusters as a share of the rows would take the square
# of their time. The number is that of TypiClust's authors (Hacohen et al. 2022).
MOST_CLUSTERS = 500
MINI_BATCH = 4_096  # rows in a step


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a row of zeros stays as it is. float [rows, dimensions] -> float32 of the same shape."""
    # The norm squares all that it is given, in a copy.
    lengths = np.concatenate([np.linalg.norm(block, axis=1, keepdims=True) for block in memory.in_blocks(vectors)])
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32, copy=False)


def main_axes(vectors: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """Rows on their main axes, float32 [rows, dimensions]; zeros on those that so few rows do not have.

    vectors   float32 [rows, width]
    """
    from sklearn.decomposition import PCA

    axes = np.zeros((len(vectors), dimensions), np.float32)
    there = min(dimensions, *vectors.shape)
    if len(vectors) > 1:  # one row has no spread
        axes[:, :there] = PCA(there, random_state=seed).fit_transform(vectors)
    return axes


def kmeans(vectors: np.ndarray, clusters: int, rng: np.random.Generator, starts: int = 1, exact_rows: int | None = None) -> Any:
    """scikit-learn's k-means, fitted: Lloyd's up to `exact_rows` rows, by mini-batches (Sculley 2010) above.

    vectors      float32 [rows, dimensions], at least as many rows as clusters
    starts       it begins from so many seedings, and the best is kept
    exact_rows   EXACT_ROWS where none is given
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    seed = int(rng.integers(2**31))
    if len(vectors) <= (exact_rows or EXACT_ROWS):
        return KMeans(clusters, n_init=starts, random_state=seed).fit(vectors)
    return MiniBatchKMeans(clusters, n_init=starts, random_state=seed, batch_size=max(MINI_BATCH, 2 * clusters)).fit(vectors)
