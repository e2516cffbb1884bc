"""Rows that are typical of their surroundings, by the rule of TypiClust (Hacohen et al. 2022, section 3.2).

As many clusters as rows will be labelled, at most 500, and of each large one that has no labelled row yet the most typical.
Typicality is the inverse of the mean distance to the 20 nearest neighbours inside the cluster, so a row far from all others
is never typical. The constants and the turns are those of the authors' code: clusters with fewest labelled rows first, of
those the largest, then round again; neighbours are at most half of the cluster. Clusters of 5 rows or fewer, which it drops,
come here when all others are used up.
"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from stages.core import geometry

SMALL_CLUSTER = 5
NEIGHBOURS = 20
ROWS_COMPARED = 2_000  # of a larger cluster a random sample is compared, else the time would grow with its square


def typical_per_bucket(vectors: np.ndarray, buckets: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`n` rows that are typical of every bucket, each bucket by itself.

    vectors   float32 [pool, width]
    buckets   int32 [pool]      bucket of each row, 0 to buckets - 1
    n         int64 [buckets]   rows of each; a smaller bucket gives all it has

    Returns int64 [rows], bucket by bucket.
    """
    nothing = np.empty(0, np.int64)
    picked = [nothing]
    for bucket in np.flatnonzero(n):
        rows = np.flatnonzero(buckets == bucket)
        picked.append(rows[most_typical(geometry.unit(vectors[rows]), nothing, min(n[bucket], len(rows)), rng)])
    return np.concatenate(picked)


def most_typical(points: np.ndarray, labelled: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [wanted]: rows that are typical of the clusters with fewest labelled rows.

    points     float32 [rows, width]
    labelled   int64 [labelled]   rows that are not picked
    wanted     rows to pick, at most those that are not labelled
    """
    clusters = geometry.kmeans(points, min(len(labelled) + wanted, geometry.MOST_CLUSTERS), rng).labels_
    sizes = np.bincount(clusters)
    open_rows = np.setdiff1d(np.arange(len(points)), labelled)

    def queue(cluster: int) -> Iterator[int]:
        rows = open_rows[clusters[open_rows] == cluster]
        yield from rows[most_typical_first(points[rows], rng)]

    order = np.lexsort((-sizes, np.bincount(clusters[labelled], minlength=len(sizes))))
    large, small = (list(map(queue, order[mask])) for mask in (sizes[order] > SMALL_CLUSTER, sizes[order] <= SMALL_CLUSTER))
    return np.fromiter(islice(chain(in_turns(large), in_turns(small)), wanted), np.int64)


def in_turns(queues: list[Iterator[int]]) -> Iterator[int]:
    """One of each queue, then one of each again; a queue that is empty drops out."""
    while queues:
        for queue in list(queues):
            row = next(queue, None)
            if row is None:
                queues.remove(queue)
            else:
                yield row


def most_typical_first(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of one cluster by the mean distance to their nearest neighbours, the smallest first; ties to the lower row.

    points   float32 [rows, width]

    Returns int64 [rows]. Of more than ROWS_COMPARED rows a random sample is compared, and the others follow unordered.
    """
    from sklearn.neighbors import NearestNeighbors

    rows = rng.permutation(len(points))
    compared = np.sort(rows[:ROWS_COMPARED])
    if len(compared) > 1:
        nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(compared) // 2), algorithm="brute").fit(points[compared])
        distances, _ = nearest.kneighbors()  # without an argument a row is not its own neighbour
        compared = compared[np.argsort(distances.mean(1), kind="stable")]
    return np.concatenate([compared, rows[ROWS_COMPARED:]])
