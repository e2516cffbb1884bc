"""What kind of rows an arm picked."""

import numpy as np

from stages.core import task
from stages.core.space import geometry

NEAR = 0.95  # two texts with this cosine or more are near-duplicates
SAMPLE = 2_000  # rows; a share estimated from so many has a standard error of 1.1 points at most


def describe(
    rows: np.ndarray, answers: np.ndarray, vectors: np.ndarray, words: np.ndarray, buckets: np.ndarray, rng: np.random.Generator
) -> dict:
    """
    rows      int64 [picked]           rows of the pool
    answers   labels [pool]            negative if there is none
    vectors   float32 [pool, width]
    words     int64 [pool]             words of each text
    buckets   int32 [pool]

    Returns the share of the largest class (0 if no row has a class), the share of rows with a near-duplicate among the picked rows
    (exact up to SAMPLE picked rows, else estimated from so many), the share of buckets with a picked row, and words a text.
    """
    known = answers[rows][task.codes(answers[rows]) >= 0]
    counts = task.of(known).indicator(known, 1 + int(known.max(initial=0))).sum(0)
    return {
        "largest_class_share": float(counts.max()) / max(len(known), 1),
        "near_duplicates_share": float(has_near_duplicate(np.asarray(vectors[rows]), rng).mean()),
        "buckets_covered_share": len(np.unique(buckets[rows])) / len(np.unique(buckets)),
        "mean_words": float(words[rows].mean()),
    }


def agreement_of(buckets: np.ndarray, classes: np.ndarray) -> float | None:
    """Normalised mutual information of buckets and classes: 0 for none, 1 if one determines the other, None without answers.

    buckets   int32 [pool]
    classes   int64 [pool]   negative without an answer
    """
    from sklearn.metrics import normalized_mutual_info_score

    answered = classes >= 0
    return round(float(normalized_mutual_info_score(classes[answered], buckets[answered])), 4) if answered.any() else None


def has_near_duplicate(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether another row has a cosine of NEAR or more with it: bool [rows], or bool [SAMPLE] of a random sample of more rows.

    vectors   float32 [rows, width]; a row of zeros is near to none

    The sample is compared with all rows, so time grows with the rows and not with their square.
    """
    from sklearn.neighbors import NearestNeighbors

    points = geometry.unit(vectors)
    sample = points[np.sort(rng.permutation(len(points))[:SAMPLE])]
    if len(points) < 2:
        return np.zeros(len(points), bool)
    # Two neighbours, since the nearest is the row itself. |a - b|^2 = 2 - 2 cos(a, b) for rows of length 1.
    distances, _ = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(points).kneighbors(sample)
    return (distances[:, 1] <= np.sqrt(2 - 2 * NEAR)) & sample.any(1)
