"""margin: the rows whose two likeliest classes are nearest to each other (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.strategies import Known


def scores(known: Known, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: probability of the second likeliest class less that of the likeliest, -1 to 0."""
    second, first = np.sort(known.probabilities, axis=1)[:, -2:].T
    return second - first


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest(scores(known, rng), wanted)
