"""How sure the figures are where people label: a small holdout, or none; and what the curve says of more labels.

Pure functions; what they give is a number, or text for data/summary.md.
"""

import numpy as np

from stages.core.reporting.markdown import table
from stages.core.reporting.statistics import ALPHA, RESAMPLES

LEAST_STAGES = 3  # through two points goes any curve
FURTHEST = 10  # times the labels that there are: beyond, a curve of a few points says nothing
OUTER = 0.1  # share of the resamples outside the interval that is told


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Limits, at 1 - ALPHA, of a share that was found on so many rows (Wilson 1927).

    At 0.9, 100 rows give 0.83 to 0.94 and 200 rows 0.85 to 0.93.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * rows, rows, alpha=ALPHA, method="wilson")
    return float(low), float(high)


def intervals(measured: dict[tuple[str, str], dict], rows: int) -> str:
    """One line an arm and stage, as Markdown. measured: (arm, stage) -> as metrics/ARM/STAGE.json, on so many rows."""
    lines = []
    for (arm, stage), row in measured.items():
        low, high = wilson(row["accuracy"], rows)
        lines.append([arm, stage, f"{row['labels']:,}", f"{row['accuracy']:.4f}", f"{low:.4f} to {high:.4f}"])
    text = table(lines, ["arm", "stage", "labels", "accuracy", "interval"], left=2)
    return f"\n{text}\n\nOn {rows:,} rows of the holdout, which are not counted as labels; 95% intervals (Wilson).\n"


def labels_to_target(
    right: np.ndarray, budgets: np.ndarray, target: float, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    """(labels, low, high) at which accuracy comes to `target`; None where the curve cannot say.

    right     float [stages, rows]   share of the seeds whose model is right on a row of the holdout
    budgets   int [stages]           labels, ascending
    target    accuracy to come to, above that of the last stage

    The error is taken to fall as a power of the labels (Hestness et al. 2017, "Deep Learning Scaling is Predictable,
    Empirically"), a line through the logarithms. low and high bound the middle 90% of resamples of the holdout. It
    cannot say where there are fewer than LEAST_STAGES, where accuracy does not rise in some of these, or where high lies
    beyond FURTHEST times the labels that there are.
    """
    if len(budgets) < LEAST_STAGES:
        return None
    rows = right.shape[1]
    draws = [right[:, rng.integers(rows, size=rows)].mean(1) for _ in range(RESAMPLES)]
    reached = np.array([_reached(np.log(budgets), accuracies, target, rows) for accuracies in draws])
    low, middle, high = np.quantile(reached, [OUTER / 2, 0.5, 1 - OUTER / 2], method="inverted_cdf")
    return (float(middle), float(low), float(high)) if high <= FURTHEST * budgets[-1] else None


def _reached(logs: np.ndarray, accuracies: np.ndarray, target: float, rows: int) -> float:
    """Labels at which the line comes to the target; inf where it does not."""
    errors = np.log(np.maximum(1 - accuracies, 0.5 / rows))  # no error at all is not known of so many rows
    slope, start = np.polyfit(logs, errors, 1)
    return float(np.exp(min((np.log(1 - target) - start) / slope, 700))) if slope < 0 else np.inf


def to_target(right: np.ndarray, budgets: np.ndarray, target: float) -> str:
    """A sentence on how many more labels it takes. Arguments as of labels_to_target; the order of the stages does not matter."""
    order = np.argsort(budgets, kind="stable")
    right, budgets = right[order], np.asarray(budgets)[order]
    best = int(right.mean(1).argmax())
    if right[best].mean() >= target:
        low, _ = wilson(float(right[best].mean()), right.shape[1])
        sure = "" if low >= target else f", though the interval begins at {low:.2f}"
        return f"Accuracy {target:g} was reached with {budgets[best]:,} labels{sure}.\n"
    found = labels_to_target(right, budgets, target, np.random.default_rng(0))
    if found is None:
        return f"How many labels it takes to accuracy {target:g} cannot be said from these stages and this holdout.\n"
    more, low, high = (max(0, round(labels - budgets[-1])) for labels in found)
    return (
        f"If the curve goes on as it went, accuracy {target:g} takes about {more:,} more labels ({low:,} to {high:,} in 90% of the "
        "resamples of the holdout).\n"
    )


def without_holdout(stages: list[dict]) -> str:
    """What can be said where nothing was held out.

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
        f"No row is held out, so nothing is measured. What can be said:\n\n{text}\n\n"
        "Agreement: Cohen's kappa of two models in a row on the pool; it nears 1 when more labels change little. Cross-validated\n"
        "on the labelled rows, which were chosen, often for being hard: biased by that, and no estimate for the pool. The mean\n"
        "highest probability says how sure the model is of the pool, not how right. prepare.holdout_rows: 100 would measure it.\n"
    )


def kappa(before: np.ndarray, now: np.ndarray) -> float:
    """Cohen's kappa of two models, int [pool] each; 1 where both name one class alone."""
    from sklearn.metrics import cohen_kappa_score

    return 1.0 if len(np.union1d(before, now)) == 1 else float(cohen_kappa_score(before, now))
