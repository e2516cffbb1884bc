"""Geometry shared by stages and strategies."""

from typing import Any

import numpy as np

from stages.core.base import memory

EXACT_ROWS = 20_000
# Where more rows than this are wanted, each cluster gives several: time would grow with the square of the rows if clusters grew
# with them. The number is from TypiClust (Hacohen et al. 2022).
MOST_CLUSTERS = 500
MINI_BATCH = 4_096  # rows in a step


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 [rows, dimensions]: rows scaled to length 1; a row of zeros stays. vectors float [rows, dimensions]."""
    # np.linalg.norm makes a squared copy of what it is given: so block by block.
    lengths = np.concatenate([np.linalg.norm(block, axis=1, keepdims=True) for block in memory.in_blocks(vectors)])
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32, copy=False)


def main_axes(vectors: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """float32 [rows, dimensions]: `vectors`, float32 [rows, width], on their principal axes; 0 beyond the axes they have."""
    from sklearn.decomposition import PCA

    axes = np.zeros((len(vectors), dimensions), np.float32)
    present = min(dimensions, *vectors.shape)
    if len(vectors) > 1:  # one row has no spread
        axes[:, :present] = PCA(present, random_state=seed).fit_transform(vectors)
    return axes


def kmeans(vectors: np.ndarray, clusters: int, rng: np.random.Generator, starts: int = 1, exact_rows: int | None = None) -> Any:
    """scikit-learn's fitted k-means: Lloyd's up to `exact_rows` rows (default EXACT_ROWS), above by mini-batches (Sculley 2010).

    vectors   float32 [rows, dimensions], at least as many rows as clusters
    starts    number of seedings, of which the best is kept
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    seed = int(rng.integers(2**31))
    if len(vectors) <= (exact_rows or EXACT_ROWS):
        return KMeans(clusters, n_init=starts, random_state=seed).fit(vectors)
    return MiniBatchKMeans(clusters, n_init=starts, random_state=seed, batch_size=max(MINI_BATCH, 2 * clusters)).fit(vectors)
