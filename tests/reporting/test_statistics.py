"""Comparisons paired by seed: by hand, against the textbook, and None where nothing can be concluded."""

import numpy as np
import pytest

from stages.core.reporting import result_tables, statistics

BUDGETS = np.array([100, 200, 300])
#                         100   200   300
BASE = np.array([       [.50, .60, .70],
                        [.52, .62, .72],
                        [.48, .58, .68]])  # fmt: skip


def test_the_gain_is_the_mean_difference_over_budgets_and_seeds():
    assert statistics.gain(BASE + np.array([0.0, 0.03, 0.06]), BASE)["gain"] == pytest.approx(0.03)


@pytest.mark.parametrize("gain", [0.02, 0.0, -0.02])
def test_without_spread_between_seeds_no_test_is_defined(gain):
    found = statistics.gain(BASE + gain, BASE)
    assert [found[key] for key in ("gain", "gain_low", "gain_high")] == pytest.approx([gain] * 3)
    assert (found["p"], found["seeds_for_one_point"]) == (None, None)


def test_the_verdict_explains_why_there_is_no_test():
    points = np.array([[0.01], [0.02], [0.03]])
    entries = {
        "alike": statistics.gain(BASE + 0.02, BASE),
        "above": statistics.gain(BASE + 0.1 + points, BASE),  # t = 0.12 / (0.01 / sqrt 3) = 20.8, p = 0.0023
        "below": statistics.gain(BASE - 0.1 - points, BASE),
        "apart": statistics.gain(BASE + points, BASE),
        "one": statistics.gain(BASE[:1] + 0.02, BASE[:1]),
    }
    statistics.correct(entries)
    assert {name: result_tables.verdict(entry) for name, entry in entries.items()} == {
        "alike": "all seeds alike: no test",
        "above": "better",
        "below": "worse",
        "apart": "no difference shown",
        "one": "one seed shows nothing",
    }
    # Three were tested, and not five.
    assert [entries[name]["p_holm"] for name in ("alike", "above", "one")] == [None, pytest.approx(3 * entries["above"]["p"]), None]


def test_the_p_value_is_that_of_the_paired_t_test():
    # differences 1, 2, 3 points: t = 2 / (1 / sqrt 3) = 3.464 with 2 degrees of freedom, p = 0.0742
    found = statistics.gain(BASE + np.array([[0.01], [0.02], [0.03]]), BASE)
    assert found["p"] == pytest.approx(0.0742, abs=1e-4)
    assert 0.01 <= found["gain_low"] < 0.02 < found["gain_high"] <= 0.03


def test_pairing_removes_what_is_common_to_a_seed():
    noise = np.random.default_rng(0).normal(size=(10, 1)) * 0.05
    base = 0.7 + np.repeat(noise, 3, axis=1)
    better = base + 0.01 + np.random.default_rng(1).normal(size=(10, 1)) * 0.002
    assert statistics.gain(better, base)["p"] < 0.001
    assert statistics.gain(better, base[::-1])["p"] > 0.05


def test_seeds_for_one_point_agree_with_the_textbook():
    # Cohen 1988, table 2.4.1 for a paired test: effect size 0.5 with power 0.8 takes 34 pairs.
    differences = np.array([-1, 1]) / 2**0.5 * 0.02  # standard deviation 0.02: one point is half of it
    assert statistics.gain(BASE[:2] + differences[:, None], BASE[:2])["seeds_for_one_point"] == 34


# Power of two seeds, integrated over the spread that they may show: 0.7978 at 0.00087 and 0.8030 at 0.00086;
# of three 0.7862 at 0.0031 and 0.8129 at 0.0030.
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("spread", "seeds"),
    [(0.0031, 4), (0.003, 3), (0.0018, 3), (0.0016, 3), (0.001, 3), (0.00087, 3), (0.00086, 2), (0.0008, 2), (1e-6, 2), (1e-11, 2)],
)
def test_nearly_equal_seeds_still_need_two_for_a_test(spread, seeds):
    differences = 0.02 + np.array([-1, 1]) / 2**0.5 * spread
    found = statistics.gain(BASE[:2] + differences[:, None], BASE[:2])
    assert found["seeds_for_one_point"] == seeds
    assert 0 < found["p"] < 1


@pytest.mark.filterwarnings("error")
def test_the_greatest_possible_spread_needs_many_seeds():
    # (1.960 + 0.842)^2 x 2 / 0.01^2, the normal distribution's, and 1.5 more
    worst = statistics.gain(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    assert worst["seeds_for_one_point"] == pytest.approx(156_979, abs=1)


def test_one_seed_gives_a_gain_and_no_test():
    found = statistics.gain(BASE[:1] + 0.02, BASE[:1])
    assert found.pop("gain") == pytest.approx(0.02)
    assert set(found.values()) == {None}


def test_holms_correction_by_hand():
    # sorted 0.01, 0.03, 0.04: times 3, 2, 1, and never falling
    entries = {"random": {"p": None}, "one": {"p": 0.04}, "two": {"p": 0.01}, "three": {"p": 0.03}}
    statistics.correct(entries)
    assert entries["random"]["p_holm"] is None
    assert [entries[arm]["p_holm"] for arm in ("one", "two", "three")] == pytest.approx([0.06, 0.03, 0.06])


def test_labels_are_interpolated_between_budgets():
    flat = np.tile([0.5, 0.6, 0.7], (3, 1))
    assert statistics.labels_to_reach(BUDGETS, flat, np.array([0.65])) == (pytest.approx(250),) * 3
    assert statistics.labels_to_reach(BUDGETS, flat, np.array([0.5])) == (100, 100, 100)
    assert statistics.labels_to_reach(BUDGETS, flat, np.array([0.71])) == (None, None, None)


def test_a_target_that_some_resamples_never_reach_has_no_upper_limit():
    labels, low, high = statistics.labels_to_reach(BUDGETS, BASE, np.array([0.7]))
    assert labels == pytest.approx(300)
    assert 250 < low < 300
    assert high is None


def test_targets_are_resampled_with_their_seeds():
    # Every seed reaches its own target at 200 labels, so every resample does.
    assert statistics.labels_to_reach(BUDGETS, BASE, BASE[:, 1]) == (pytest.approx(200),) * 3


def test_mcnemars_exact_test_by_hand():
    actual = np.zeros(10, int)
    one, other = actual.copy(), actual.copy()
    one[:1], other[1:7] = 1, 1  # alone wrong: once against six times
    # two-sided binomial: 2 x (1 + 7) / 2^7
    assert statistics.mcnemar(one, other, actual) == pytest.approx(2 * 8 / 128)
    assert statistics.mcnemar(one, one, actual) == 1
