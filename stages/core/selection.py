"""Ways to choose the next rows to label: pure functions of what is known about the pool.

Every index is a row of pool.jsonl. A row is open as long as its score is not NaN; no other is ever picked, and none
twice. Ties go to the lower row.
"""

from collections.abc import Iterable

import numpy as np

from stages.core import geometry

CENTRES_AT_ONCE = 64


def apportion(total: int, weights: np.ndarray, room: np.ndarray) -> np.ndarray:
    """`total` rows shared among groups in proportion to their weights, by largest remainder; ties to the lower group.

    total     rows to share, at most room.sum()
    weights   float or int [groups], none negative
    room      int [groups]   rows that a group can give; one that runs out passes its share on to the others in
              proportion, and where only groups of weight 0 are left, to them equally

    Returns int64 [groups] that sum to `total`.
    """
    counts = np.zeros(len(weights), np.int64)
    weights = np.asarray(weights, np.float64)
    sharing = (weights > 0) & (room > 0)
    while sharing.any():
        left = total - counts.sum()
        quotas = np.where(sharing, left * weights / weights[sharing].sum(), 0)
        full = sharing & (quotas >= room)
        if not full.any():
            counts += quotas.astype(np.int64)
            fractions = np.where(sharing, quotas % 1, -1)
            counts[np.argsort(-fractions, kind="stable")[: total - counts.sum()]] += 1
            return counts
        counts[full] = room[full]
        sharing &= ~full
    if counts.sum() < total:
        counts += apportion(total - counts.sum(), np.ones(len(counts)), room - counts)
    return counts


def per_bucket(amount: int | float, buckets: np.ndarray) -> np.ndarray:
    """Rows that an amount of params asks of every bucket, int64 [buckets]: the same of each, or a share of each.

    amount    rows a bucket, or a share in (0, 1) of every bucket: in all round(share x pool)
    buckets   int32 [pool]   bucket of each row
    """
    sizes = np.unique(buckets, return_counts=True)[1]
    if isinstance(amount, int):
        return np.full(len(sizes), amount)
    return apportion(round(amount * len(buckets)), sizes, sizes)


