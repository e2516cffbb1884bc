"""stratified_random: rows drawn at random inside buckets, so that all labelled rows together mirror the buckets' sizes."""

import numpy as np

from stages.core.space.selection import apportion, random_by_group
from stages.core.strategies import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    sizes = np.bincount(known.buckets)
    labelled = np.bincount(known.buckets[known.labelled], minlength=len(sizes))
    in_proportion = apportion(len(known.labelled) + wanted, sizes, sizes)
    # With a larger total a bucket's due can fall by one row (the Alabama paradox): what is missing is then scaled down.
    missing = np.maximum(in_proportion - labelled, 0)
    counts = apportion(wanted, missing, sizes - labelled)
    return random_by_group(known.open_rows, known.buckets[known.open_rows], counts, rng)
