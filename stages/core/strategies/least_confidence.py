"""least_confidence: the rows whose likeliest class is least likely (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.strategies import Known


def scores(known: Known, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: the likeliest class's probability, negative: -1 where the model is certain."""
    return -known.probabilities.max(1)


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest(scores(known, rng), wanted)