def random_by_group(rows: np.ndarray, groups: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """counts[g] of the rows of every group g, drawn at random without replacement.

    rows     int64 [rows]     rows of pool.jsonl
    groups   int [rows]       group of each of them, 0 to groups - 1
    counts   int64 [groups]   a group with fewer rows gives all it has

    Returns int64 [rows], group by group.
    """
    return np.concatenate([rng.permutation(rows[groups == group])[:count] for group, count in enumerate(counts)])


def random_per_bucket(buckets: np.ndarray, n: int | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`n` rows of every bucket, drawn at random without replacement.

    buckets   int32 [pool]   bucket of each row
    n         rows a bucket, or int64 [buckets], the rows of each; a smaller bucket gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    numbers, groups = np.unique(buckets, return_inverse=True)
    return random_by_group(np.arange(len(buckets)), groups, np.broadcast_to(n, len(numbers)), rng)


def central_per_bucket(vectors: np.ndarray, buckets: np.ndarray, n: int | np.ndarray) -> np.ndarray:
    """The `n` rows of every bucket nearest to its centre (the mean of its vectors), nearest first.

    vectors   float32 [pool, dimensions]
    buckets   int32 [pool]
    n         rows a bucket, or int64 [buckets], the rows of each; a smaller bucket gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    picked = []
    for bucket, wanted in _each(buckets, n):
        rows = np.flatnonzero(buckets == bucket)
        distances = np.linalg.norm(vectors[rows] - vectors[rows].mean(0), axis=1)
        picked.append(rows[np.argsort(distances, kind="stable")[:wanted]])
    return np.concatenate(picked)


def highest_per_bucket(scores: np.ndarray, buckets: np.ndarray, m: int | np.ndarray) -> np.ndarray:
    """Rows of the `m` highest scores in every bucket, best first.

    scores    float32 [pool]   higher is picked sooner; NaN marks rows already labelled, never picked
    buckets   int32 [pool]     bucket of each row
    m         rows a bucket, or int64 [buckets], the rows of each; a bucket with fewer open rows gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    order = ranked(scores)
    return np.concatenate([order[buckets[order] == b][:rows] for b, rows in _each(buckets, m)])


def random_per_band(scores: np.ndarray, bands: int, m: int | np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`m` rows at random from each of `bands` equal slices of the open rows, sorted from the highest score down.

    scores   float32 [pool]   NaN marks rows already labelled
    bands    number of slices; their sizes differ by one row at most
    m        rows a band, or int64 [bands], the rows of each; a smaller band gives all it has

    Returns int64 [rows], highest band first.
    """
    parts = zip(np.array_split(ranked(scores), bands), np.broadcast_to(m, bands))
    return np.concatenate([rng.permutation(band)[:rows] for band, rows in parts])


def highest_reclustered(
    scores: np.ndarray, vectors: np.ndarray, count: int, rng: np.random.Generator, candidates_a_row: int = 10
) -> np.ndarray:
    """The most uncertain rows, clustered anew into as many clusters as rows are wanted; of each the row nearest to its centre.

    Of more than geometry.MOST_CLUSTERS rows each cluster gives several, as in `central_of_clusters`.

    scores             float32 [pool]               NaN marks rows already labelled
    vectors            float32 [pool, dimensions]   compared at length 1
    count              rows wanted, at most the open ones
    candidates_a_row   the clusters are made of the count x candidates_a_row highest scores

    Uncertainty narrows, diversity picks, as in Zhdanov 2019, "Diverse mini-batch Active Learning", but without
    his weights. Returns int64 [count], the highest score first.
    """
    candidates = ranked(scores)[: count * candidates_a_row]
    points = geometry.unit(vectors[candidates])
    exact_rows = len(points) if count <= geometry.MOST_CLUSTERS else None
    return candidates[np.sort(central_of_clusters(points, count, rng, exact_rows))]


def central_of_clusters(points: np.ndarray, wanted: int, rng: np.random.Generator, exact_rows: int | None = None) -> np.ndarray:
    """As many clusters as rows are wanted, and of each the row nearest to its centre.

    points       float32 [rows, dimensions]
    wanted       at most the number of rows
    exact_rows   as in geometry.kmeans

    Returns int64 [wanted], indices into `points`, none twice. Of more than geometry.MOST_CLUSTERS rows there are that many
    clusters, which give one row each in turns until they have given enough, those nearest to the centre first: time grows
    with the rows, not with rows x wanted.
    """
    clusters = geometry.kmeans(points, min(wanted, geometry.MOST_CLUSTERS), rng, exact_rows=exact_rows)
    if wanted <= geometry.MOST_CLUSTERS:
        return nearest_free(points, clusters.cluster_centers_)
    sizes = np.unique(clusters.labels_, return_counts=True)[1]
    return central_per_bucket(points, clusters.labels_, apportion(wanted, np.ones(len(sizes)), sizes))


def nearest_free(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The row nearest to each centre, none twice: where two centres share their nearest row, the later takes the next.

    vectors   float32 [rows, dimensions]
    centres   float32 [centres, dimensions], at most as many as rows

    Returns int64 [centres], indices into `vectors`. Distances are made for a block of centres at a time.
    """
    from sklearn.metrics.pairwise import euclidean_distances

    picked = []
    for start in range(0, len(centres), CENTRES_AT_ONCE):
        for distances in euclidean_distances(centres[start : start + CENTRES_AT_ONCE], vectors, squared=True):
            distances[picked] = np.inf
            picked.append(int(np.argmin(distances)))
    return np.array(picked, np.int64)


def _each(buckets: np.ndarray, rows: int | np.ndarray) -> Iterable[tuple[int, int]]:
    """(bucket, rows to take of it) for every bucket."""
    numbers = np.unique(buckets)
    return zip(numbers, np.broadcast_to(rows, len(numbers)))


def ranked(scores: np.ndarray) -> np.ndarray:
    """int64 [open]: open rows from the highest score to the lowest, ties by row."""
    open_rows = np.flatnonzero(~np.isnan(scores))
    return open_rows[np.argsort(-scores[open_rows], kind="stable")]
