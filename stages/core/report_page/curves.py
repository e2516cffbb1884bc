"""Learning curves with bands, arm by arm."""

import numpy as np

from stages.core import task
from stages.core.base import bars
from stages.core.reporting.comparison import Tested
from stages.core.reporting.result_tables import shown
from stages.core.reporting.statistics import ALPHA
from stages.core.rows.results import BOUND, is_final

RESAMPLES = 400
MANY_ROWS = 10_000  # of the holdout: their interval is narrow, so a quarter of the resamples is enough


def curves(tested: Tested, actual: np.ndarray) -> list[dict]:
    """One entry an arm: arm, bound (whether it is the full model), final, points with measures. actual: labels [holdout]"""
    arms: dict[tuple[str, bool], list[dict]] = {}
    for (arm, stage), result in bars.bar("report: bands of the curves", len(tested), "results", tested.items()):
        measures = measured(task.of(actual).predicted(result.probabilities), actual, result.probabilities.shape[2])
        point = {"stage": stage, "labels": result.labels, **measures}
        arms.setdefault((shown(arm, result.uses_pool_labels), is_final(stage)), []).append(point)
    return [
        {"arm": name, "bound": name == BOUND, "final": final, "points": sorted(points, key=lambda point: point["labels"])}
        for (name, final), points in arms.items()
    ]


def measured(predicted: np.ndarray, actual: np.ndarray, classes: int) -> dict:
    """accuracy and macro_f1, means over the seeds, each as [mean, low, high].

    predicted   labels [seeds, holdout]

    low and high bound the middle 95% of resamples, of the holdout's rows and of the seeds at once.
    """
    kind = task.of(actual)
    cells = kind.cells(predicted, actual, classes)  # [seeds, holdout] or [seeds, holdout, classes]
    rng = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES if len(actual) <= MANY_ROWS else RESAMPLES // 4):
        rows = rng.integers(len(actual), size=len(actual))
        seeds = rng.integers(len(cells), size=len(cells))
        resampled.append(np.mean([kind.both(cells[seed][rows], classes) for seed in seeds], axis=0))
    means = np.mean([kind.both(seed, classes) for seed in cells], axis=0)
    low, high = np.quantile(resampled, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    return {name: [round(float(each[i]), 4) for each in (means, low, high)] for i, name in enumerate(("accuracy", "macro_f1"))}
