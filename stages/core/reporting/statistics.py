"""Whether one arm is better than another over the whole learning curve, and how many labels it saves.

Seeds and rows of the holdout are both samples: other seeds would give other models, another holdout other rows. Numbers come as
contributions of the rows to a measure, whose mean over the rows is the measure (measures.by_row): float64 [seeds, rows], or
[seeds, stages, rows] in the order of `budgets`, int [stages], ascending. Where there is only a number for the whole holdout, it
stands as a single row, and only seeds are a sample.
"""

from bisect import bisect_left

import numpy as np

ALPHA = 0.05  # a difference is shown if p is below it; intervals cover 1 - ALPHA
POWER = 0.8
ONE_POINT = 0.01
RESAMPLES = 2_000
AT_ONCE = 100  # resamples: their counts of the rows take 80 MB at 100,000 rows
MOST_SEEDS = 10**6  # accuracies lie in [0, 1], so no differences spread more than sqrt(2): 156,979 seeds
LEAST = 1e-12  # smaller differences are rounding


def variances(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two parts of the variance of the mean difference: what other seeds would change, and what other rows would.

    differences   float64 [..., seeds, rows], two seeds or more; every seed's models meet the same rows

    By the mean squares of two crossed random factors: difference = mean + effect of the seed + effect of the row + rest (Judd,
    Westfall & Kenny 2012, "Treating Stimuli as a Random Factor in Social Psychology"; Brennan 2001, "Generalizability Theory",
    chapter 3). The first part is that of a paired t-test, which takes the rows as given; the second is at least 0.
    """
    seeds, rows = differences.shape[-2:]
    of_seed, of_row = differences.mean(-1, keepdims=True), differences.mean(-2, keepdims=True)
    mean = of_seed.mean(-2, keepdims=True)
    squares = [(effects**2).sum((-2, -1)) for effects in (of_seed - mean, of_row - mean, differences - of_seed - of_row + mean)]
    between_rows = (squares[1] - squares[2] / (seeds * (seeds - 1))) / max(rows - 1, 1)
    return squares[0] / (seeds * (seeds - 1)), np.maximum(between_rows, 0) / rows


def standard_error(of_seeds: np.ndarray, of_rows: np.ndarray, seeds: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(standard error of the mean difference, degrees of freedom), from its `variances`.

    The degrees of freedom are the harmonic mean of both factors' by their shares. Satterthwaite 1946 squares the shares; with
    three seeds that calls up to 8% of equal arms different, where it should be 5%.
    """
    total = np.maximum(of_seeds + of_rows, LEAST**2)
    return np.sqrt(total), total / np.maximum(of_seeds / (seeds - 1) + of_rows / max(rows - 1, 1), LEAST**2 / seeds / rows)


def gain(differences: np.ndarray) -> dict:
    """Mean difference from the baseline, and whether it is more than chance.

    differences   float64 [seeds, rows]   means over the budgets, paired by seed and row

    gain_low, gain_high    t interval, with `standard_error`
    p                      of the same t, two-sided
    seeds_for_one_point    as `seeds_to_show`

    With one seed all but the gain is None. If every seed and row has the same difference, no test is defined: p and
    seeds_for_one_point are None, and the interval is the gain itself.
    """
    mean = float(differences.mean())
    row = {"gain": mean, "gain_low": None, "gain_high": None, "p": None, "seeds_for_one_point": None}
    if len(differences) < 2:
        return row
    from scipy import stats

    parts = variances(differences)
    error, freedom = standard_error(*parts, *differences.shape)
    if error <= LEAST:
        return row | {"gain_low": mean, "gain_high": mean}
    margin = float(stats.t.isf(ALPHA / 2, freedom) * error)
    return row | {
        "gain_low": mean - margin,
        "gain_high": mean + margin,
        "p": float(2 * stats.t.sf(abs(mean) / error, freedom)),
        "seeds_for_one_point": seeds_to_show(ONE_POINT, *parts, *differences.shape),
    }


def seeds_to_show(effect: float, of_seeds: float, of_rows: float, seeds: int, rows: int) -> int | None:
    """Least number of seeds, 2 or more, with which the test shows a gain of `effect` (Cohen 1988, 2.4); others as `standard_error`.

    To show it: a two-sided p below ALPHA with probability POWER. None if no number of seeds does: it takes more rows.
    """
    from scipy import stats

    # The square of t has a noncentral F distribution. statsmodels' solve_power uses scipy's noncentral t instead, which is NaN at
    # some large effects: then it finds no answer, or a wrong one. The noncentral F overflows far above the limit set here.
    def power(more: int) -> float:
        error, freedom = standard_error(of_seeds * seeds / more, of_rows, more, rows)
        return stats.ncf.sf(stats.f.isf(ALPHA, 1, freedom), 1, freedom, min((effect / error) ** 2, 2e4))

    return None if power(MOST_SEEDS) < POWER else bisect_left(range(MOST_SEEDS), POWER, lo=2, key=power)


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

    curve     float64 [seeds, stages, rows]
    targets   float64 [seeds, rows], paired with the curve's seeds; or [1, rows] for all

    low and high bound the middle 95% of resamples of seeds and rows at once. None: not reached within the budgets.
    """
    seeds, _, rows = curve.shape
    both = np.concatenate([curve, np.broadcast_to(targets, (seeds, rows))[:, None]], axis=1)
    rng, reached = np.random.default_rng(0), []
    draws = rng.integers(seeds, size=(RESAMPLES, seeds))
    for drawn in np.split(draws, RESAMPLES // AT_ONCE):
        counts = np.array([np.bincount(rng.integers(rows, size=rows), minlength=rows) for _ in drawn], float)
        points = np.tensordot(counts, both, axes=([1], [2])) / rows  # [drawn, seeds, stages and target]
        reached += [_crossing(budgets, *np.split(point[seed].mean(0), [-1])) for point, seed in zip(points, drawn)]
    # Not interpolated, since "never" is infinity.
    low, high = np.quantile(reached, [ALPHA / 2, 1 - ALPHA / 2], method="inverted_cdf")
    values = _crossing(budgets, *np.split(both.mean((0, 2)), [-1])), low, high
    return tuple(None if np.isinf(value) else float(value) for value in values)


def _crossing(budgets: np.ndarray, accuracies: np.ndarray, target: np.ndarray) -> float:
    """Labels at which the line through the points first reaches the target; the first budget at least; inf if never."""
    above = np.flatnonzero(accuracies >= target - LEAST)
    if not len(above):
        return np.inf
    if (last := above[0]) == 0:
        return float(budgets[0])
    share = (target.item() - accuracies[last - 1]) / (accuracies[last] - accuracies[last - 1])
    return float(budgets[last - 1] + share * (budgets[last] - budgets[last - 1]))
