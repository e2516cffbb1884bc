"""What sort of rows an arm picked."""

import numpy as np

from stages.core.space import geometry

NEAR = 0.95  # cosine from which two texts count as near-duplicates
ROWS_ASKED = 2_000  # a share among so many has a standard error of 1.1 points at most


def describe(
    rows: np.ndarray,
    classes: np.ndarray,
    vectors: np.ndarray,
    words: np.ndarray,
    buckets: np.ndarray,
    rng: np.random.Generator,
) -> dict:
    """
    rows      int64 [picked]           rows of the pool
    classes   int64 [pool]             class number of each row, negative where there is none
    vectors   float32 [pool, width]
    words     int64 [pool]             words of each text
    buckets   int32 [pool]

    Returns shares and means: of the largest class, of rows with a near-duplicate among the picked (exact up to ROWS_ASKED
    picked rows, else estimated by so many of them), of buckets with a picked row, and words a text.
    """
    return {
        "largest_class_share": _largest_share(classes[rows]),
        "near_duplicates_share": float(has_near_duplicate(np.asarray(vectors[rows]), rng).mean()),
        "buckets_covered_share": len(np.unique(buckets[rows])) / len(np.unique(buckets)),
        "mean_words": float(words[rows].mean()),
    }


def _largest_share(classes: np.ndarray) -> float:
    """Share of the largest class among the rows that have one; 0 where none has."""
    counts = np.unique(classes[classes >= 0], return_counts=True)[1]
    return float(counts.max() / counts.sum()) if len(counts) else 0.0


def agreement_of(buckets: np.ndarray, classes: np.ndarray) -> float | None:
    """Normalised mutual information of buckets and classes: 0 for none, 1 where one gives the other; None without answers.

    buckets   int32 [pool]
    classes   int64 [pool]   negative where there is no answer
    """
    from sklearn.metrics import normalized_mutual_info_score

    answered = classes >= 0
    return round(float(normalized_mutual_info_score(classes[answered], buckets[answered])), 4) if answered.any() else None


def has_near_duplicate(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether another row has a cosine of NEAR or more with it: bool [rows], or [ROWS_ASKED] of a larger number of rows.

    vectors   float32 [rows, width]; a row of zeros is near to none

    Of more than ROWS_ASKED rows a random sample is held against all rows: time grows with the rows, not with their square.
    """
    from sklearn.neighbors import NearestNeighbors

    points = geometry.unit(vectors)
    asked = points[np.sort(rng.permutation(len(points))[:ROWS_ASKED])]
    if len(points) < 2:
        return np.zeros(len(points), bool)
    # Two, since a row that is asked for is itself among the rows. |a - b|^2 = 2 - 2 cos(a, b) for rows of length 1.
    distances, _ = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(points).kneighbors(asked)
    return (distances[:, 1] <= np.sqrt(2 - 2 * NEAR)) & asked.any(1)
