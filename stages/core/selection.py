"""Ways to choose the next rows to label: pure functions of what is known about the pool.

Every index is a row of pool.jsonl. A row is open as long as its score is not NaN; no other is ever picked, and none
twice. Ties go to the lower row.
"""

import numpy as np


def random_per_bucket(buckets: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` rows of every bucket, drawn at random without replacement.

    buckets   int32 [pool]   bucket of each row
    n         rows a bucket, at least 1; a smaller bucket gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    return np.concatenate([rng.permutation(np.flatnonzero(buckets == b))[:n] for b in np.unique(buckets)])


def central_per_bucket(vectors: np.ndarray, buckets: np.ndarray, n: int) -> np.ndarray:
    """The `n` rows of every bucket nearest to its centre (the mean of its vectors), nearest first.

    vectors   float32 [pool, dimensions]
    buckets   int32 [pool]
    n         rows a bucket, at least 1; a smaller bucket gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    picked = []
    for bucket in np.unique(buckets):
        rows = np.flatnonzero(buckets == bucket)
        distances = np.linalg.norm(vectors[rows] - vectors[rows].mean(0), axis=1)
        picked.append(rows[np.argsort(distances, kind="stable")[:n]])
    return np.concatenate(picked)


def highest_per_bucket(scores: np.ndarray, buckets: np.ndarray, m: int) -> np.ndarray:
    """Rows of the `m` highest scores in every bucket, best first.

    scores    float32 [pool]   higher is picked sooner; NaN marks rows already labelled, never picked
    buckets   int32 [pool]     bucket of each row
    m         rows a bucket, at least 1; a bucket with fewer open rows gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    ranked = _ranked(scores)
    return np.concatenate([ranked[buckets[ranked] == b][:m] for b in np.unique(buckets)])


def random_per_band(scores: np.ndarray, bands: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """`m` rows at random from each of `bands` equal slices of the open rows, sorted from the highest score down.

    scores   float32 [pool]   NaN marks rows already labelled
    bands    number of slices; their sizes differ by one row at most
    m        rows a band, at least 1; a smaller band gives all it has

    Returns int64 [rows], highest band first.
    """
    return np.concatenate([rng.permutation(band)[:m] for band in np.array_split(_ranked(scores), bands)])


def highest_reclustered(scores: np.ndarray, vectors: np.ndarray, count: int, seed: int, candidates_a_row: int = 10) -> np.ndarray:
    """The most uncertain rows, clustered anew into as many clusters as rows are wanted; of each the row nearest to its centre.

    scores             float32 [pool]               NaN marks rows already labelled
    vectors            float32 [pool, dimensions]
    count              rows wanted, at most the open ones
    candidates_a_row   the clusters are made of the count x candidates_a_row highest scores

    Uncertainty narrows, diversity picks, as in Zhdanov 2019, "Diverse mini-batch Active Learning", but without
    his weights. Returns int64 [count], the highest score first.
    """
    from sklearn.cluster import KMeans

    candidates = _ranked(scores)[: count * candidates_a_row]
    kmeans = KMeans(count, n_init=1, random_state=seed).fit(vectors[candidates])
    distances = kmeans.transform(vectors[candidates])
    taken = np.zeros(len(candidates), dtype=bool)
    for cluster in range(count):
        # Two centres may share their nearest row, and a cluster of equal vectors may be empty: take the nearest free one.
        taken[np.argmin(np.where(taken, np.inf, distances[:, cluster]))] = True
    return candidates[taken]


def _ranked(scores: np.ndarray) -> np.ndarray:
    """int64 [open]: open rows from the highest score to the lowest, ties by row."""
    open_rows = np.flatnonzero(~np.isnan(scores))
    return open_rows[np.argsort(-scores[open_rows], kind="stable")]
