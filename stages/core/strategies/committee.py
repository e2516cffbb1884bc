"""committee: the rows that a committee of models disagrees on most, by the entropy of its votes (Dagan & Engelson 1995).

Its members are trained on bootstrap samples of the labelled rows (query by bagging, Abe & Mamitsuka 1998): seeds alone
would not make them differ where the trainer is a logistic regression.
"""

import numpy as np

from stages.core.rows.measures import entropy_bits
from stages.core.strategies import Known


def scores(known: Known, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool], bits: 0 where all members vote alike."""
    votes = np.zeros((len(known.rows), known.classes), np.float32)
    for _ in range(known.options.committee):
        member = known.fit(rng.choice(known.labelled, len(known.labelled)), rng)
        votes[known.rows, member.probabilities(known.rows).argmax(1)] += 1
    return entropy_bits(votes / known.options.committee)


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest(scores(known, rng), wanted)
