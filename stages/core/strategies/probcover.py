"""probcover: rows whose neighbourhoods cover the most uncovered rows (Yehuda et al. 2022, sections 3 and 4).

A row covers all rows nearer than delta, on vectors of unit length. Again and again the row that covers the most uncovered rows
is picked (greedy maximum coverage). Delta follows their purity rule: the largest radius within which 95% of the rows have only rows
of their own pseudo-label, where pseudo-labels are k-means clusters, as many as classes. Once all rows are covered, the rest is
drawn at random. Of a large pool only a random sample is compared, since all its pairs are.
"""

from collections.abc import Iterator

import numpy as np

from stages.core.space import geometry
from stages.core.strategies import PoolState

PURITY = 0.95
ROWS_COMPARED = 10_000  # of which the pairs take 100 MB
BLOCK_ROWS = 1_000


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    # It rests on the pool and the random order of the seed alone, so delta is the same in every round.
    sample = geometry.unit(pool.vectors[pool.order[:ROWS_COMPARED]])
    clusters = geometry.kmeans(sample, min(pool.classes, len(sample)), np.random.default_rng(0))
    delta = pure_radius(sample, clusters.labels_)
    shuffled = rng.permutation(pool.open_rows)
    rows = shuffled[:ROWS_COMPARED]
    points = geometry.unit(pool.vectors[rows])
    covers = np.vstack([near < delta for near in _distances(points, points)])
    np.fill_diagonal(covers, True)  # rounding may leave a row at some distance from itself
    covered = np.zeros(len(rows), bool)
    for near in _distances(geometry.unit(pool.vectors[pool.labelled]), points):
        covered |= (near < delta).any(0)

    picked = rows[most_covering(covers, covered, wanted)]
    others = shuffled[~np.isin(shuffled, picked)]
    return np.concatenate([picked, others[: wanted - len(picked)]])


def pure_radius(points: np.ndarray, pseudo_labels: np.ndarray) -> float:
    """The largest radius at which the open balls around at least PURITY of the rows hold one pseudo-label only.

    points          float32 [rows, width]
    pseudo_labels   int32 [rows]

    A ball is pure up to the nearest row of another label: the radius is a quantile of those distances.
    """
    nearest = np.empty(len(points), np.float32)
    for start, near in zip(range(0, len(points), BLOCK_ROWS), _distances(points, points)):
        here = slice(start, start + BLOCK_ROWS)
        nearest[here] = np.where(pseudo_labels[here, None] == pseudo_labels, np.inf, near).min(1)
    return float(np.sort(nearest)[int(len(points) * (1 - PURITY))])


def most_covering(covers: np.ndarray, covered: np.ndarray, wanted: int) -> np.ndarray:
    """int64: indices by greedy maximum coverage, ties to the earlier row; fewer than wanted once all rows are covered.

    covers    bool [rows, rows], symmetric   whether a row covers another
    covered   bool [rows]                    rows that are covered already
    """
    covered = covered.copy()
    gains = np.count_nonzero(covers & ~covered, axis=1)
    picked = []
    while len(picked) < wanted and gains.max() > 0:
        best = int(gains.argmax())
        new = np.flatnonzero(covers[best] & ~covered)
        gains -= np.count_nonzero(covers[new], axis=0)
        covered[new] = True
        picked.append(best)
    return np.array(picked, np.int64)


def _distances(some: np.ndarray, points: np.ndarray) -> Iterator[np.ndarray]:
    """float32 [block, points]: Euclidean distances of each block of `some` in turn.

    All in float32, where scikit-learn uses float64: four times as fast, and precise enough for rows of unit length.
    """
    squares = (points**2).sum(1)
    for start in range(0, len(some), BLOCK_ROWS):
        block = some[start : start + BLOCK_ROWS]
        yield np.sqrt(np.maximum(0, (block**2).sum(1)[:, None] + squares - 2 * block @ points.T))
