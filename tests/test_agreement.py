"""Cohen's kappa of two models: (agreed - by chance) / (1 - by chance), worked by hand."""

import numpy as np

from stages.select_stageN import agreement


def kappa(before, now):
    return agreement(np.array(before, dtype=np.int16), np.array(now, dtype=np.int16))


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


def test_only_rows_that_both_predicted_count():
    assert kappa([0, 0, 1, 1, -1, 1, -1], [0, 1, 1, 1, 0, -1, -1]) == 0.5


def test_without_a_model_before_there_is_no_kappa():
    assert kappa([-1, -1, -1], [0, 1, 0]) is None


def test_without_a_row_that_both_predicted_there_is_no_kappa():
    assert kappa([-1, 0], [1, -1]) is None


def test_two_models_that_name_one_class_for_every_row_agree_wholly():
    assert kappa([1, 1, 1], [1, 1, 1]) == 1


def test_two_models_that_each_name_another_class_for_every_row_have_0():
    assert kappa([0, 0, 0], [1, 1, 1]) == 0
