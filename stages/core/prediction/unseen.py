"""What models say of labelled rows that they were not trained on: all that calibration may learn from."""

import warnings
from collections.abc import Callable

import numpy as np

Said = tuple[np.ndarray, np.ndarray]


def by_the_others(labelled: np.ndarray, values: np.ndarray, ask: Callable[[int, np.ndarray], np.ndarray], classes: int) -> Said:
    """Every row as the mean of the models that do not know it sees it, those of the other seeds: no model is trained for it.

    labelled   int64 [seeds, rows]   rows of pool.jsonl that each seed's model was trained on
    values     int64 [seeds, rows]   their labels
    ask        number of a seed, rows of pool.jsonl int64 [rows] -> what its model says of them, float32 [rows, classes]
    classes    number of classes

    As in bagging, where each model's rows left out stand in for a test set (Breiman 1996). Returns (float32 [rows, classes],
    int64 [rows] labels) of the rows of a class, in the order of the pool; a row that all seeds know is left out.
    """
    rows, first = np.unique(labelled, return_index=True)
    actual = values.ravel()[first]
    rows, actual = rows[actual >= 0], actual[actual >= 0]
    total, asked = np.zeros((len(rows), classes)), np.zeros(len(rows))
    for seed, known in enumerate(labelled):
        unknown = np.flatnonzero(~np.isin(rows, known))
        if len(unknown):
            total[unknown] += ask(seed, rows[unknown])
            asked[unknown] += 1
    kept = asked > 0
    return (total[kept] / asked[kept, None]).astype(np.float32), actual[kept]


def by_folds(
    labelled: np.ndarray,
    values: np.ndarray,
    fit: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]],
    classes: int,
    folds: int,
    seed: int,
) -> Said:
    """Every row as a model sees it that was trained on the other folds: so many trainings.

    labelled, values   int64 [rows]   rows of pool.jsonl and their labels
    fit                rows of pool.jsonl to train on -> what that model says of others, as above

    Returns as `by_the_others` does, in the order of the folds; nothing where no class has two rows.
    """
    from sklearn.model_selection import StratifiedKFold

    rows, actual = labelled[values >= 0], values[values >= 0]
    counts = np.bincount(actual, minlength=1)
    if counts.max() < 2 or (counts > 0).sum() < 2:
        return np.empty((0, classes), np.float32), np.empty(0, np.int64)
    said, true = [], []
    splitter = StratifiedKFold(int(min(folds, counts.max())), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class in y has only", UserWarning)
        splits = list(splitter.split(rows, actual))
    for train, validation in splits:
        if len(np.unique(actual[train])) > 1:  # of a single class there is nothing to learn
            said.append(fit(rows[train])(rows[validation]))
            true.append(actual[validation])
    return np.concatenate([np.empty((0, classes), np.float32), *said]), np.concatenate([np.empty(0, np.int64), *true])
