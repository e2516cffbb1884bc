"""Exact silhouettes of many clusterings of the same rows, from one pass over the pairwise distances."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

TILE = (256, 1024)  # rows x columns of distances: 1 MB, which stays in the processor's cache


def silhouettes(vectors: np.ndarray, clusterings: np.ndarray, bar: tqdm | None = None) -> np.ndarray:
    """float64 [clusterings], in [-1, 1]: mean silhouette (Rousseeuw 1987) of every clustering, over Euclidean distances.

    vectors       float32 [rows, dimensions]
    clusterings   int32 [clusterings, rows]   cluster of each row, 0 to k - 1, none empty, k >= 2
    bar           counts the rows done

    Each tile of distances is computed once and multiplied by the one-hot clusters of all clusterings side by side: that gives
    every row's sum of distances to every cluster. Strips of rows go to one thread a processor, which holds one tile.
    """
    rows = len(vectors)
    counts = clusterings.max(1) + 1
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    columns = clusterings + offsets[:, None]  # each clustering has its own columns
    member = np.zeros((rows, counts.sum()), dtype=np.float32)
    for column in columns:
        member[np.arange(rows), column] = 1
    sizes = member.sum(0, dtype=np.float64)

    def strip(start: int) -> np.ndarray:
        """float64 [clusterings]: summed silhouettes of the strip of rows at `start`."""
        here = np.arange(start, min(start + TILE[0], rows))
        sums = np.zeros((len(here), member.shape[1]))
        for left in range(0, rows, TILE[1]):
            part = slice(left, left + TILE[1])
            sums += distances(here, part) @ member[part]
        totals = np.zeros(len(clusterings))
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
            totals[i] = values[size[own] > 1].sum()  # by definition 0 for the only row of a cluster
        if bar is not None:
            bar.update(len(here))
        return totals

    # |x - y|^2 = |x|^2 + |y|^2 - 2 xy, as one product of rows that are two columns wider.
    vectors = vectors - vectors.mean(0)  # the terms cancel; near the origin float32 loses least
    squares = np.einsum("ij,ij->i", vectors, vectors)[:, None]
    ones = np.ones_like(squares)
    from_rows, to_rows = np.hstack([-2 * vectors, squares, ones]), np.hstack([vectors, ones, squares])

    def distances(here: np.ndarray, part: slice) -> np.ndarray:
        """float32 [rows here, rows of the part]"""
        tile = from_rows[here] @ to_rows[part].T
        np.maximum(tile, 0, out=tile)  # rounding can give a tiny negative
        inside = (here >= part.start) & (here < part.stop)
        tile[inside, here[inside] - part.start] = 0
        return np.sqrt(tile, out=tile)

    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        return sum(threads.map(strip, range(0, rows, TILE[0]))) / rows
