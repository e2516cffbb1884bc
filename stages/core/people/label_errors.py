"""Answers that may be wrong, because a cross-validated model finds them unlikely; for `make doubts` and the page."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stages.core.base import params, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import conflicts, journal
from stages.core.people.records.journal import CANNOT_SAY, DECIDED
from stages.core.space import logistic, logistic_cv, probe_model, sampling

SHARE, LEAST = 0.1, 10  # of the answers, how many are shown
FOLDS, REPEATS = 5, 5
Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Doubt:
    key: str
    label: str  # the current answer
    probability: float  # that a model which has not seen the answer gives it
    likelier: str  # the class that this model predicts


def worst(doubts: list[Doubt]) -> list[Doubt]:
    """The doubts worth a second look, of a list with the worst first."""
    return doubts[: max(LEAST, round(SHARE * len(doubts)))]


def confirmed(present: Callable[[str], str]) -> set[str]:
    """Keys of texts that one annotator answered twice in a row with the same label. `present`: as Labelling.present."""
    keys = set()
    for who in journal.annotators():
        last, twice = {}, {}
        for answer in journal.history(who):
            label = present(answer.label)
            twice[answer.key] = bool(label) and last.get(answer.key) == label
            last[answer.key] = label
        keys |= {key for key in twice if twice[key]}
    return keys


def listed(state: Labelling, resolved: conflicts.Resolved | None = None) -> list[Doubt]:
    """All answers to texts of the pool, the least likely first, without those that were decided or confirmed.

    Ordered by the out-of-fold probability of the given label: the self-confidence of confident learning (Northcutt et al. 2021)
    without its thresholds and counts. A class with a single answer is left out. Raises Refused for too few answers.
    """
    resolved = resolved or state.resolved()
    keys = [key for key in state.pool_keys() if resolved.labels.get(key, CANNOT_SAY) != CANNOT_SAY]
    rows = np.array([state.texts[key].row for key in keys], np.int64)
    labels = np.array([state.classes.index(resolved.labels[key]) for key in keys], np.int64)
    different = len(np.unique(labels))
    if len(keys) < LEAST or different < 2:
        raise Refused(f"{len(keys):,} answers of {different} classes, possible: {LEAST} or more, of 2 or more; label more first")
    pool = probe_model.read(paths.POOL, paths.EMBEDDINGS, params.read("embed").embed.model)
    probabilities = judged(pool[rows], labels, len(state.classes), state.settings.seeds[0])
    own = probabilities[np.arange(len(labels)), labels]
    settled = journal.answers_of(DECIDED).keys() | confirmed(state.present)
    order = [i for i in np.argsort(own, kind="stable") if not np.isnan(own[i]) and keys[i] not in settled]
    return [Doubt(keys[i], state.classes[labels[i]], float(own[i]), state.classes[probabilities[i].argmax()]) for i in order]


def judged(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: `out_of_fold` probabilities of a regression on vectors, whatever train.trainer is.

    vectors   float [rows, width] or [rows, layers, width]
    labels    int64 [rows]

    The regularisation is chosen once, on all rows: one label among hundreds hardly influences it.
    """
    choice = logistic_cv.choose(vectors, labels, FOLDS, seed)

    def predict(trained: np.ndarray, asked: np.ndarray) -> np.ndarray:
        return logistic.fitted(vectors[trained], labels[trained], classes, choice).probabilities(vectors[asked])

    return out_of_fold(predict, labels, classes, seed)


def out_of_fold(predict: Predict, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: each row's mean probabilities over REPEATS divisions into folds, by models not trained on the row.

    predict   (rows to train on, rows to ask) -> float32 [asked, classes]
    labels    int64 [rows]   class numbers

    Folds are stratified and seeded. A row alone in its class is trained on in every fold, and is NaN.
    """
    total = np.zeros((len(labels), classes), np.float32)
    models = np.zeros(len(labels), int)
    for division in np.random.default_rng(seed).integers(2**31, size=REPEATS):
        with logistic.quietly():
            splits = sampling.stratified_folds(labels, FOLDS, int(division))
        for trained, left_out in splits:
            total[left_out] += predict(trained, left_out)
            models[left_out] += 1
    total[models == 0] = np.nan
    return total / np.maximum(models, 1)[:, None]
