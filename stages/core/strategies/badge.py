"""badge: rows with large and diverse gradients (Ash et al. 2020, algorithm 1).

If the likeliest class were true, the gradient of the loss at the last layer would be (p - onehot) x h: the probabilities minus
the likeliest class, times the layer's input h. k-means++ picks rows by their gradients: first the longest (as in the authors'
code), then each in proportion to its squared distance from those picked. Gradients are never built: lengths and products of
(a x h) follow from those of a and h. Where more than geometry.MOST_CLUSTERS rows are wanted, the open rows are split at random
into equal parts that give at most that many each: time then grows with the rows, not with their square.
"""

import numpy as np

from stages.core.space import geometry
from stages.core.strategies import PoolState

ROUNDING = 1e-5  # of the lengths; a smaller squared distance means a duplicate


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    rows = pool.open_in_order  # its first row wins among equally long gradients
    errors = pool.probabilities[rows]
    errors -= pool.kind.indicator(pool.kind.predicted(errors), pool.classes)
    return rows[spread_in_parts(errors, pool.features[rows], wanted, rng)]


def spread_in_parts(errors: np.ndarray, features: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """`spread` in one part, or in several random parts where more than geometry.MOST_CLUSTERS rows are wanted.

    Ailon et al. 2009, "Streaming k-means approximation", also seed parts of the rows separately.
    """
    parts = -(-wanted // geometry.MOST_CLUSTERS)
    if parts == 1:
        return spread(errors, features, wanted, rng)
    shuffled, shares = np.array_split(rng.permutation(len(errors)), parts), np.array_split(np.arange(wanted), parts)
    picked = [rows[spread(errors[rows], features[rows], len(share), rng)] for rows, share in zip(shuffled, shares)]
    return np.concatenate(picked)


def spread(errors: np.ndarray, features: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++ seeding (Arthur & Vassilvitskii 2007) on the outer products of errors and features, without building them.

    errors     float32 [rows, classes]
    features   float32 [rows, width]
    wanted     at most the number of rows; once only duplicates are left, they are drawn evenly

    Returns int64 [wanted], indices without repeats, in the order drawn. Time grows with rows x (classes + width) x wanted.
    """
    squares = np.einsum("ij,ij->i", errors, errors) * np.einsum("ij,ij->i", features, features)
    picked = [int(squares.argmax())]
    nearest = np.full(len(squares), np.inf, np.float32)
    while len(picked) < wanted:
        last = picked[-1]
        lengths = squares + squares[last]
        distances = lengths - 2 * (errors @ errors[last]) * (features @ features[last])
        nearest = np.minimum(nearest, np.where(distances > ROUNDING * lengths, distances, 0))
        nearest[last] = 0
        weights = nearest.astype(np.float64)
        if not weights.any():
            weights[:] = 1
            weights[picked] = 0
        picked.append(int(rng.choice(len(weights), p=weights / weights.sum())))
    return np.array(picked, np.int64)
