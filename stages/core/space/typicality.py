"""Pick typical rows by the rule of TypiClust (Hacohen et al. 2022, section 3.2).

There is one cluster for each labelled and wanted row, at most 500. The most typical row of each large cluster without a labelled
row is picked. Typicality is the inverse of the mean distance to the 20 nearest neighbours inside the cluster, so a row far from all
others is never typical. Constants and turns follow the authors' code: clusters with the fewest labelled rows first, among them the
largest, then round again; neighbours are at most half of the cluster. Clusters of up to 5 rows, which their code drops, come last.
"""

from collections.abc import Iterator
from itertools import chain, cycle, islice

import numpy as np

from stages.core.space import geometry

SMALL_CLUSTER = 5
NEIGHBOURS = 20
ROWS_COMPARED = 2_000  # a random sample of a larger cluster, since time grows with its square


def most_typical(points: np.ndarray, labelled: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [wanted]: typical rows of the clusters with the fewest labelled rows.

    points     float32 [rows, width]
    labelled   int64 [labelled]   rows that cannot be picked
    wanted     at most the number of rows that are not labelled
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
    """One of each queue in turn, round after round; an empty queue drops out. The recipe `roundrobin` of itertools."""
    for left in range(len(queues), 0, -1):
        queues = cycle(islice(queues, left))
        yield from map(next, queues)


def most_typical_first(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 [rows]: rows of one cluster by the mean distance to their nearest neighbours, smallest first; ties at random.

    points   float32 [rows, width]; of more than ROWS_COMPARED rows a random sample is ordered, and the others follow at random
    """
    from sklearn.neighbors import NearestNeighbors

    rows = rng.permutation(len(points))
    compared = rows[:ROWS_COMPARED]
    if len(compared) > 1:
        nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(compared) // 2), algorithm="brute").fit(points[compared])
        distances, _ = nearest.kneighbors()  # without an argument a row is not its own neighbour
        compared = compared[np.argsort(distances.mean(1), kind="stable")]
    return np.concatenate([compared, rows[ROWS_COMPARED:]])
