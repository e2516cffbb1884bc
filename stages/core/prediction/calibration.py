"""Calibration: how far a model's probabilities can be believed, and the temperature that corrects them.

Probabilities are float32 [rows, classes], each row summing to 1; actual int64 [rows] are class numbers. Of texts that may have
several labels, these are choices between alternatives (Task.choices), if nothing else is said.
"""

from collections.abc import Callable

import numpy as np

from stages.core import task

Predict = Callable[[np.ndarray], np.ndarray]  # int64 [rows] of pool.jsonl -> float32 [rows, classes]
BINS = 15  # as in Guo et al. 2017, section 5
HOTTEST = 10.0  # temperatures are searched from 1 / HOTTEST to HOTTEST
LEAST = float(np.finfo(np.float32).tiny)  # stands in for a probability of 0, which has no logarithm
LEAST_ROWS = 30  # fewer rows say nothing about a temperature
SHOWN_FROM = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # thresholds in the table of `answered`


def by_other_seeds(labelled: np.ndarray, values: np.ndarray, models: list[Predict], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities, actual) of labelled rows, each judged by the mean of the seeds' models that were not trained on it.

    labelled   int64 [seeds, rows]   rows of pool.jsonl that each seed's model was trained on
    values     labels [seeds, rows] of these
    models     one a seed

    Bagging, too, tests each model on the rows that it was not trained on (Breiman 1996). Rows without a class are left out, and so
    are rows that all models were trained on; the others come in the order of the pool.
    """
    rows, first = np.unique(labelled, return_index=True)
    actual = values.reshape(labelled.size, *values.shape[2:])[first]
    known = task.codes(actual) >= 0
    rows, actual = rows[known], actual[known]
    total, votes = np.zeros((len(rows), classes)), np.zeros(len(rows))
    for own, predict in zip(labelled, models, strict=True):
        unseen = np.flatnonzero(~np.isin(rows, own))
        if len(unseen):
            total[unseen] += predict(rows[unseen])
            votes[unseen] += 1
    judged = votes > 0
    return (total[judged] / votes[judged, None]).astype(np.float32), actual[judged]


def scaled(probabilities: np.ndarray, temperature: float, kind: task.Task = task.SINGLE) -> np.ndarray:
    """Divide the logits by the temperature: above 1 the probabilities move closer together (Guo et al. 2017).

    What is predicted stays the same. A class of probability 0 keeps it. probabilities: as of Task.says
    """
    if temperature == 1:
        return probabilities
    return kind.says(kind.logits(probabilities.astype(np.float64)) / temperature).astype(np.float32)


def log_loss(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Mean of -log(probability of the right class), in nats. A probability of 0 counts as the smallest float32."""
    right = probabilities[np.arange(len(actual)), actual].astype(np.float64)
    return float(-np.log(np.maximum(right, LEAST)).mean())


def best_temperature(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """The temperature of least log-loss on rows that the model was not trained on, to four digits; 1 where it does not help.

    It helps if the loss falls by more than the standard error of its fall, so a handful of rows changes nothing. The target for
    the right class is (rows + 1) / (rows + classes), not 1 (Platt 1999, section 2.2): otherwise a model that gets every row right
    would become certain. scikit-learn's CalibratedClassifierCV has neither rule, and gives unseen classes a probability above 0.

    probabilities, actual   as of Task.says, and labels [rows]
    """
    from scipy.optimize import minimize_scalar

    texts, (probabilities, actual) = len(actual), task.of(actual).choices(probabilities, actual)

    # A class that a model never saw has probability 0 at every temperature: its rows would only add a constant.
    possible = probabilities[np.arange(len(actual)), actual] > 0
    probabilities, actual = probabilities[possible], actual[possible]
    rows, classes = probabilities.shape
    if min(rows, texts) < LEAST_ROWS or len(np.unique(actual)) < 2:
        return 1.0
    target = np.full((rows, classes), 1 / (rows + classes))
    target[np.arange(rows), actual] = (rows + 1) / (rows + classes)

    def losses(temperature: float) -> np.ndarray:
        return -(target * np.log(np.maximum(scaled(probabilities, temperature), LEAST))).sum(1)

    edge = np.log(HOTTEST)
    search = minimize_scalar(lambda log: losses(float(np.exp(log))).mean(), bounds=(-edge, edge), method="bounded")
    temperature = round(float(np.exp(search.x)), 4)
    fall = losses(1) - losses(temperature)
    return temperature if fall.mean() > fall.std(ddof=1) / np.sqrt(rows) else 1.0


def expected_error(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Expected calibration error: mean gap between the best class's probability and the share of rows that are right.

    Rows fall into 15 bins by that probability; each bin counts by its rows (Guo et al. 2017, equation 3).
    """
    sure, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == actual
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, right, BINS) - np.bincount(bins, sure, BINS)).sum() / len(actual))


def answered(probabilities: np.ndarray, actual: np.ndarray, abstain: float) -> dict:
    """What leaving rows open below a threshold gives: abstain, share of rows answered, accuracy on these (None if there are none).

    probabilities, actual   as of Task.says, and labels [rows]
    abstain                 rows of which Task.doubt has a lower probability stay open
    """
    kind = task.of(actual)
    kept = task.sureness(kind, probabilities, np.min) >= abstain
    right = kind.same(kind.predicted(probabilities), actual)[kept]
    accuracy = round(float(right.mean()), 6) if len(right) else None
    return {"abstain": abstain, "answered": round(float(kept.mean()), 6), "accuracy": accuracy}
