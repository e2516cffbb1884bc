"""buckets: of every bucket the open rows that the model is least sure of."""

import numpy as np

from stages.core.strategies import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return known.highest_by_bucket(known.scores(rng), wanted)
