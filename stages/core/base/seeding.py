"""Random generators from the seeds in params.yaml."""

import numpy as np


def rngs(seeds: list[int], purpose: str) -> list[np.random.Generator]:
    """One generator per seed. `purpose` keeps the streams of different draws apart."""
    return [np.random.default_rng([seed, *purpose.encode()]) for seed in seeds]
