"""How far a probability can be believed, and the temperature that corrects it: on rows that a reader checks by eye."""

import numpy as np
import pytest

from stages.core import task
from stages.core.prediction import calibration


def two(*second) -> np.ndarray:
    """Probabilities of two classes, given that of the second."""
    return np.stack([1 - np.float32(second), np.float32(second)], 1)


def test_a_temperature_of_two_takes_square_roots_and_keeps_order_and_zeros():
    scaled = calibration.scaled(np.float32([[0.8, 0.2, 0.0]]), 2)
    assert scaled == pytest.approx(np.float32([[2 / 3, 1 / 3, 0]]))
    assert scaled.dtype == np.float32


def test_a_temperature_of_one_changes_no_bit():
    probabilities = two(0.1, 0.7)
    assert calibration.scaled(probabilities, 1) is probabilities


@pytest.mark.parametrize(
    ("second", "actual", "error"),
    [
        # 4 rows at 0.95, of which 3 are right: 0.2 off; 2 at 0.55, both right: 0.45 off
        ((0.95, 0.95, 0.95, 0.95, 0.55, 0.55), (1, 1, 1, 0, 1, 1), (4 * 0.2 + 2 * 0.45) / 6),
        ((1, 0), (1, 0), 0),  # certain rows fall into the last bin
    ],
)
def test_the_calibration_error_is_the_gap_between_probability_and_share_right(second, actual, error):
    assert calibration.expected_error(two(*second), np.array(actual)) == pytest.approx(error)


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes, and labels drawn from them: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    second = rng.uniform(0.02, 0.98, rows)
    return two(*second), (rng.random(rows) < second).astype(np.int64)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_temperature_that_distorted_probabilities_is_found_and_corrects_them(temperature):
    true, actual = drawn(4_000)
    distorted = calibration.scaled(true, 1 / temperature)
    best = calibration.best_temperature(distorted, actual)
    assert best == pytest.approx(temperature, rel=0.1)
    corrected = calibration.scaled(distorted, best)
    assert calibration.expected_error(corrected, actual) < 0.5 * calibration.expected_error(distorted, actual)


def test_the_temperature_stays_one_where_it_does_not_help_or_rows_are_too_few():
    assert calibration.best_temperature(*drawn(400)) == 1
    sure, actual = two(*[0.99] * 40), np.array([1, 0] * 20)  # half of them are wrong
    assert calibration.best_temperature(sure, actual) > 2
    assert calibration.best_temperature(sure[:29], actual[:29]) == 1
    assert calibration.best_temperature(sure, np.ones(40, np.int64)) == 1  # a single class


def test_rows_of_a_class_that_the_model_never_saw_do_not_count():
    true, actual = drawn(1_000)
    distorted = calibration.scaled(true, 0.5)
    never = np.float32([[0.5, 0.5, 0]] * 500)
    both = np.concatenate([np.pad(distorted, ((0, 0), (0, 1))), never])
    assert calibration.best_temperature(both, np.append(actual, [2] * 500)) == calibration.best_temperature(distorted, actual)


def test_a_model_that_gets_all_rows_right_does_not_become_certain():
    probabilities, actual = two(*[0.8, 0.2] * 20), np.array([1, 0] * 20)
    best = calibration.best_temperature(probabilities, actual)
    assert calibration.scaled(probabilities, best).max() == pytest.approx(41 / 42, abs=1e-3)  # as if one more row were wrong


def test_rows_left_open_are_neither_answered_nor_wrong():
    probabilities, actual = two(0.95, 0.9, 0.6, 0.3), np.array([1, 0, 0, 0])
    assert calibration.answered(probabilities, actual, 0.0) == {"abstain": 0.0, "answered": 1, "accuracy": 0.5}
    assert calibration.answered(probabilities, actual, 0.9) == {"abstain": 0.9, "answered": 0.5, "accuracy": 0.5}
    assert calibration.answered(probabilities, actual, 0.99) == {"abstain": 0.99, "answered": 0, "accuracy": None}


def test_of_several_labels_each_is_a_choice_of_its_own_and_the_least_sure_leaves_a_row_open():
    said = np.float32([[0.8, 0.2, 1], [0.9, 0.95, 1]])
    scaled = calibration.scaled(said, 2, task.MULTI)
    assert scaled[:, :2] == pytest.approx(np.float32([[2 / 3, 1 / 3], [0.75, 0.8134]]), abs=1e-4)  # odds of 4 become 2
    assert scaled[:, 2].tolist() == [1, 1]
    actual = np.array([[1, 1, 1], [1, 1, 1]], np.int8)
    assert calibration.answered(said, actual, 0.0) == {"abstain": 0.0, "answered": 1, "accuracy": 0.5}
    assert calibration.answered(said, actual, 0.85) == {"abstain": 0.85, "answered": 0.5, "accuracy": 1}
    sure, wrong = np.full((40, 3), 0.99, np.float32), np.tile(np.array([[1, 0, 1]], np.int8), (40, 1))
    assert calibration.best_temperature(sure, wrong) > 2
    assert calibration.best_temperature(sure[:29], wrong[:29]) == 1  # texts count, not choices


def test_each_row_is_judged_by_the_seeds_that_were_not_trained_on_it():
    # One seed knows row 5, the other row 7, both know 6; row 8 has no class.
    labelled, values = np.array([[5, 6, 8], [6, 7, 8]]), np.array([[0, 1, -2], [1, 1, -2]])
    models = [lambda rows: two(*(rows / 10)), lambda rows: two(*(1 + rows / 10))]
    probabilities, actual = calibration.by_other_seeds(labelled, values, models, 2)
    assert probabilities == pytest.approx(two(1.5, 0.7))  # row 5 by the second seed, row 7 by the first
    assert actual.tolist() == [0, 1]


def test_with_three_seeds_a_row_gets_the_mean_of_the_other_two():
    labelled, values = np.array([[0], [1], [2]]), np.array([[0], [1], [1]])
    models = [lambda rows, p=p: two(*[p] * len(rows)) for p in (0, 0.25, 0.5)]
    probabilities, _ = calibration.by_other_seeds(labelled, values, models, 2)
    assert probabilities[:, 1].tolist() == [0.375, 0.25, 0.125]
