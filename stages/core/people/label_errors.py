"""Answers that may be wrong: those that a cross-validated model finds least likely, for `make doubts` and the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from stages.core.base import params, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import conflicts, journal
from stages.core.people.records.journal import CANNOT_SAY, DECIDED
from stages.core.space import logistic, logistic_cv, probe_model, sampling

SHARE, LEAST = 0.1, 10  # of the answers, how many are listed
FOLDS, REPEATS = 5, 5
Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Doubt:
    """
    label         the answer that counts now
    probability   that the model gives it, without having seen it
    likelier      the class that the model would name
    """

    key: str
    label: str
    probability: float
    likelier: str


def worst(doubts: list[Doubt]) -> list[Doubt]:
    """Those that are worth a second look, of a list whose worst come first."""
    return doubts[: max(LEAST, round(SHARE * len(doubts)))]


def looked_at_twice(rename: Mapping[str, str]) -> set[str]:
    """Keys of texts that somebody answered, and then once more in the same way: so it is meant."""
    found = set()
    for who in journal.annotators():
        last, twice = {}, {}
        for answer in journal.history(who):
            label = conflicts.renamed(answer.label, rename)
            twice[answer.key] = bool(label) and last.get(answer.key) == label
            last[answer.key] = label
        found |= {key for key in twice if twice[key]}
    return found


def listed(state: Labelling, found: conflicts.Resolved) -> list[Doubt]:
    """All answers to texts of the pool that were not looked at again already, the least likely first.

    By the probability of the label that was given, out of fold: the self-confidence of confident learning (Northcutt et al. 2021),
    whose thresholds and counts it leaves out. An answer that is alone in its class cannot be judged, and is not listed.
    """
    keys = [key for key, text in state.texts.items() if not text.held and found.labels.get(key, CANNOT_SAY) != CANNOT_SAY]
    rows = np.array([state.texts[key].row for key in keys], np.int64)
    labels = np.array([state.classes.index(found.labels[key]) for key in keys], np.int64)
    counts = np.unique(labels, return_counts=True)[1]
    if len(keys) < LEAST or len(counts) < 2:
        raise Refused(f"{len(keys):,} answers of {len(counts)} classes, possible: {LEAST} or more, of 2 or more; label more first")
    pool = probe_model.read(paths.POOL, paths.EMBEDDINGS, params.read("embed").embed.model)
    said = judged(pool[rows], labels, len(state.classes), state.settings.seeds[0])
    own = said[np.arange(len(labels)), labels]
    meant = journal.current(journal.history(DECIDED)).keys() | looked_at_twice(state.rename)
    order = [i for i in np.argsort(own, kind="stable") if not np.isnan(own[i]) and keys[i] not in meant]
    return [Doubt(keys[i], state.classes[labels[i]], float(own[i]), state.classes[said[i].argmax()]) for i in order]


def judged(vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: as `out_of_fold`, by regression on vectors, whatever the trainer.

    vectors   float [rows, width] or [rows, layers, width]

    Its regularisation is chosen once, on all rows: of a label that is one of hundreds it tells next to nothing.
    """
    choice = logistic_cv.choose(vectors, labels, FOLDS, seed)

    def predict(trained: np.ndarray, asked_of: np.ndarray) -> np.ndarray:
        return logistic.fitted(vectors[trained], labels[trained], classes, choice).probabilities(vectors[asked_of])

    return out_of_fold(predict, labels, classes, seed)


def out_of_fold(predict: Predict, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """float32 [rows, classes]: mean probabilities of each row by models that were not trained on it, one of each of REPEATS
    divisions into folds; NaN where it is alone in its class.

    predict   (rows to train on, rows to ask) -> float32 [asked, classes]
    labels    int64 [rows]   class numbers

    Stratified and seeded; a row that is alone in its class is trained on in all folds.
    """
    said = np.zeros((len(labels), classes), np.float32)
    judges = np.zeros(len(labels), int)
    for division in np.random.default_rng(seed).integers(2**31, size=REPEATS):
        with logistic.quietly():
            splits = sampling.stratified_folds(labels, FOLDS, int(division))
        for trained, held in splits:
            said[held] += predict(trained, held)
            judges[held] += 1
    said[judges == 0] = np.nan
    return said / np.maximum(judges, 1)[:, None]


def by_whom(found: conflicts.Resolved, key: str) -> str:
    """Who says what of a text."""
    by = found.said.get(key) or {"the source": found.labels[key]}
    return ", ".join(f"{who} {label}" for who, label in sorted(by.items()))
