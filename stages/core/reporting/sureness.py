"""How far to trust the figures if people label: with a small holdout, or none; and what the curve says about more labels.

Pure functions that give a number, or text for data/summary.md.
"""

import numpy as np

from stages.core.reporting.markdown import table
from stages.core.reporting.statistics import ALPHA, RESAMPLES

LEAST_STAGES = 3  # any curve goes through two points
FURTHEST = 10  # times the labels bought: a curve of a few points says nothing about more
OUTER = 0.1  # share of the resamples outside the interval


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Interval at 1 - ALPHA of a share measured on so many rows (Wilson 1927): 0.9 of 100 rows gives 0.83 to 0.94."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * rows, rows, alpha=ALPHA, method="wilson")
    return float(low), float(high)


def intervals(measured: dict[tuple[str, str], dict], rows: int) -> str:
    """One line an arm and stage. measured: (arm, stage) -> as metrics/ARM/STAGE.json, on so many rows."""
    lines = []
    for (arm, stage), row in measured.items():
        low, high = wilson(row["accuracy"], rows)
        lines.append([arm, stage, f"{row['labels']:,}", f"{row['accuracy']:.4f}", f"{low:.4f} to {high:.4f}"])
    text = table(lines, ["arm", "stage", "labels", "accuracy", "interval"], left=2)
    return f"\n{text}\n\nOn {rows:,} rows of the holdout, which do not count as labels; 95% intervals (Wilson).\n"


def labels_to_target(right: np.ndarray, budgets: np.ndarray, target: float) -> tuple[float, float, float] | None:
    """(labels, low, high) with which accuracy reaches `target`; None if the curve cannot tell.

    right     float [stages, rows]   share of the seeds whose models are right on each row of the holdout
    budgets   int [stages]           labels, ascending
    target    accuracy above that of the last stage

    Assumes that the error falls as a power of the labels: a line through the logarithms (Hestness et al. 2017, "Deep Learning
    Scaling is Predictable, Empirically"). low and high bound the middle 90% of resamples of the holdout. The curve cannot tell with
    fewer than LEAST_STAGES, if accuracy does not rise in some resamples, or if high is over FURTHEST times the labels bought.
    """
    if len(budgets) < LEAST_STAGES:
        return None
    rows, rng = right.shape[1], np.random.default_rng(0)
    accuracies = np.array([right[:, rng.integers(rows, size=rows)].mean(1) for _ in range(RESAMPLES)])
    errors = np.log(np.maximum(1 - accuracies, 0.5 / rows))  # so few rows cannot show an error of 0
    slopes, starts = np.polyfit(np.log(budgets), errors.T, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.exp(np.minimum((np.log(1 - target) - starts) / slopes, 700))
    reached = np.where(slopes < 0, crossings, np.inf)
    low, middle, high = np.quantile(reached, [OUTER / 2, 0.5, 1 - OUTER / 2], method="inverted_cdf")
    return (float(middle), float(low), float(high)) if high <= FURTHEST * budgets[-1] else None


def to_target(right: np.ndarray, budgets: np.ndarray, target: float) -> str:
    """A sentence on how many more labels are needed. Arguments as of labels_to_target, stages in any order."""
    order = np.argsort(budgets, kind="stable")
    right, budgets = right[order], np.asarray(budgets)[order]
    best = int(right.mean(1).argmax())
    if right[best].mean() >= target:
        low, _ = wilson(float(right[best].mean()), right.shape[1])
        sure = "" if low >= target else f", but its interval begins at {low:.2f}"
        return f"Accuracy {target:g} was reached with {budgets[best]:,} labels{sure}.\n"
    found = labels_to_target(right, budgets, target)
    if found is None:
        return f"These stages and this holdout cannot tell how many labels accuracy {target:g} needs.\n"
    more, low, high = (max(0, round(labels - budgets[-1])) for labels in found)
    return (
        f"If the curve goes on like this, accuracy {target:g} needs about {more:,} more labels ({low:,} to {high:,} in 90% of "
        "resamples of the holdout).\n"
    )


def without_holdout(stages: list[dict]) -> str:
    """What can be said if no row is held out.

    stages   stage, labels, predicted int [seeds, pool], sure, cross_validated or None; in order, those with models
    """
    lines, before = [], None
    for stage in stages:
        kappas = [] if before is None else [kappa(*pair) for pair in zip(before, stage["predicted"])]
        before = stage["predicted"]
        shown = [np.mean(kappas) if kappas else None, stage["cross_validated"], stage["sure"]]
        lines.append([stage["stage"], f"{stage['labels']:,}", *("" if value is None else f"{value:.4f}" for value in shown)])
    heads = ["stage", "labels", "agreement", "cross-validated (biased)", "highest probability"]
    text = table(lines, heads, left=1)
    return (
        f"No row is held out, so accuracy is not measured. What can be said:\n\n{text}\n\n"
        "Agreement is Cohen's kappa of two successive models on the pool: near 1, more labels change little. Cross-validated\n"
        "accuracy is on the labelled rows, which were often chosen for being hard: it is biased, and no estimate for the pool.\n"
        "The highest probability, a mean over the pool, says how sure the model is, not how right. To measure accuracy, set\n"
        "prepare.holdout_rows: 100.\n"
    )


def kappa(before: np.ndarray, now: np.ndarray) -> float:
    """Cohen's kappa of two models' classes, int [pool] each; 1 if both give one and the same class only."""
    from sklearn.metrics import cohen_kappa_score

    return 1.0 if len(np.union1d(before, now)) == 1 else float(cohen_kappa_score(before, now))
