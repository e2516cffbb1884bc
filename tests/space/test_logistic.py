"""Logistic regression on toy data: two or three clouds of points, far apart or not at all."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score

from stages.core.space import logistic, logistic_cv, sampling

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class")  # raised where a test makes folds itself


def clouds(labels, distance, seed=0):
    """float32 [rows, 4]: around `distance` on the axis of each row's label."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), 4))
    return (noise + distance * np.eye(4)[labels]).astype(np.float32)


def fit(inputs, labels, classes=3, folds=5):
    return logistic.fitted(inputs, labels, classes, logistic_cv.choose(inputs, labels, folds, seed=0))


def plain(c):
    """scikit-learn's regression; C is no float64 scalar, which would lift float32 inputs."""
    return LogisticRegression(C=float(c), max_iter=1000)


THREE = np.arange(30) % 3
TWO = np.arange(40) % 2
ELSEWHERE = clouds(THREE, distance=1, seed=1)


def test_classes_far_apart_are_separated():
    model = fit(clouds(THREE, distance=10), THREE)
    assert model.probabilities(clouds(THREE, distance=10, seed=1)).argmax(1).tolist() == THREE.tolist()
    far = np.array([[0, 9000, 0, 0]], dtype=np.float32)
    assert model.probabilities(far).tolist() == [[0, 1, 0]]  # no overflow


def test_classes_in_one_place_stay_about_equally_likely():
    # Without regularisation the same rows give 0.14 to 0.71.
    probabilities = fit(clouds(TWO, distance=0), TWO, classes=2).probabilities(ELSEWHERE)
    assert 0.4 < probabilities.min() < probabilities.max() < 0.6


@pytest.mark.parametrize("labels", [THREE, TWO * 2, np.array([2, 2, 0]), np.array([1, 1, 1])], ids=["three", "two", "few", "one"])
def test_probabilities_are_float32_sum_to_1_and_are_0_for_absent_classes(labels):
    probabilities = fit(clouds(labels, distance=10), labels).probabilities(clouds(labels, distance=10, seed=1))
    assert probabilities.sum(1) == pytest.approx(np.ones(len(labels)), abs=1e-6)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (len(labels), 3))
    assert (probabilities[:, np.setdiff1d(range(3), labels)] == 0).all()
    assert probabilities.argmax(1).tolist() == labels.tolist()


#               row  0  1  2  3  4  5  6  7
RARE = np.array([    0, 0, 1, 0, 2, 0, 1, 0])  # fmt: skip


def test_folds_validate_each_row_once_except_the_only_one_of_a_class_and_train_on_every_class():
    folds = sampling.stratified_folds(RARE, 5, seed=0)
    assert len(folds) == 5
    assert sorted(row for _, validated in folds for row in validated) == [0, 1, 2, 3, 5, 6, 7]
    for trained, validated in folds:
        assert sorted([*trained, *validated]) == [*range(8)]
        assert set(RARE[trained]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("class_weight", "counts", "even"),
    [("even", [5, 4], True), ("none", [9, 1], False), ("auto", [6, 2], False), ("auto", [7, 2], True), ("auto", [8, 8, 2], True)],
)
def test_rows_weigh_alike_or_classes_do_as_set_and_auto_goes_by_the_shares_of_classes(class_weight, counts, even):
    labels = np.repeat([0, 2, 3][: len(counts)], counts)
    weights = logistic.row_weights(labels, class_weight)
    assert (weights is not None) == even
    if even:
        assert [weights[labels == number].sum() for number in np.unique(labels)] == pytest.approx(
            [len(labels) / len(counts)] * len(counts)
        )


def test_copies_of_a_row_stand_on_one_side_of_every_fold():
    copies = np.array([5, 7, 5, 2, 8, 7, 9, 2, 5, 4])
    labels = np.array([0, 1, 0, 1, 1, 1, 0, 1, 0, 2])
    folds = sampling.stratified_folds(labels, 5, 0, copies)
    assert len(folds) == 3  # of class 1, which has most, three different rows
    for trained, validated in folds:
        assert sorted([*trained, *validated]) == [*range(10)]
        assert not set(copies[trained]) & set(copies[validated])
        assert set(labels[trained]) == {0, 1, 2}
    assert sorted({number for _, validated in folds for number in copies[validated]}) == [2, 5, 7, 8, 9]


