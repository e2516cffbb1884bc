"""Six rows of three classes, each measure worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.core import task
from stages.core.rows.measures import accuracy, by_row, chosen, macro_f1

ACTUAL = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = [0, 0, 1, 1, 2, 2]
PROBABILITIES = np.array([[0.2, 0.2, 0.2]] * 6, dtype=np.float32)
PROBABILITIES[np.arange(6), PREDICTED] = 0.6
COUNTS = [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def confusion(probabilities, actual):
    return task.SINGLE.table(task.SINGLE.predicted(probabilities), actual, probabilities.shape[1])[0]


def certain_of(classes_predicted, classes):
    """float32 [rows, classes]: all of each row's probability on its class."""
    return np.eye(classes, dtype=np.float32)[classes_predicted]


def bits(*probabilities):
    return task.SINGLE.entropy(np.array([probabilities], dtype=np.float32))[0]


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
    assert macro_f1(PROBABILITIES, ACTUAL) == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)


@pytest.mark.filterwarnings("error")
def test_a_class_neither_there_nor_predicted_does_not_count_in_macro_f1():
    actual = np.array([0, 0, 2])  # nor class 1, nor class 3
    assert macro_f1(certain_of([0, 0, 2], classes=4), actual) == 1
    assert macro_f1(certain_of([0, 2, 2], classes=4), actual) == pytest.approx((2 / 3 + 2 / 3) / 2)


@pytest.mark.filterwarnings("error")
def test_a_class_only_predicted_and_one_only_there_count_0_in_macro_f1():
    assert macro_f1(certain_of([0, 1], classes=3), np.array([0, 0])) == pytest.approx((2 / 3 + 0) / 2)
    assert macro_f1(certain_of([0, 0], classes=3), np.array([0, 1])) == pytest.approx((2 / 3 + 0) / 2)


def test_rows_contribute_what_the_measures_are_the_means_of():
    assert by_row("accuracy", np.array(PREDICTED), ACTUAL, 3).tolist() == [1, 1, 0, 1, 0, 1]
    both = np.array([PREDICTED, [0, 0, 0, 1, 1, 1]])
    means = by_row("macro_f1", both, ACTUAL, 4).mean(-1)
    assert means == pytest.approx([macro_f1(certain_of(each, classes=4), ACTUAL) for each in both])


def test_a_row_contributes_to_macro_f1_as_much_as_a_little_more_of_it_would_change():
    contributed, little = by_row("macro_f1", np.array(PREDICTED), ACTUAL, 3), 1e-6
    for row in range(6):
        weights = np.ones(6) + little * 6 * (np.arange(6) == row)
        change = f1_score(ACTUAL, PREDICTED, average="macro", sample_weight=weights) - contributed.mean()
        assert contributed[row] - contributed.mean() == pytest.approx(change / little, abs=1e-4)


def test_equal_classes_have_log2_of_their_number_in_bits():
    assert (bits(0.5, 0.5), bits(0.25, 0.25, 0.25, 0.25)) == (1, 2)


def test_unequal_classes_have_the_bits_of_the_textbook():
    assert bits(0.5, 0.25, 0.25) == 1.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", [(0, 1), (1, 0, 0), (1,)])
def test_a_certain_class_has_0_bits_and_never_minus_0(row):
    assert bits(*row) == 0
    assert not np.signbit(bits(*row))


def test_each_row_has_bits_of_its_own_in_float32():
    rows = task.SINGLE.entropy(np.array([[1, 0], [0.5, 0.5]], dtype=np.float32))
    assert rows.tolist() == [0, 1]
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    ("counts", "measure"),
    [
        ([50, 50], "accuracy"),
        ([75, 25], "accuracy"),
        ([76, 24], "macro_f1"),
        ([40, 40, 20], "accuracy"),
        ([45, 45, 10], "macro_f1"),
    ],
)
def test_auto_is_macro_f1_where_the_rarest_class_has_less_than_half_its_even_share(counts, measure):
    actual = np.repeat(np.arange(len(counts)), counts)
    assert chosen("auto", actual) == measure
    assert [chosen(name, actual) for name in ("accuracy", "macro_f1")] == ["accuracy", "macro_f1"]
