"""Logistic regression on toy data: two or three clouds of points, far apart or not at all."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score

from stages.core.space import logistic_cv, sampling

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class")  # what asks for folds by itself hears of it


def clouds(labels, distance, seed=0):
    """float32 [rows, 4]: around `distance` on the axis of each row's label."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), 4))
    return (noise + distance * np.eye(4)[labels]).astype(np.float32)


def fit(inputs, labels, classes=3, folds=5):
    return logistic_cv.fit(inputs, labels, classes, folds, seed=0)


THREE = np.arange(30) % 3
TWO = np.arange(40) % 2
ELSEWHERE = clouds(THREE, distance=1, seed=1)


def test_classes_far_apart_are_told_apart():
    model = fit(clouds(THREE, distance=10), THREE)
    assert model.probabilities(clouds(THREE, distance=10, seed=1)).argmax(1).tolist() == THREE.tolist()


def test_classes_that_are_not_apart_stay_about_equally_likely():
    # Without regularisation the same rows give 0.14 to 0.71: its strength has to be chosen on rows held out.
    probabilities = fit(clouds(TWO, distance=0), TWO, classes=2).probabilities(ELSEWHERE)
    assert probabilities.min() > 0.4
    assert probabilities.max() < 0.6


@pytest.mark.parametrize("labels", [THREE, TWO, np.array([2, 2, 0]), np.array([1])], ids=["three", "two", "few", "one"])
def test_probabilities_are_float32_and_sum_to_1(labels):
    probabilities = fit(clouds(labels, distance=2), labels).probabilities(ELSEWHERE)
    assert probabilities.sum(1) == pytest.approx(np.ones(30), abs=1e-6)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (30, 3))


def test_a_row_far_from_all_others_is_certain_and_no_overflow():
    far = np.array([[0, 9000, 0, 0]], dtype=np.float32)
    assert fit(clouds(THREE, distance=10), THREE).probabilities(far).tolist() == [[0, 1, 0]]


def test_an_absent_class_has_probability_0_and_the_others_keep_their_numbers():
    labels = TWO * 2  # classes 0 and 2 of 3
    probabilities = fit(clouds(labels, distance=10), labels).probabilities(clouds([0, 2], distance=10, seed=1))
    assert probabilities[:, 1].tolist() == [0, 0]
    assert probabilities.argmax(1).tolist() == [0, 2]


def test_a_single_class_is_certain():
    model = fit(clouds([1, 1, 1], distance=0), np.array([1, 1, 1]))
    assert model.probabilities(ELSEWHERE[:2]).tolist() == [[0, 1, 0], [0, 1, 0]]


#               row  0  1  2  3  4  5  6  7
RARE = np.array([    0, 0, 1, 0, 2, 0, 1, 0])  # fmt: skip


def test_every_row_is_validated_once_but_one_alone_in_its_class_and_every_training_part_bears_every_class():
    folds = sampling.stratified_folds(RARE, 5, seed=0)
    assert len(folds) == 5
    assert sorted(row for _, validated in folds for row in validated) == [0, 1, 2, 3, 5, 6, 7]
    for trained, validated in folds:
        assert sorted([*trained, *validated]) == [*range(8)]
        assert set(RARE[trained]) == {0, 1, 2}


@pytest.mark.parametrize("labels", [RARE, np.array([0, 0, 1, 2])], ids=["fewer rows than folds", "most classes on one row"])
def test_rare_classes_are_fitted_without_a_warning(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(clouds(labels, distance=1), labels)


def test_folds_are_no_more_than_the_largest_class_has_rows():
    assert [len(sampling.stratified_folds(np.array(labels), 5, seed=0)) for labels in ([0, 0, 1], [0, 1, 1, 1], [0] * 9 + [1])] == [
        2,
        3,
        5,
    ]
    assert sampling.stratified_folds(np.array([2, 0, 1]), 5, seed=0) == []


@pytest.mark.parametrize(("distance", "c"), [(0, 0.01), (5, 100)])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_however_few_rows_a_class_has_regularisation_is_chosen(distance, c, rows):
    # Where nothing can be learned it is as strong as it may be, where all is plain as weak.
    labels = np.array([0] * 12 + [1] * 12 + [2] * rows)
    inputs = clouds(labels, distance)
    expected = LogisticRegression(C=c, max_iter=1000).fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_the_c_chosen_beside_rare_classes_has_the_least_log_loss_over_all_classes():
    labels = np.array([0] * 9 + [1] * 7 + [2] * 2 + [3])
    inputs = clouds(labels, distance=2)

    def loss(learner, trained, validated):
        said = learner.fit(inputs[trained], labels[trained]).predict_proba(inputs[validated])
        return log_loss(labels[validated], said, labels=[0, 1, 2, 3])

    learners = [LogisticRegression(C=c, max_iter=1000) for c in logistic_cv.STRENGTHS.tolist()]
    losses = [np.mean([loss(learner, *fold) for fold in sampling.stratified_folds(labels, 5, seed=0)]) for learner in learners]
    assert 0 < np.argmin(losses) < len(losses) - 1
    expected = learners[np.argmin(losses)].fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels, classes=4).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([0, 2])], ids=["three", "two"])
def test_where_no_class_has_two_rows_c_is_1(labels):
    inputs = clouds(labels, distance=1)
    expected = LogisticRegression(C=1, max_iter=1000).fit(inputs, labels).predict_proba(ELSEWHERE)
    probabilities = fit(inputs, labels).probabilities(ELSEWHERE)
    assert probabilities[:, labels] == pytest.approx(expected, abs=1e-5)


def test_c_is_chosen_on_a_sample_of_many_rows_and_the_model_fitted_on_all(monkeypatch):
    labels = np.array([0, 1] * 60)
    inputs = clouds(labels, distance=5)
    inputs[30:] = clouds(labels[30:], distance=0, seed=1)
    monkeypatch.setattr(logistic_cv, "stratified", lambda *_: np.arange(30))  # in these nothing overlaps, in most others all does
    expected = LogisticRegression(C=100, max_iter=1000).fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels, classes=2).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


def test_the_sample_bears_every_class_in_its_share_and_rare_ones_in_as_many_rows_as_folds():
    labels = np.random.default_rng(0).permutation([0] * 800 + [1] * 170 + [2] * 27 + [3] * 3)
    rows = sampling.stratified(labels, 100, 5, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [80, 17, 5, 3]
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() == sampling.stratified(labels, 100, 5, np.random.default_rng(0)).tolist()
    assert rows.tolist() != sampling.stratified(labels, 100, 5, np.random.default_rng(1)).tolist()
    assert sampling.stratified(labels[:100], 100, 5, np.random.default_rng(0)).tolist() == [*range(100)]


@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_probabilities_are_those_of_scikit_learn_with_the_c_of_least_log_loss(labels):
    inputs = clouds(labels, distance=1)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    learners = [
        LogisticRegression(C=c, max_iter=1000) for c in logistic_cv.STRENGTHS.tolist()
    ]  # float64 scalars would lift float32 inputs
    losses = [-cross_val_score(learner, inputs, labels, cv=folds, scoring="neg_log_loss").mean() for learner in learners]
    expected = learners[np.argmin(losses)].fit(inputs, labels).predict_proba(ELSEWHERE)
    probabilities = fit(inputs, labels, classes=len(np.unique(labels))).probabilities(ELSEWHERE)
    assert probabilities == pytest.approx(expected, abs=1e-5)