def test_regularisation_of_a_bootstrap_sample_is_not_chosen_on_copies_of_what_is_trained_on():
    # Classes that nothing tells apart: a row that has a copy in the training part is predicted the better, the weaker the penalty.
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(40, 60)).astype(np.float32), np.arange(40) % 2
    drawn = rng.choice(40, 120)
    told, untold = (logistic_cv.choose(points[drawn], labels[drawn], 5, 0, numbers=numbers).strength for numbers in (drawn, None))
    assert 0.01 == told < untold  # the strongest penalty


@pytest.mark.parametrize(("labels", "folds"), [([0, 0, 1], 2), ([0, 1, 1, 1], 3), ([0] * 9 + [1], 5), ([2, 0, 1], 0)])
def test_there_are_no_more_folds_than_rows_of_the_largest_class(labels, folds):
    assert len(sampling.stratified_folds(np.array(labels), 5, seed=0)) == folds


@pytest.mark.parametrize("labels", [RARE, np.array([0, 0, 1, 2])], ids=["fewer rows than folds", "most classes have one row"])
def test_rare_classes_are_fitted_without_a_warning(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(clouds(labels, distance=1), labels)


@pytest.mark.parametrize(("distance", "c", "rows"), [(0, 0.01, 1), (5, 100, 1), (0, 0.01, 2), (5, 100, 3)])
def test_regularisation_is_chosen_however_few_rows_a_class_has(distance, c, rows):
    # The strongest where nothing can be learned, the weakest where the classes are far apart.
    labels = np.array([0] * 12 + [1] * 12 + [2] * rows)
    inputs = clouds(labels, distance)
    expected = plain(c).fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


def test_the_chosen_c_has_the_least_log_loss_over_all_classes_rare_ones_included():
    labels = np.array([0] * 9 + [1] * 7 + [2] * 2 + [3])
    inputs = clouds(labels, distance=2)

    def loss(learner, trained, validated):
        probabilities = learner.fit(inputs[trained], labels[trained]).predict_proba(inputs[validated])
        return log_loss(labels[validated], probabilities, labels=[0, 1, 2, 3])

    learners, folds = [plain(c) for c in logistic_cv.STRENGTHS], sampling.stratified_folds(labels, 5, seed=0)
    losses = [np.mean([loss(learner, *fold) for fold in folds]) for learner in learners]
    assert 0 < np.argmin(losses) < len(losses) - 1
    expected = learners[np.argmin(losses)].fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels, classes=4).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([0, 2])], ids=["three", "two"])
def test_c_is_1_where_no_class_has_two_rows(labels):
    inputs = clouds(labels, distance=1)
    expected = plain(1).fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels).probabilities(ELSEWHERE)[:, labels] == pytest.approx(expected, abs=1e-5)


def test_c_is_chosen_on_a_sample_and_the_model_fitted_on_all_rows(monkeypatch):
    labels = np.array([0, 1] * 60)
    inputs = clouds(labels, distance=5)
    inputs[30:] = clouds(labels[30:], distance=0, seed=1)
    monkeypatch.setattr(logistic_cv, "stratified", lambda *_: np.arange(30))  # the classes overlap in the other rows only
    expected = plain(100).fit(inputs, labels).predict_proba(ELSEWHERE)
    assert fit(inputs, labels, classes=2).probabilities(ELSEWHERE) == pytest.approx(expected, abs=1e-5)


def test_a_sample_keeps_the_shares_of_classes_and_enough_rows_of_rare_ones():
    labels = np.random.default_rng(0).permutation([0] * 800 + [1] * 170 + [2] * 27 + [3] * 3)
    rows, again, other = (sampling.stratified(labels, 100, 5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.bincount(labels[rows]).tolist() == [80, 17, 5, 3]
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() == again.tolist() != other.tolist()
    assert sampling.stratified(labels[:100], 100, 5, np.random.default_rng(0)).tolist() == [*range(100)]


@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_probabilities_equal_those_of_scikit_learn_with_the_c_of_least_log_loss(labels):
    inputs, folds = clouds(labels, distance=1), StratifiedKFold(5, shuffle=True, random_state=0)
    learners = [plain(c) for c in logistic_cv.STRENGTHS]
    losses = [-cross_val_score(learner, inputs, labels, cv=folds, scoring="neg_log_loss").mean() for learner in learners]
    expected = learners[np.argmin(losses)].fit(inputs, labels).predict_proba(ELSEWHERE)
    probabilities = fit(inputs, labels, classes=len(np.unique(labels))).probabilities(ELSEWHERE)
    assert probabilities == pytest.approx(expected, abs=1e-5)
