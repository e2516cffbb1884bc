"""probcover: rows whose neighbourhoods cover most of what is not covered yet (Yehuda et al. 2022, sections 3 and 4).

A row covers all rows nearer than delta, on vectors of unit length. The row that covers most uncovered rows is picked, again
and again (greedy maximum coverage). Delta is their purity rule: the largest for which 95% of the rows have only rows of
their own pseudo-label nearer than it, where pseudo-labels are k-means clusters, as many as classes. Once everything is
covered, the rest is drawn at random. Of a larger pool a random sample is covered, since every pair of it is compared.
"""

from collections.abc import Iterator

import numpy as np

from stages.core.space import geometry
from stages.core.strategies import PoolState

PURITY = 0.95
ROWS_COMPARED = 10_000  # their pairs take 100 MB
BLOCK_ROWS = 1_000


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    shuffled = rng.permutation(pool.open_rows)
    rows = shuffled[:ROWS_COMPARED]
    points = geometry.unit(pool.vectors[rows])
    pseudo_labels = geometry.kmeans(points, min(pool.classes, len(rows)), rng).labels_
    delta = pure_radius(points, pseudo_labels)
    covers = np.vstack([near < delta for near in _distances(points, points)])
    np.fill_diagonal(covers, True)  # rounding may leave a row at some distance from itself
    covered = np.zeros(len(rows), bool)
    for near in _distances(geometry.unit(pool.vectors[pool.labelled]), points):
        covered |= (near < delta).any(0)

    picked = rows[most_covering(covers, covered, wanted)]
    others = shuffled[~np.isin(shuffled, picked)]
    return np.concatenate([picked, others[: wanted - len(picked)]])


def pure_radius(points: np.ndarray, pseudo_labels: np.ndarray) -> float:
    """The largest radius whose open balls hold one pseudo-label only, around a share of at least PURITY of the rows.

    points          float32 [rows, width]
    pseudo_labels   int32 [rows]

    A ball is pure up to the nearest row of another label, so the radius is a quantile of those distances.
    """
    nearest = np.empty(len(points), np.float32)
    for start, near in zip(range(0, len(points), BLOCK_ROWS), _distances(points, points)):
        here = slice(start, start + BLOCK_ROWS)
        nearest[here] = np.where(pseudo_labels[here, None] == pseudo_labels, np.inf, near).min(1)
    return float(np.sort(nearest)[int(len(points) * (1 - PURITY))])


def most_covering(covers: np.ndarray, covered: np.ndarray, wanted: int) -> np.ndarray:
    """Greedy maximum coverage: indices that cover most of what is left, ties to the earlier; fewer once nothing is left.

    covers    bool [rows, rows], symmetric   whether a row covers another
    covered   bool [rows]                    rows that need no more cover
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
    """float32 [block, points]: Euclidean distances of a block of `some` after the other.

    In float32 throughout, where scikit-learn's doubles the width: four times as fast, and rows of unit length lose nothing.
    """
    squares = (points**2).sum(1)
    for start in range(0, len(some), BLOCK_ROWS):
        block = some[start : start + BLOCK_ROWS]
        yield np.sqrt(np.maximum(0, (block**2).sum(1)[:, None] + squares - 2 * block @ points.T))
