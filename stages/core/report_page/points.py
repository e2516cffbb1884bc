"""The map: rows of the pool in two dimensions, and what is known about each."""

import numpy as np

from stages.core import task
from stages.core.report_page import shortened
from stages.core.rows.score_summary import ScoreSummary

MOST_CHARACTERS = 300
BUDGET = 3_000_000  # bytes of all texts on the page
GRID = 10_000  # places a side on which points lie: finer than any screen
WORDS = 4  # that name a bucket
WORD = r"(?u)\b[^\W\d]\w+\b"  # two letters or more, not a number


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
    answers   labels [pool]         negative without an answer
    buckets   int32 [pool]
    summary   of the last round with models before it, if any
    picked    one entry a stage, in order: int64 [seeds, rows] that it added

    In the result, `class` is the class that a row counts for; `labels` are all it has, None where a text has one class. `picked`
    is the first stage that picked the row in some seed, -1 if none did; `seeds` is how many seeds did.
    """
    first, seeds = np.full(len(pool), -1), np.zeros(len(pool), int)
    for number, stage_rows in enumerate(picked):
        for seed_rows in stage_rows:
            seeds[seed_rows] += 1
            first[seed_rows[first[seed_rows] < 0]] = number
    packed_size = lambda some: len(shortened.packed(some))  # noqa: E731
    texts, length = shortened.fitting([pool[row] for row in rows], MOST_CHARACTERS, BUDGET, packed_size)
    classes, labels = task.of(answers).main(answers)[rows].tolist(), list(map(task.of(answers).shown, answers[rows]))
    on_grid = np.round(places * GRID).astype(int)
    return {
        "row": rows.tolist(),
        "x": on_grid[:, 0].tolist(),
        "y": on_grid[:, 1].tolist(),
        "bucket": buckets[rows].tolist(),
        "class": classes,
        "labels": None if labels == classes else labels,
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
    words = telling_words([pool[row] for row in rows], buckets[rows], len(sizes))
    return [{"words": best, "rows": int(size)} for best, size in zip(words, sizes)]


def telling_words(texts: list[str], buckets: np.ndarray, number: int) -> list[list[str]]:
    """The most telling words of each bucket, best first; none for a bucket without words.

    texts     of some rows of the pool
    buckets   int [rows]   bucket of each, below `number`

    Class-based tf-idf: all texts of a bucket are one document, and the square root of the frequency tames frequent words
    (Grootendorst 2022, "BERTopic"). scikit-learn's list of English stop words is left out.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(token_pattern=WORD, stop_words="english")
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # there is no word at all
        return [[] for _ in range(number)]
    words = vectorizer.get_feature_names_out()
    totals = np.stack([np.asarray(counts[np.flatnonzero(buckets == bucket)].sum(0)).ravel() for bucket in range(number)])
    shares = totals / np.maximum(totals.sum(1, keepdims=True), 1)
    weights = np.sqrt(shares) * np.log1p(totals.sum() / number / totals.sum(0))
    order = np.argsort(-weights, axis=1, kind="stable")[:, :WORDS]  # equal weights: by the alphabet
    return [[str(words[i]) for i in best if weights[bucket, i] > 0] for bucket, best in enumerate(order)]
