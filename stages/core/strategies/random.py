"""random: rows drawn at random inside every bucket. (The arm called random draws them from the whole pool.)"""

import numpy as np

from stages.core.space.selection import random_by_group
from stages.core.strategies import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    return random_by_group(known.open_rows, known.buckets[known.open_rows], known.by_bucket(wanted), rng)
