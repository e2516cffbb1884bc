"""What sort of rows an arm picked."""

import numpy as np

from stages.core import geometry

NEAR = 0.95  # cosine from which two texts count as near-duplicates
BLOCK_ROWS = 1_000


def describe(rows: np.ndarray, classes: np.ndarray, vectors: np.ndarray, words: np.ndarray, buckets: np.ndarray) -> dict:
    """
    rows      int64 [picked]           rows of the pool
    classes   int64 [pool]             class number of each row
    vectors   float32 [pool, width]
    words     int64 [pool]             words of each text
    buckets   int32 [pool]

    Returns shares and means: of the largest class, of rows with a near-duplicate among the picked, of buckets with a
    picked row, and words a text.
    """
    return {
        "largest_class_share": float(np.bincount(classes[rows]).max() / len(rows)),
        "near_duplicates_share": float(has_near_duplicate(np.asarray(vectors[rows])).mean()),
        "buckets_covered_share": len(np.unique(buckets[rows])) / len(np.unique(buckets)),
        "mean_words": float(words[rows].mean()),
    }


def has_near_duplicate(vectors: np.ndarray) -> np.ndarray:
    """bool [rows]: whether another row has a cosine of NEAR or more with it. vectors float32 [rows, width]."""
    points = geometry.unit(vectors)
    found = np.zeros(len(points), bool)
    for start in range(0, len(points), BLOCK_ROWS):
        cosines = points[start : start + BLOCK_ROWS] @ points.T
        cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -1  # a row is no duplicate of itself
        found[start : start + BLOCK_ROWS] = (cosines >= NEAR).any(1)
    return found
