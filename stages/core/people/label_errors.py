"""Answers that may be wrong, because a cross-validated model finds them unlikely; for `make doubts` and the page.

Where a text may have several labels, a doubt is about one of them: one that was given seems wrong, or one seems to be missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from stages.core import task
from stages.core.base import params, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import conflicts, journal
from stages.core.people.records.journal import CANNOT_SAY, DECIDED
from stages.core.space import layers, logistic, logistic_cv, probe_model, sampling, sigmoids

SHARE, LEAST = 0.1, 10  # of the answers, how many are shown
FOLDS, REPEATS = 5, 5
Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Doubt:
    key: str
    label: str  # the current answer
    probability: float  # that a model which has not seen the answer gives it; of several labels, to the one in doubt
    likelier: str  # the class that this model predicts; of several labels, the answer with or without the one in doubt


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
    labels = state.kind.array([state.kind.read(resolved.labels[key]) for key in keys], state.classes)
    different = len(np.unique(state.kind.main(labels)))
    if len(keys) < LEAST or different < 2:
        raise Refused(f"{len(keys):,} answers of {different} classes, possible: {LEAST} or more, of 2 or more; label more first")
    pool = probe_model.read(paths.POOL, paths.EMBEDDINGS, params.read("embed").embed.model)
    probabilities = judged(pool[rows], labels, len(state.classes), state.settings.seeds[0])
    own, likelier = state.kind.doubted(probabilities, labels)
    likelier = list(map(state.kind.written, state.kind.named(likelier, state.classes)))
    settled = journal.answers_of(DECIDED).keys() | confirmed(state.present)
    order = [i for i in np.argsort(own, kind="stable") if not np.isnan(own[i]) and keys[i] not in settled]
    return [Doubt(keys[i], resolved.labels[keys[i]], float(own[i]), likelier[i]) for i in order]


def judged(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: `out_of_fold` probabilities of a regression on vectors, whatever train.trainer is.

    vectors   float [rows, width] or [rows, layers, width]
    labels    [rows]

    The regularisation is chosen once, on all rows: one label among hundreds hardly influences it.
    """
    kind = task.of(labels)
    predict = {"of_one": _of_one, "of_several": _of_several}[kind.regression](vectors, labels, classes, seed)
    return out_of_fold(predict, kind.main(labels), classes, seed)


def _of_one(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Predict:
    choice = logistic_cv.choose(vectors, labels, FOLDS, seed)
    return lambda trained, asked: logistic.fitted(vectors[trained], labels[trained], classes, choice).probabilities(vectors[asked])


def _of_several(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Predict:
    """Rows with a label weigh as much as those without it, or a rare one would always seem wrong. NaN where no row has it."""
    kind, train, rows = task.of(labels), SimpleNamespace(folds=FOLDS), np.arange(len(labels))
    there, weights = labels.astype(np.float32), kind.evened(labels).astype(np.float32)
    last, strength, *_ = sigmoids.chosen(vectors, labels, weights, train, seed, "", rows)
    points = layers.weighted(vectors, last)

    def predict(trained: np.ndarray, asked: np.ndarray) -> np.ndarray:
        said = np.full((len(asked), classes), np.nan, np.float32)
        fit = np.flatnonzero(np.ptp(labels[trained], axis=0))
        columns = np.ix_(trained, fit)
        slopes, bias = sigmoids.fitted(points[trained], there[columns], weights[columns], np.full(len(fit), strength))
        said[:, fit] = kind.says(points[asked] @ slopes.T + bias)
        return said

    return predict


def out_of_fold(predict: Predict, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: each row's mean probabilities over REPEATS divisions into folds, by models not trained on the row.

    predict   (rows to train on, rows to ask) -> float32 [asked, classes]
    labels    int64 [rows]   class numbers; of several labels, Task.main

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
