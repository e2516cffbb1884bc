"""How far a probability can be believed, and what mends it: by rows that a reader checks by eye."""

import numpy as np
import pytest

from stages.core.prediction import calibration, unseen


def two(*second) -> np.ndarray:
    """Probabilities of two classes, by that of the second."""
    return np.stack([1 - np.float32(second), np.float32(second)], 1)


def test_a_temperature_of_two_takes_the_square_roots_and_keeps_order_and_zeros():
    found = calibration.scaled(np.float32([[0.8, 0.2, 0.0]]), 2)
    assert found == pytest.approx(np.float32([[2 / 3, 1 / 3, 0]]))
    assert found.dtype == np.float32


def test_a_temperature_of_one_changes_no_bit():
    probabilities = two(0.1, 0.7)
    assert calibration.scaled(probabilities, 1) is probabilities


def test_the_error_is_what_is_said_less_what_is_right():
    # 4 rows at 0.95, of which 3 are right: 0.2 off; 2 at 0.55, both right: 0.45 off.
    found = calibration.expected_error(two(0.95, 0.95, 0.95, 0.95, 0.55, 0.55), np.array([1, 1, 1, 0, 1, 1]))
    assert found == pytest.approx((4 * 0.2 + 2 * 0.45) / 6)


def test_a_certain_row_falls_into_the_last_bin():
    assert calibration.expected_error(two(1, 0), np.array([1, 0])) == 0


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes, and labels drawn by them: calibrated as well as can be."""
    rng = np.random.default_rng(seed)
    second = rng.uniform(0.02, 0.98, rows)
    return two(*second), (rng.random(rows) < second).astype(np.int64)


@pytest.mark.parametrize("made_by", [0.5, 2.0])
def test_the_temperature_that_spoilt_probabilities_is_found_and_mends_them(made_by):
    true, actual = drawn(4_000)
    spoilt = calibration.scaled(true, 1 / made_by)
    found = calibration.best_temperature(spoilt, actual)
    assert found == pytest.approx(made_by, rel=0.1)
    mended = calibration.scaled(spoilt, found)
    assert calibration.expected_error(mended, actual) < 0.5 * calibration.expected_error(spoilt, actual)


def test_no_temperature_where_it_does_not_help_or_where_too_few_rows_tell():
    assert calibration.best_temperature(*drawn(400)) == 1
    sure, wrong = two(*[0.99] * 40), np.array([1, 0] * 20)
    assert calibration.best_temperature(sure, wrong) > 2
    assert calibration.best_temperature(sure[:29], wrong[:29]) == 1
    assert calibration.best_temperature(sure, np.ones(40, np.int64)) == 1  # a single class


def test_rows_of_a_class_that_a_model_was_never_shown_say_nothing_of_its_temperature():
    true, actual = drawn(1_000)
    spoilt = calibration.scaled(true, 0.5)
    never = np.float32([[0.5, 0.5, 0]] * 500)
    both = np.concatenate([np.pad(spoilt, ((0, 0), (0, 1))), never])
    assert calibration.best_temperature(both, np.append(actual, [2] * 500)) == calibration.best_temperature(spoilt, actual)


def test_what_is_left_open_is_neither_answered_nor_wrong():
    probabilities, actual = two(0.95, 0.9, 0.6, 0.3), np.array([1, 0, 0, 0])
    assert calibration.answered(probabilities, actual, 0.0) == {"abstain": 0.0, "answered": 1, "accuracy": 0.5}
    assert calibration.answered(probabilities, actual, 0.9) == {"abstain": 0.9, "answered": 0.5, "accuracy": 0.5}
    assert calibration.answered(probabilities, actual, 0.99) == {"abstain": 0.99, "answered": 0, "accuracy": None}


def test_a_row_is_judged_by_the_seeds_that_do_not_know_it():
    # Rows 5 and 7 are known to one seed each, 6 to both; row 8 has no class.
    labelled, values = np.array([[5, 6, 8], [6, 7, 8]]), np.array([[0, 1, -2], [1, 1, -2]])

    def ask(seed, rows):
        return two(*(seed + rows / 10))

    said, actual = unseen.by_the_others(labelled, values, ask, 2)
    assert said == pytest.approx(two(1.5, 0.7))  # row 5 by seed number 1, row 7 by number 0
    assert actual.tolist() == [0, 1]


def test_three_seeds_give_the_mean_of_the_two_others():
    labelled, values = np.array([[0], [1], [2]]), np.array([[0], [1], [1]])
    said, _ = unseen.by_the_others(labelled, values, lambda seed, rows: two(*[seed / 4] * len(rows)), 2)
    assert said[:, 1].tolist() == [0.375, 0.25, 0.125]


def test_by_folds_no_row_is_judged_by_a_model_that_was_trained_on_it():
    rows, values = np.arange(10, 22), np.array([0, 1] * 5 + [-3, 1])
    asked = []

    def fit(trained_on):
        def ask(others):
            assert not set(trained_on) & set(others)
            assert len(trained_on) + len(others) == 11
            asked.extend(others)
            return two(*[0.5] * len(others))

        return ask

    said, actual = unseen.by_folds(rows, values, fit, 2, 3, 0)
    assert sorted(asked) == [row for row in rows if row != 20]
    assert len(said) == 11
    assert actual.tolist() == [values[row - 10] for row in asked]


def test_by_folds_of_a_single_class_or_of_single_rows_there_is_nothing_to_learn():
    for values in ([1, 1, 1], [0, 1, 2]):
        said, actual = unseen.by_folds(np.arange(3), np.array(values), None, 3, 5, 0)
        assert said.shape == (0, 3)
        assert len(actual) == 0


def test_rows_that_are_all_right_make_no_probability_certain():
    probabilities, actual = two(*[0.8, 0.2] * 20), np.array([1, 0] * 20)
    found = calibration.best_temperature(probabilities, actual)
    assert calibration.scaled(probabilities, found).max() == pytest.approx(41 / 42, abs=1e-3)  # as if one row more were wrong
