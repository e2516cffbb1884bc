"""Whether one arm is better than another over the whole learning curve. Every comparison is paired by seed.

A curve is float64 [seeds, stages], accuracies in the order of `budgets`, int [stages], ascending.
"""

from bisect import bisect_left

import numpy as np

ALPHA = 0.05  # a difference is shown if p is below it; intervals cover 1 - ALPHA
POWER = 0.8
ONE_POINT = 0.01
RESAMPLES = 2_000
MOST_SEEDS = 10**6  # accuracies lie in [0, 1], so no differences spread more than sqrt(2): 156,979 seeds


def gain(curve: np.ndarray, baseline: np.ndarray) -> dict:
    """Mean accuracy over the budgets (the area under the learning curve) less the baseline's.

    gain_low, gain_high    bootstrap interval (percentiles; too narrow with few seeds: go by p)
    p                      paired t-test, two-sided
    seeds_for_one_point    number of seeds with which the test shows a gain of one point four times in five

    With one seed all but the gain is None. If every seed has the same difference, no test is defined: p and
    seeds_for_one_point are None, and the interval is the gain itself.
    """
    differences = curve.mean(1) - baseline.mean(1)
    row = {"gain": float(differences.mean()), "gain_low": None, "gain_high": None, "p": None, "seeds_for_one_point": None}
    if len(differences) < 2:
        return row
    from scipy import stats

    spread = float(differences.std(ddof=1))
    if spread < 1e-12:  # the same difference in every seed, but for rounding
        return row | {"gain_low": row["gain"], "gain_high": row["gain"]}
    rng = np.random.default_rng(0)
    resampled = stats.bootstrap(
        (differences,), np.mean, n_resamples=RESAMPLES, method="percentile", confidence_level=1 - ALPHA, rng=rng
    )
    return row | {
        "gain_low": float(resampled.confidence_interval.low),
        "gain_high": float(resampled.confidence_interval.high),
        "p": float(stats.ttest_1samp(differences, 0).pvalue),
        "seeds_for_one_point": seeds_to_show(ONE_POINT / spread),
    }


def seeds_to_show(effect: float) -> int:
    """Least number of seeds, 2 or more, with which a paired t-test shows a gain of `effect` standard deviations (Cohen 1988, 2.4).

    To show it: a two-sided p below ALPHA with probability POWER.
    """
    from scipy import stats

    # The square of t has a noncentral F distribution. statsmodels' solve_power uses scipy's noncentral t instead, which is NaN at
    # some large effects: then it finds no answer, or a wrong one.
    effect = min(effect, 100.0)  # two seeds are enough for far less; the noncentral F overflows far above

    def power(seeds: int) -> float:
        return stats.ncf.sf(stats.f.isf(ALPHA, 1, seeds - 1), 1, seeds - 1, seeds * effect**2)

    return bisect_left(range(MOST_SEEDS), POWER, lo=2, key=power)


def correct(entries: dict[str, dict]) -> None:
    """Add `p_holm` to every entry: its `p` after Holm's correction for testing all of them (Holm 1979); None if it has no p."""
    from statsmodels.stats.multitest import multipletests

    tested = [entry for entry in entries.values() if entry["p"] is not None]
    corrected = multipletests([entry["p"] for entry in tested], method="holm")[1] if tested else []
    for entry in entries.values():
        entry["p_holm"] = None
    for entry, p in zip(tested, corrected):
        entry["p_holm"] = float(p)


def labels_to_reach(budgets: np.ndarray, curve: np.ndarray, targets: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """(labels, low, high): where the mean curve first reaches the mean target, with straight lines between budgets.

    targets   float64 [seeds], paired with the curve's seeds; or [1] for all

    low and high bound the middle 95% of resamples of the seeds. None: not reached within the budgets.
    """
    targets = np.broadcast_to(targets, len(curve))
    rng = np.random.default_rng(0)
    draws = rng.integers(len(curve), size=(RESAMPLES, len(curve)))
    reached = [_crossing(budgets, curve[draw].mean(0), targets[draw].mean()) for draw in draws]
    # Not interpolated, since "never" is infinity.
    low, high = np.quantile(reached, [ALPHA / 2, 1 - ALPHA / 2], method="inverted_cdf")
    values = _crossing(budgets, curve.mean(0), targets.mean()), low, high
    return tuple(None if np.isinf(value) else float(value) for value in values)


def _crossing(budgets: np.ndarray, accuracies: np.ndarray, target: float) -> float:
    """Labels at which the line through the points first reaches the target; the first budget at least; inf if never."""
    above = np.flatnonzero(accuracies >= target)
    if not len(above):
        return np.inf
    if (last := above[0]) == 0:
        return float(budgets[0])
    share = (target - accuracies[last - 1]) / (accuracies[last] - accuracies[last - 1])
    return float(budgets[last - 1] + share * (budgets[last] - budgets[last - 1]))


def mcnemar(predicted: np.ndarray, rival: np.ndarray, actual: np.ndarray) -> float:
    """p-value of McNemar's exact test: whether two models of one seed err equally often on rows where only one of them errs.

    predicted, rival, actual   int [holdout]   class numbers
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    right, rival_right = predicted == actual, rival == actual
    counts = [[(a & b).sum() for b in (rival_right, ~rival_right)] for a in (right, ~right)]
    return float(test(counts, exact=True).pvalue)
