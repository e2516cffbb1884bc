"""typical: of every bucket rows that are typical of it, each bucket by itself (TypiClust's rule, see space/typicality)."""

import numpy as np

from stages.core.space import geometry, typicality
from stages.core.strategies import Known


def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    picked = [np.empty(0, np.int64)]
    for bucket, rows_wanted in enumerate(known.by_bucket(wanted)):
        if rows_wanted:
            rows = np.flatnonzero(known.buckets == bucket)
            labelled = np.flatnonzero(np.isin(rows, known.labelled))
            picked.append(rows[typicality.most_typical(geometry.unit(known.vectors[rows]), labelled, int(rows_wanted), rng)])
    return np.concatenate(picked)
