"""When to stop: Cohen's kappa of two models, (agreed - by chance) / (1 - by chance), worked by hand, and the rule on it."""

import numpy as np
import pytest

from stages.core.rows import stopping


def kappa(before, now):
    return stopping.kappa(np.array(before, dtype=np.int16), np.array(now, dtype=np.int16))


def test_kappa_by_hand():
    # agreed 3/4; by chance 2/4 x 1/4 + 2/4 x 3/4 = 1/2
    assert kappa([0, 0, 1, 1], [0, 1, 1, 1]) == 0.5


def test_kappa_of_three_classes_by_hand():
    # agreed 5/6; by chance (2 x 2 + 2 x 1 + 2 x 3) / 36 = 1/3
    assert kappa([0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2]) == 0.75


def test_models_that_agree_no_more_than_by_chance_have_0():
    assert kappa([0, 0, 1, 1], [0, 1, 0, 1]) == 0


def test_models_that_never_agree_have_minus_1():
    assert kappa([0, 0, 1, 1], [1, 1, 0, 0]) == -1


def test_two_models_that_name_one_class_for_every_row_have_learned_nothing():
    assert kappa([1, 1, 1], [1, 1, 1]) is None


def test_two_models_that_each_name_another_class_for_every_row_have_0():
    assert kappa([0, 0, 0], [1, 1, 1]) == 0


def test_the_sample_is_the_same_every_time_and_all_of_a_small_pool():
    assert stopping.sample(90).tolist() == list(range(90))
    rows = stopping.sample(10_000)
    assert (rows == stopping.sample(10_000)).all()
    assert len(np.unique(rows)) == stopping.SAMPLE
    assert rows.max() > 9_900  # drawn from all of it


BOTH = np.array([[0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("kappas", "predicted", "enough"),
    [
        ([[0.98, 1.0], [1.0, 1.0], [1.0, 0.98]], BOTH, True),  # means of 0.9933 in both seeds
        ([[0.0, 0.0], [0.98, 1.0], [1.0, 1.0], [1.0, 0.98]], BOTH, True),  # the last three alone
        ([[0.98, 1.0], [1.0, 1.0], [1.0, 0.96]], BOTH, False),  # 0.9867 in the second
        ([[1.0, 1.0], [1.0, 1.0]], BOTH, False),
        ([[1.0, 1.0], [1.0, None], [1.0, 1.0]], BOTH, False),
        ([[1.0, 1.0]] * 3, np.array([[0, 1, 0], [1, 1, 1]]), False),  # a class that is never predicted
    ],
)
def test_enough_is_said_of_three_comparisons_in_every_seed_with_every_class_predicted(kappas, predicted, enough):
    assert stopping.enough(kappas, predicted, classes=2, least=0.99, comparisons=3) is enough
