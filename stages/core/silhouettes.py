"""Exact silhouettes of many clusterings of the same rows, from one pass over the pairwise distances."""

import numpy as np

BLOCK_BYTES = 64 * 2**20


def silhouettes(vectors: np.ndarray, clusterings: np.ndarray) -> np.ndarray:
    """Mean silhouette (Rousseeuw 1987) of every clustering, over Euclidean distances.

    vectors       float32 [rows, dimensions]
    clusterings   int32 [clusterings, rows]   cluster of each row, 0 to k - 1, each cluster with at least one row, k >= 2

    Returns float64 [clusterings], in [-1, 1]. Each block of distances is computed once and multiplied by the one-hot
    clusters of all clusterings side by side, which gives every row's sum of distances to every cluster. Memory is
    64 MB for the block, whatever the number of rows.
    """
    rows = len(vectors)
    vectors = vectors - vectors.mean(0)  # the squares below cancel: near the origin float32 loses least
    counts = clusterings.max(1) + 1
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    columns = clusterings + offsets[:, None]  # each clustering has columns of its own
    member = np.zeros((rows, counts.sum()), dtype=np.float32)
    for column in columns:
        member[np.arange(rows), column] = 1
    sizes = member.sum(0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", vectors, vectors)

    totals = np.zeros(len(clusterings))
    block = max(1, BLOCK_BYTES // (4 * rows))
    for start in range(0, rows, block):
        here = np.arange(start, min(start + block, rows))
        distances = vectors[here] @ vectors.T
        distances *= -2
        distances += squares
        distances += squares[here, None]
        np.maximum(distances, 0, out=distances)  # rounding can leave a tiny negative
        distances[np.arange(len(here)), here] = 0
        np.sqrt(distances, out=distances)
        sums = (distances @ member).astype(np.float64)
        for i, (offset, count) in enumerate(zip(offsets, counts)):
            own = clusterings[i, here]
            size = sizes[offset : offset + count]
            to_clusters = sums[:, offset : offset + count]
            inside = to_clusters[np.arange(len(here)), own] / np.maximum(size[own] - 1, 1)
            means = to_clusters / size
            means[np.arange(len(here)), own] = np.inf
            nearest = means.min(1)
            largest = np.maximum(inside, nearest)
            values = np.divide(nearest - inside, largest, out=np.zeros(len(here)), where=largest > 0)
            totals[i] += values[size[own] > 1].sum()  # a row alone in its cluster counts 0, by definition
    return totals / rows
