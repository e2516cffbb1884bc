"""Folds of labelled rows: each row with a class is judged once, by a model that has not seen it."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.core.arms import cross_validation
from stages.core.rows.labels import CONFLICT, Labels


class Fitter:
    """Its models give class 0 the probability 0.9; it keeps which rows they learned from, and which they judged."""

    classes = 3

    def __init__(self):
        self.trained_on, self.judged = [], []

    def fit(self, rows, paid, seed, title):
        self.trained_on.append(rows.tolist())

        def probabilities(others):
            assert not set(rows) & set(others)
            self.judged += others.tolist()
            return np.tile(np.float32([0.9, 0.05, 0.05]), (len(others), 1))

        return SimpleNamespace(probabilities=probabilities)

    def each(self, function, *of_fits):
        return list(map(function, *of_fits))


def bought(values) -> tuple[np.ndarray, Labels]:
    """Rows from 10 on that were bought with these labels."""
    rows = np.arange(10, 10 + len(values))
    return rows, Labels(np.array([-1] * 10 + values), len(values)).buy(rows)


def test_every_row_with_a_class_is_judged_once_by_a_model_that_has_not_seen_it():
    fitter, (rows, paid) = Fitter(), bought([0, 1] * 5 + [CONFLICT, 1])
    probabilities, actual = cross_validation.by_folds(fitter, rows, paid, 3, 0, "")
    assert sorted(fitter.judged) == [row for row in rows if row != 20]
    assert [len(trained) for trained in fitter.trained_on] == [11 - len(part) for part in np.array_split(range(11), 3)]
    assert (probabilities.shape, probabilities.dtype) == ((11, 3), np.float32)
    assert actual.tolist() == [paid.of(np.array([row]))[0] for row in fitter.judged]


@pytest.mark.parametrize(
    ("values", "accuracy"), [([0] * 4 + [1] * 3 + [2] * 3, 0.4), ([1] * 2 + [2] * 9, 0.0), ([0] * 9 + [2], 0.9)]
)
def test_rows_of_rare_classes_are_validated_too(values, accuracy):
    fitter, (rows, paid) = Fitter(), bought(values)
    assert cross_validation.cross_validated(fitter, rows, paid, 0) == accuracy


def test_a_fold_that_leaves_one_class_to_learn_from_trains_nothing_and_names_that_class():
    fitter, (rows, paid) = Fitter(), bought([1] * 9 + [2])
    probabilities, actual = cross_validation.by_folds(fitter, rows, paid, 3, 0, "")
    assert (len(fitter.trained_on), len(actual)) == (2, 10)
    named = [row.tolist() for row in probabilities if row.max() == 1]
    assert named == [[0, 1, 0]] * 4  # one fold of four rows, the only one of class 2 among them


@pytest.mark.parametrize("values", [[0, 1] * 4, [1] * 12, [CONFLICT] * 12, []])
def test_too_few_rows_or_one_class_say_nothing(values):
    fitter, (rows, paid) = Fitter(), bought(values)
    assert cross_validation.cross_validated(fitter, rows, paid, 0) is None
    assert fitter.trained_on == []


@pytest.mark.parametrize("values", [[1, 1, 1], [0, 1, 2], []])
def test_folds_need_two_classes_and_two_rows_of_one(values):
    probabilities, actual = cross_validation.by_folds(Fitter(), *bought(values), 5, 0, "")
    assert (probabilities.shape, actual.shape) == ((0, 3), (0,))
