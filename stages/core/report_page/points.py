"""The map: rows of the pool in two dimensions, and what is known about each."""

import numpy as np

from stages.core.report_page import bucket_words, shortened
from stages.core.rows.score_summary import ScoreSummary

MOST_CHARACTERS = 300
BUDGET = 3_000_000  # bytes of all texts on the page
GRID = 10_000  # places a side on which points lie: finer than any screen


def points(
    rows: np.ndarray,
    places: np.ndarray,
    pool: list[str],
    answers: np.ndarray,
    buckets: np.ndarray,
    summary: ScoreSummary | None,
    picked: list[np.ndarray],
) -> dict:
    """Columns of equal length, one entry a point; texts packed.

    rows      int64 [points]        rows of the pool
    places    float32 [points, 2]   0 to 1
    pool      all texts
    answers   int64 [pool]          class numbers, negative without an answer
    buckets   int32 [pool]
    summary   of the last round with models before it, if any
    picked    one entry a stage, in order: int64 [seeds, rows] that it added

    In the result, `picked` is the number of the first stage that picked the row in some seed, -1 if none did; `seeds` is the
    number of seeds that picked it.
    """
    first, seeds = np.full(len(pool), -1), np.zeros(len(pool), int)
    for number, stage_rows in enumerate(picked):
        for seed_rows in stage_rows:
            seeds[seed_rows] += 1
            first[seed_rows[first[seed_rows] < 0]] = number
    texts, length = shortened.fitting(
        [pool[row] for row in rows], MOST_CHARACTERS, BUDGET, lambda some: len(shortened.packed(some))
    )
    on_grid = np.round(places * GRID).astype(int)
    return {
        "row": rows.tolist(),
        "x": on_grid[:, 0].tolist(),
        "y": on_grid[:, 1].tolist(),
        "bucket": buckets[rows].tolist(),
        "class": answers[rows].tolist(),
        "predicted": None if summary is None else summary.predicted[rows].tolist(),
        "score": None if summary is None else [None if np.isnan(s) else round(float(s), 3) for s in summary.scores[rows]],
        "picked": first[rows].tolist(),
        "seeds": seeds[rows].tolist(),
        "cut_at": length,
        "texts": shortened.packed(texts),
    }


def named_buckets(rows: np.ndarray, pool: list[str], buckets: np.ndarray) -> list[dict]:
    """Every bucket with its telling words, from the rows on the map, and its number of rows in the pool."""
    sizes = np.bincount(buckets)
    words = bucket_words.telling_words([pool[row] for row in rows], buckets[rows], len(sizes))
    return [{"words": best, "rows": int(size)} for best, size in zip(words, sizes)]
