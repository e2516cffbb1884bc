"""committee: rows on which a committee of models disagrees most, by the entropy of its votes (Dagan & Engelson 1995).

Members are trained on bootstrap samples of the labelled rows (query by bagging, Abe & Mamitsuka 1998): another
seed alone changes no logistic regression.
"""

import numpy as np

from stages.core.strategies import PoolState


def scores(pool: PoolState, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool], bits: 0 where all members vote alike."""
    votes = np.zeros((len(pool.rows), pool.classes), np.float32)
    for _ in range(pool.options.committee):
        member = pool.fit(rng.choice(pool.with_class, len(pool.with_class)), rng)
        votes += pool.kind.indicator(pool.kind.predicted(member.probabilities(pool.rows)), pool.classes)
    return pool.kind.entropy(votes / pool.options.committee)


def pick(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return pool.highest(scores(pool, rng), wanted)
