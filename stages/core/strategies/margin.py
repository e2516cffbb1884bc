"""margin: the rows whose two likeliest classes are nearest to each other (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.known import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    second, first = np.sort(known.probabilities, axis=1)[:, -2:].T
    return known.highest(second - first, wanted)
