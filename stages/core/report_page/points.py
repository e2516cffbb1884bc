"""The map: rows of the pool in two dimensions, and what is known of each."""

import numpy as np

from stages.core.report_page import bucket_words, shortened
from stages.core.rows.score_summary import ScoreSummary

MOST_CHARACTERS = 300
BUDGET = 3_000_000  # bytes of all texts on the page
GRID = 10_000  # points lie on so many places a side: finer than any screen


def points(
    rows: np.ndarray,
    places: np.ndarray,
    pool: list[str],
    answers: np.ndarray,
    buckets: np.ndarray,
    outlook: ScoreSummary | None,
    picked: list[np.ndarray],
) -> dict:
    """Columns of equal length, one entry a point; texts packed.

    rows      int64 [points]        rows of the pool
    places    float32 [points, 2]   0 to 1
    pool      all texts
    answers   int64 [pool]          class numbers, negative where there is none
    buckets   int32 [pool]
    outlook   of the last round before which there were models, if any
    picked    one entry a stage, in order: int64 [seeds, rows] that it added

    `picked` of the result is the number of the first stage that picked the row in some seed, -1 where none did; `seeds` in
    how many seeds it was picked up to the last.
    """
    first, seeds = np.full(len(pool), -1), np.zeros(len(pool), int)
    for number, added in enumerate(picked):
        for of_seed in added:
            seeds[of_seed] += 1
            first[of_seed[first[of_seed] < 0]] = number
    cut, length = shortened.fitting([pool[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.packed_size)
    on_grid = np.round(places * GRID).astype(int)
    return {
        "row": rows.tolist(),
        "x": on_grid[:, 0].tolist(),
        "y": on_grid[:, 1].tolist(),
        "bucket": buckets[rows].tolist(),
        "class": answers[rows].tolist(),
        "predicted": None if outlook is None else outlook.predicted[rows].tolist(),
        "score": None if outlook is None else [None if np.isnan(s) else round(float(s), 3) for s in outlook.scores[rows]],
        "picked": first[rows].tolist(),
        "seeds": seeds[rows].tolist(),
        "cut_at": length,
        "texts": shortened.packed(cut),
    }


def named_buckets(rows: np.ndarray, pool: list[str], buckets: np.ndarray) -> list[dict]:
    """Every bucket with its telling words, by the rows on the map, and its rows in the pool."""
    sizes = np.bincount(buckets)
    words = bucket_words.telling_words([pool[row] for row in rows], buckets[rows], len(sizes))
    return [{"words": of_bucket, "rows": int(size)} for of_bucket, size in zip(words, sizes)]
