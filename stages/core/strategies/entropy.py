"""entropy: the rows whose classes the model finds most evenly likely, whatever their bucket (Settles 2009, section 3.1)."""

import numpy as np

from stages.core.evaluation import entropy_bits
from stages.core.known import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest(entropy_bits(known.probabilities), wanted)
