"""Comparisons paired by seed and row: by hand, against the textbook, by simulation, and None where nothing can be concluded."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from stages.core.reporting import result_tables, statistics
from stages.core.rows import measures

BUDGETS = np.array([100, 200, 300])
#                         100   200   300
BASE = np.array([       [.50, .60, .70],
                        [.52, .62, .72],
                        [.48, .58, .68]])  # fmt: skip


def gain(curve, baseline) -> dict:
    """Of curves [seeds, stages] that are measured on whole holdouts: each stands as a single row."""
    return statistics.gain((curve - baseline).mean(1, keepdims=True))


def test_the_gain_is_the_mean_difference_over_budgets_and_seeds():
    assert gain(BASE + np.array([0.0, 0.03, 0.06]), BASE)["gain"] == pytest.approx(0.03)


@pytest.mark.parametrize("by", [0.02, 0.0, -0.02])
def test_without_spread_between_seeds_no_test_is_defined(by):
    found = gain(BASE + by, BASE)
    assert [found[key] for key in ("gain", "gain_low", "gain_high")] == pytest.approx([by] * 3)
    assert (found["p"], found["seeds_for_one_point"]) == (None, None)


def test_the_verdict_explains_why_there_is_no_test():
    points = np.array([[0.01], [0.02], [0.03]])
    entries = {
        "alike": gain(BASE + 0.02, BASE),
        "above": gain(BASE + 0.1 + points, BASE),  # t = 0.12 / (0.01 / sqrt 3) = 20.8, p = 0.0023
        "below": gain(BASE - 0.1 - points, BASE),
        "apart": gain(BASE + points, BASE),
        "one": gain(BASE[:1] + 0.02, BASE[:1]),
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


def test_of_whole_holdouts_the_p_value_is_that_of_the_paired_t_test():
    # differences 1, 2, 3 points: t = 2 / (1 / sqrt 3) = 3.464 with 2 degrees of freedom, p = 0.0742
    found = gain(BASE + np.array([[0.01], [0.02], [0.03]]), BASE)
    assert found["p"] == pytest.approx(0.0742, abs=1e-4)
    assert [found["gain_low"], found["gain_high"]] == pytest.approx(
        [0.02 - 4.303 * 0.01 / 3**0.5, 0.02 + 4.303 * 0.01 / 3**0.5], abs=1e-5
    )


#                         row  0  1  2  3
DIFFERENCES = np.array([[      1, 1, 0, 0],
                        [      1, 0, 0, -1]], float)  # fmt: skip


def test_seeds_and_rows_are_both_samples():
    # Means of the seeds 0.5 and 0, of the rows 1, 0.5, 0 and -0.5, of all 0.25; the rest is a quarter everywhere.
    of_seeds, of_rows = statistics.variances(DIFFERENCES)
    assert of_seeds == pytest.approx(2 * 0.25**2 / (2 * 1))
    assert of_rows == pytest.approx(((2 * 0.75**2 + 2 * 0.25**2) / 3 - 8 * 0.25**2 / 3 / 2) / 4)
    error, freedom = statistics.standard_error(of_seeds, of_rows, 2, 4)
    assert error == pytest.approx((of_seeds + of_rows) ** 0.5)
    assert freedom == pytest.approx((of_seeds + of_rows) / (of_seeds / 1 + of_rows / 3))
    found = statistics.gain(DIFFERENCES)
    assert found["gain"] == 0.25
    assert found["p"] == pytest.approx(2 * stats.t.sf(0.25 / error, freedom))
    assert found["gain_high"] - 0.25 == pytest.approx(stats.t.ppf(0.975, freedom) * error)


def test_rows_that_differ_no_more_than_by_chance_leave_the_paired_t_test():
    differences = DIFFERENCES[:, [0, 3, 2, 1]] * [[1], [-1]]
    assert statistics.variances(differences)[1] == 0
    assert statistics.gain(differences)["p"] == pytest.approx(stats.ttest_1samp(differences.mean(1), 0).pvalue)


def of_equal_arms(simulations: int, seeds: int, rng: np.random.Generator, rows: int = 150):
    """(predictions of two arms that are equally good, bool [2, simulations, seeds, rows]; actual, bool [simulations, 1, rows]).

    A row is as hard for both arms (sd 1 logit), harder for one (sd 0.7), and a seed's model is better or worse (sd 0.15).
    """
    actual = rng.random((simulations, 1, rows)) < 0.3
    hard = 1.2 + rng.normal(0, 1, (simulations, 1, rows))
    own = rng.normal(0, 0.7, (2, simulations, 1, rows)) + rng.normal(0, 0.15, (2, simulations, seeds, 1))
    return actual ^ (rng.random((2, simulations, seeds, rows)) > expit(hard + own)), actual


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 20])
def test_equal_arms_are_called_different_in_one_comparison_of_twenty(seeds):
    """The holdout is a sample too: a test of seeds alone finds a difference in more than 15% of them with 20 seeds."""
    rng, p = np.random.default_rng(seeds), {"accuracy": [], "macro_f1": [], "of seeds alone": []}
    for _ in range(10):
        predicted, actual = of_equal_arms(200, seeds, rng)
        for measure in ("accuracy", "macro_f1"):
            one, other = measures.by_row(measure, predicted, actual, 2)
            error, freedom = statistics.standard_error(*statistics.variances(one - other), seeds, one.shape[-1])
            p[measure].append(2 * stats.t.sf(abs((one - other).mean((1, 2))) / error, freedom))
        p["of seeds alone"].append(stats.ttest_1samp((one - other).mean(2), 0, axis=1).pvalue)
    rates = {name: float((np.concatenate(values) < statistics.ALPHA).mean()) for name, values in p.items()}
    assert 0.03 <= rates["accuracy"] <= 0.07, rates
    assert 0.03 <= rates["macro_f1"] <= 0.07, rates
    assert seeds < 20 or rates["of seeds alone"] > 0.15, rates


def test_where_rows_decide_no_number_of_seeds_shows_one_point_and_it_takes_more_rows():
    rng = np.random.default_rng(0)
    for rows, possible in ((100, False), (20_000, True)):
        differences = rng.normal(0, 0.3, (1, rows)) + rng.normal(0, 0.3, (5, rows))  # of a row 0.03, of 20,000 rows 0.002
        found = statistics.gain(differences)
        assert 0 < found["p"] < 1
        assert (found["seeds_for_one_point"] is not None) == possible
    entry = {"mean_accuracy": 0.7, "mean_macro_f1": 0.7, "uses_pool_labels": False, "p_holm": 0.5}
    entry |= {f"labels_to_{target}{end}": None for target in ("random", "95_of_full") for end in ("", "_low", "_high")}
    text = result_tables.by_curve(
        {"bucketed": entry | statistics.gain(rng.normal(0, 1, (5, 1)) + rng.normal(0, 1, (1, 50)))}, 5, "accuracy", True
    )
    assert "more holdout rows" in text


def test_pairing_removes_what_is_common_to_a_seed():
    noise = np.random.default_rng(0).normal(size=(10, 1)) * 0.05
    base = 0.7 + np.repeat(noise, 3, axis=1)
    better = base + 0.01 + np.random.default_rng(1).normal(size=(10, 1)) * 0.002
    assert gain(better, base)["p"] < 0.001
    assert gain(better, base[::-1])["p"] > 0.05


def test_seeds_for_one_point_agree_with_the_textbook():
    # Cohen 1988, table 2.4.1 for a paired test: effect size 0.5 with power 0.8 takes 34 pairs.
    differences = np.array([-1, 1]) / 2**0.5 * 0.02  # standard deviation 0.02: one point is half of it
    assert gain(BASE[:2] + differences[:, None], BASE[:2])["seeds_for_one_point"] == 34


# Power of two seeds, integrated over the spread that they may show: 0.7978 at 0.00087 and 0.8030 at 0.00086;
# of three 0.7862 at 0.0031 and 0.8129 at 0.0030.
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("spread", "seeds"),
    [(0.0031, 4), (0.003, 3), (0.0018, 3), (0.0016, 3), (0.001, 3), (0.00087, 3), (0.00086, 2), (0.0008, 2), (1e-6, 2), (1e-11, 2)],
)
def test_nearly_equal_seeds_still_need_two_for_a_test(spread, seeds):
    differences = 0.02 + np.array([-1, 1]) / 2**0.5 * spread
    found = gain(BASE[:2] + differences[:, None], BASE[:2])
    assert found["seeds_for_one_point"] == seeds
    assert 0 < found["p"] < 1


@pytest.mark.filterwarnings("error")
def test_the_greatest_possible_spread_needs_many_seeds():
    # (1.960 + 0.842)^2 x 2 / 0.01^2, the normal distribution's, and 1.5 more
    worst = gain(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    assert worst["seeds_for_one_point"] == pytest.approx(156_979, abs=1)


def test_one_seed_gives_a_gain_and_no_test():
    found = gain(BASE[:1] + 0.02, BASE[:1])
    assert found.pop("gain") == pytest.approx(0.02)
    assert set(found.values()) == {None}


def test_holms_correction_by_hand():
    # sorted 0.01, 0.03, 0.04: times 3, 2, 1, and never falling
    entries = {"random": {"p": None}, "one": {"p": 0.04}, "two": {"p": 0.01}, "three": {"p": 0.03}}
    statistics.correct(entries)
    assert entries["random"]["p_holm"] is None
    assert [entries[arm]["p_holm"] for arm in ("one", "two", "three")] == pytest.approx([0.06, 0.03, 0.06])


def reach(curve, targets):
    """Of curves [seeds, stages] that are measured on whole holdouts."""
    return statistics.labels_to_reach(BUDGETS, curve[:, :, None], np.array(targets)[:, None])


def test_labels_are_interpolated_between_budgets():
    flat = np.tile([0.5, 0.6, 0.7], (3, 1))
    assert reach(flat, [0.65]) == (pytest.approx(250),) * 3
    assert reach(flat, [0.5]) == (100, 100, 100)
    assert reach(flat, [0.71]) == (None, None, None)


def test_a_target_that_some_resamples_never_reach_has_no_upper_limit():
    labels, low, high = reach(BASE, [0.7])
    assert labels == pytest.approx(300)
    assert 250 < low < 300
    assert high is None


def test_targets_are_resampled_with_their_seeds():
    # Every seed reaches its own target at 200 labels, so every resample does.
    assert reach(BASE, BASE[:, 1]) == (pytest.approx(200),) * 3


def test_targets_and_curves_are_resampled_with_their_rows():
    # All seeds alike: rows 0 to 49 are right at 100 labels, 0 to 59 at 200, and 0 to 69 at 300.
    right = np.tile(np.arange(100) < np.array([[50], [60], [70]]), (3, 1, 1)).astype(float)
    assert statistics.labels_to_reach(BUDGETS, right, right[:, 1]) == (pytest.approx(200),) * 3  # its own rows
    labels, low, high = statistics.labels_to_reach(BUDGETS, right, np.full((1, 100), 0.6))
    assert labels == pytest.approx(200)
    assert 100 <= low < 150
    assert high is None or high > 250
