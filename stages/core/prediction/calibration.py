"""Does a model that says 0.9 nine times in ten say right? How far it is from that, and the one number that mends most of it.

Probabilities are float32 [rows, classes], each row summing to 1; actual int64 [rows] are class numbers.
"""

import numpy as np

BINS = 15  # as in Guo et al. 2017, section 5
HOTTEST = 10.0  # temperatures are sought from 1 / HOTTEST to here
LEAST = float(np.finfo(np.float32).tiny)  # in place of a probability of 0, which has no logarithm
LEAST_ROWS = 30  # fewer say nothing about a temperature
SHOWN_FROM = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # of the table of `answered`


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities whose logarithms were divided by the temperature: above 1 they come nearer to each other (Guo et al. 2017).

    The likeliest class stays the likeliest. A class of probability 0 keeps it.
    """
    if temperature == 1:
        return probabilities
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities.astype(np.float64)) / temperature
    odds = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32)


def log_losses(probabilities: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """float64 [rows]: -log of the probability that the right class was given, in nats; that of 0 taken for the least there is."""
    given = probabilities[np.arange(len(actual)), actual].astype(np.float64)
    return -np.log(np.maximum(given, LEAST))


def best_temperature(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """The temperature of least log-loss on rows that the model was not trained on, to four digits; 1 where it does not help.

    It helps where the loss falls by more than the standard error of its fall: a handful of rows moves no probability. The right
    class is aimed at with (rows + 1) / (rows + classes), not 1, as in Platt 1999, section 2.2: where all rows are right no
    probability should become certain.
    """
    from scipy.optimize import minimize_scalar

    # A class that a model was never shown has probability 0 at any temperature: its rows would only add a constant.
    possible = probabilities[np.arange(len(actual)), actual] > 0
    probabilities, actual = probabilities[possible], actual[possible]
    rows, classes = probabilities.shape
    if rows < LEAST_ROWS or len(np.unique(actual)) < 2:
        return 1.0
    aim = np.full((rows, classes), 1 / (rows + classes))
    aim[np.arange(rows), actual] = (rows + 1) / (rows + classes)

    def losses(temperature: float) -> np.ndarray:
        return -(aim * np.log(np.maximum(scaled(probabilities, temperature), LEAST))).sum(1)

    edge = np.log(HOTTEST)
    found = minimize_scalar(lambda log: losses(float(np.exp(log))).mean(), bounds=(-edge, edge), method="bounded")
    temperature = round(float(np.exp(found.x)), 4)
    fall = losses(1) - losses(temperature)
    return temperature if fall.mean() > fall.std(ddof=1) / np.sqrt(rows) else 1.0


def expected_error(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """Expected calibration error: how far the best class's probability is from the share that is right, on average over the rows.

    Rows are put into 15 bins by that probability; a bin counts by its rows (Guo et al. 2017, equation 3).
    """
    sure, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == actual
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, right, BINS) - np.bincount(bins, sure, BINS)).sum() / len(actual))


def answered(probabilities: np.ndarray, actual: np.ndarray, abstain: float) -> dict:
    """What comes of leaving rows open whose best class has a probability below `abstain`: abstain, share answered, accuracy.

    The accuracy is that on the rows answered, None where there are none.
    """
    kept = probabilities.max(1) >= abstain
    right = (probabilities.argmax(1) == actual)[kept]
    accuracy = round(float(right.mean()), 6) if len(right) else None
    return {"abstain": abstain, "answered": round(float(kept.mean()), 6), "accuracy": accuracy}
