"""How uneven classes are: what report.measure and train.class_weight decide by where they are auto."""

import numpy as np

UNEVEN = 0.5  # share of its even share below which the rarest class counts too little in accuracy


def uneven(labels: np.ndarray) -> bool:
    """Whether the rarest class present has far less than its even share. labels int64 [rows]: class numbers"""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 0 and bool(counts.min() < UNEVEN * counts.mean())
