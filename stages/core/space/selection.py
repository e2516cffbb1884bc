"""Share rows among groups, draw and rank them: pure functions of arrays, for the strategies."""

import numpy as np


def apportion(total: int, weights: np.ndarray, room: np.ndarray) -> np.ndarray:
    """int64 [groups], summing to `total`: rows of each group in proportion to the weights, by largest remainder; ties to the lower.

    total     rows to share, at most room.sum()
    weights   float or int [groups], none negative
    room      int [groups]   rows that each group has. A group that runs out passes the rest on to the others in proportion;
              where only groups of weight 0 are left, to them equally
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


def random_by_group(rows: np.ndarray, groups: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64: counts[g] rows of every group g, drawn at random without replacement, group by group.

    rows     int64 [rows]     rows of pool.jsonl
    groups   int [rows]       group of each row, 0 to groups - 1
    counts   int64 [groups]   a group with fewer rows gives all it has
    """
    return np.concatenate([rng.permutation(rows[groups == group])[:count] for group, count in enumerate(counts)])


def ranked(scores: np.ndarray, order: np.ndarray) -> np.ndarray:
    """int64 [open]: rows from the highest score to the lowest; ties in the order of `order`.

    scores   float32 [pool]   NaN for rows to leave out
    order    int64 [pool]     a seeded permutation: pools come sorted by class, so ties by row number would favour the first
    """
    open_rows = order[~np.isnan(scores[order])]
    return open_rows[np.argsort(-scores[open_rows], kind="stable")]
