"""least_confidence: the rows whose likeliest class is least likely (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.known import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest(-known.probabilities.max(1), wanted)
