"""Probabilities of labelled rows by models that were not trained on them: the only data that calibration may learn from."""

from collections.abc import Callable

import numpy as np

Judged = tuple[np.ndarray, np.ndarray]  # float32 [rows, classes] probabilities, int64 [rows] labels
Predict = Callable[[np.ndarray], np.ndarray]  # int64 [rows] of pool.jsonl -> float32 [rows, classes]


def by_other_seeds(labelled: np.ndarray, values: np.ndarray, models: list[Predict], classes: int) -> Judged:
    """Every labelled row, judged by the mean of the seeds' models that were not trained on it; nothing is trained for this.

    labelled   int64 [seeds, rows]   rows of pool.jsonl that each seed's model was trained on
    values     int64 [seeds, rows]   their labels
    models     one a seed

    Bagging, too, tests each model on the rows that it was not trained on (Breiman 1996). Rows without a class are left out, and so
    are rows that all models were trained on; the others come in the order of the pool.
    """
    rows, first = np.unique(labelled, return_index=True)
    actual = values.ravel()[first]
    rows, actual = rows[actual >= 0], actual[actual >= 0]
    total, votes = np.zeros((len(rows), classes)), np.zeros(len(rows))
    for own, predict in zip(labelled, models, strict=True):
        unseen = np.flatnonzero(~np.isin(rows, own))
        if len(unseen):
            total[unseen] += predict(rows[unseen])
            votes[unseen] += 1
    judged = votes > 0
    return (total[judged] / votes[judged, None]).astype(np.float32), actual[judged]
