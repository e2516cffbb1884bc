"""Six rows of three classes, each measure worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.core.evaluation import accuracy, confusion, entropy_bits, macro_f1

ACTUAL = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = [0, 0, 1, 1, 2, 2]
PROBABILITIES = np.array([[0.2, 0.2, 0.2]] * 6, dtype=np.float32)
PROBABILITIES[np.arange(6), PREDICTED] = 0.6
COUNTS = [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def bits(*probabilities):
    return entropy_bits(np.array([probabilities], dtype=np.float32))[0]


def test_accuracy_is_the_share_of_rows_whose_likeliest_class_is_right():
    assert accuracy(PROBABILITIES, ACTUAL) == pytest.approx(4 / 6)


def test_equal_probabilities_name_the_lower_class():
    assert accuracy(np.full((1, 2), 0.5, np.float32), np.array([0])) == 1


def test_confusion_has_actual_classes_down_and_predicted_ones_across():
    assert confusion(PROBABILITIES, ACTUAL).tolist() == COUNTS


def test_confusion_has_a_row_for_a_class_that_is_neither_there_nor_predicted():
    certain = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    assert confusion(certain, np.array([0, 0])).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_macro_f1_is_the_mean_of_each_class_2tp_over_2tp_fp_fn():
    assert macro_f1(np.array(COUNTS)) == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)


def test_a_class_neither_there_nor_predicted_counts_0_in_macro_f1():
    assert macro_f1(np.array([[3, 0, 0], [0, 2, 0], [0, 0, 0]])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    actual, probabilities = rng.integers(4, size=30), rng.random((30, 5))  # class 4 never stands in the holdout
    expected = f1_score(actual, probabilities.argmax(1), labels=range(5), average="macro", zero_division=0)
    assert macro_f1(confusion(probabilities, actual)) == pytest.approx(expected)


def test_equal_classes_have_log2_of_their_number_in_bits():
    assert (bits(0.5, 0.5), bits(0.25, 0.25, 0.25, 0.25)) == (1, 2)


def test_unequal_classes_have_the_bits_of_the_textbook():
    assert bits(0.5, 0.25, 0.25) == 1.5


def test_a_certain_class_has_0_bits_and_never_minus_0():
    assert bits(0, 1) == 0
    assert not np.signbit(bits(0, 1))


def test_each_row_has_bits_of_its_own_in_float32():
    rows = entropy_bits(np.array([[1, 0], [0.5, 0.5]], dtype=np.float32))
    assert rows.tolist() == [0, 1]
    assert rows.dtype == np.float32
