"""trainer: self_training. Which open rows are learned from, and how much they weigh."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.core import learners
from stages.core.learners import probe, self_training
from stages.core.space import logistic, logistic_cv, sampling, self_trained

EMBED = SimpleNamespace(model="tiny", layers="last")
TRAIN = {"folds": 2, "class_weight": "even", "pseudo_share": 0.5, "pseudo_rows": 3_000, "pseudo_weight": 5}


def learner(classes=2, **changes):
    return self_training.Learner(SimpleNamespace(**TRAIN | changes), EMBED, None, classes)


def clouds(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [rows, 16], int64 [rows]): two clouds apart along one axis, which few rows do not reveal."""
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % 2
    points = rng.normal(0, 1, (rows, 16))
    points[:, 0] = rng.normal(0, 0.5, rows) + 4 * labels - 2
    return points.astype(np.float32), labels


def accuracy(model, pool, labels) -> float:
    return (model.probabilities(pool, "").argmax(1) == labels).mean()


def test_the_surest_share_of_each_class_is_taken_and_one_row_at_least():
    sure = np.array([0.9, 0.6, 0.7, 0.8, 0.55])
    probabilities = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    probabilities[[1, 4]] = probabilities[[1, 4], ::-1]  # class 1 is predicted for rows 1 and 4
    named, rows = sampling.surest(probabilities, share=0.5)
    assert (named.tolist(), rows.tolist()) == ([0, 0, 1], [0, 3, 1])
    named, rows = sampling.surest(probabilities[:2], share=0.1)
    assert (named.tolist(), rows.tolist()) == ([0, 1], [0, 1])


@pytest.mark.slow
def test_open_rows_improve_a_model_of_few_labels():
    pool, labels = clouds(400)
    gains = []
    for seed in range(10):
        rows = np.random.default_rng(seed).permutation(400)[:8]
        plain = probe.Learner(SimpleNamespace(folds=2, class_weight="none"), EMBED, None, 2).fit(pool, rows, labels[rows], seed, "")
        gains.append(accuracy(learner().fit(pool, rows, labels[rows], seed, ""), pool, labels) - accuracy(plain, pool, labels))
    assert np.mean(gains) > 0.01


def test_open_rows_weigh_as_pseudo_weight_says_and_the_same_in_every_class(monkeypatch):
    seen = []
    fitted = logistic.fitted
    monkeypatch.setattr(logistic, "fitted", lambda *given: seen.append(given) or fitted(*given))
    pool, labels = clouds(100)
    rows = np.arange(10)
    learner().fit(pool, rows, labels[rows], 0, "")
    (_, first, *_, first_weights), (_, second, *_, weights) = seen
    assert first.tolist() == labels[rows].tolist()
    assert first_weights.sum() == pytest.approx(10)
    assert weights[10:].sum() == pytest.approx(50)
    named = second[10:]
    assert [weights[10:][named == number].sum() for number in (0, 1)] == [pytest.approx(25), pytest.approx(25)]
    assert len(named) == pytest.approx(45, abs=1)  # half of the 90 that are open


def test_a_row_that_was_bought_and_has_no_class_is_not_guessed(monkeypatch):
    guessed = []
    monkeypatch.setattr(self_trained, "surest", lambda said, share: guessed.append(len(said)) or sampling.surest(said, share))
    pool, labels = clouds(100)
    closed = np.arange(10, 30)
    alone = np.concatenate([pool[:10], pool[30:]])  # as if these rows were not in the pool
    kept = learner(pseudo_share=0.999).fit(pool, np.arange(10), labels[:10], 0, "", None, closed)
    same = learner(pseudo_share=0.999).fit(alone, np.arange(10), labels[:10], 0, "")
    assert guessed == [70, 70]
    assert kept.probabilities(pool, "").tolist() == same.probabilities(pool, "").tolist()


@pytest.mark.parametrize(
    ("class_weight", "rows", "even"), [("none", [9, 3], False), ("auto", [8, 4], False), ("auto", [9, 2], True)]
)
def test_class_weights_are_none_or_even_where_labelled_classes_are_uneven(monkeypatch, class_weight, rows, even):
    seen, chosen, fitted = [], [], logistic.fitted
    monkeypatch.setattr(logistic, "fitted", lambda *given: seen.append(given[4]) or fitted(*given))
    choose = logistic_cv.choose
    monkeypatch.setattr(logistic_cv, "choose", lambda *given: chosen.append(given[4]) or choose(*given))
    pool, labels = clouds(100)
    labelled = np.concatenate([np.flatnonzero(labels == number)[:many] for number, many in enumerate(rows)])
    learner(class_weight=class_weight, pseudo_share=0.3).fit(pool, labelled, labels[labelled], 0, "")
    first, second = seen
    assert chosen == [even]
    assert (first is None) != even
    added = second[len(labelled) :]
    assert added.sum() == pytest.approx(5 * len(labelled))
    assert (np.ptp(added) < 1e-9) != even  # the guessed classes are uneven too
    assert (np.ptp(second[: len(labelled)]) < 1e-9) != even


def test_candidates_of_a_large_pool_are_a_seeded_sample_of_open_rows():
    some = learner(pseudo_rows=20)
    rows = some.candidates(1_000, np.arange(900), seed=3)
    assert (len(rows), rows.min()) == (40, pytest.approx(900, abs=20))
    assert rows.min() >= 900
    assert (rows == some.candidates(1_000, np.arange(900), seed=3)).all()
    assert rows.tolist() != some.candidates(1_000, np.arange(900), seed=4).tolist()
    assert some.candidates(910, np.arange(900), seed=3).tolist() == list(range(900, 910))  # a small pool gives all it has


@pytest.mark.parametrize(("labelled", "classes"), [(np.arange(100), 2), (np.array([0, 2, 4]), 1)])
def test_without_open_rows_or_with_one_class_it_is_the_plain_regression(labelled, classes):
    pool, labels = clouds(100)
    model = learner().fit(pool, labelled, labels[labelled], 0, "")
    assert len(model.regression.present) == classes
    choice = logistic_cv.choose(pool[labelled], labels[labelled], 2, 0, balanced=True)
    plain = logistic.fitted(pool[labelled], labels[labelled], 2, choice, logistic.evened(labels[labelled]))
    assert model.probabilities(pool, "").tolist() == plain.probabilities(pool).tolist()


@pytest.mark.parametrize("name", ["probe", "self_training"])
def test_of_very_many_labelled_rows_a_sample_is_learned_from(monkeypatch, name):
    pool, labels = clouds(400)
    rows = np.arange(100, 400)
    monkeypatch.setattr(sampling, "FIT_ROWS", 40)
    few = rows[sampling.stratified(labels[rows], 40, 2, np.random.default_rng(7))]
    assert len(few) == 40
    made = learners.named(SimpleNamespace(trainer=name, **TRAIN | {"pseudo_rows": 0}), EMBED, None, 2)
    of_all, of_few = (made.fit(pool, some, labels[some], 7, "") for some in (rows, few))
    assert of_all.probabilities(pool, "").tobytes() == of_few.probabilities(pool, "").tobytes()
