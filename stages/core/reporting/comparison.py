"""What every arm measured at every stage, and how it compares with random rows; pure functions of the results.

`measure` is accuracy or macro_f1: it decides gains, tests and labels saved. A comparison with an arm that has no result is None.
"""

import numpy as np

from stages.core import task
from stages.core.reporting import statistics
from stages.core.reporting.result_tables import shown
from stages.core.rows.measures import MEASURES, accuracy, by_row, errors, macro_f1
from stages.core.rows.results import BASELINE, BOUND, FINAL, NAMES, WHOLE_POOL, Result, is_final

Tested = dict[tuple[str, str], Result]  # (arm, stage) -> result of models that were tested on the holdout
NEAR_FULL = 0.95  # share of the full model's measure that "labels to 95% of full" counts to
NOT_COMPARED = {"gain": None, "gain_low": None, "gain_high": None, "p": None, "seeds_for_one_point": None}
NOT_REACHED = (None, None, None)


def of_one_seed(probabilities: np.ndarray, actual: np.ndarray, classes: list[str]) -> dict:
    """What one model does on the holdout: accuracy and macro F1 as shares, errors of each class in rows."""
    kind = task.of(actual)
    missed, given = errors(kind.predicted(probabilities), actual, len(classes))
    return {
        "accuracy": accuracy(probabilities, actual),
        "macro_f1": macro_f1(probabilities, actual),
        **kind.further(probabilities, actual),
        **{f"false_negatives_{name}": int(n) for name, n in zip(classes, missed)},
        **{f"false_positives_{name}": int(n) for name, n in zip(classes, given)},
    }


def at_a_stage(result: Result, baseline: Result | None, actual: np.ndarray, classes: list[str], measure: str) -> dict:
    """Means over the seeds, standard deviations (None with one seed), and the gain over `baseline`.

    The gain is the mean of the differences, paired by seed and row, with its standard error over both (statistics.py).
    The full model has one seed: its gain is over the baseline's mean and has no error.
    """
    seeds = [of_one_seed(p, actual, classes) for p in result.probabilities]
    means = {key: round(float(np.mean([seed[key] for seed in seeds])), 6) for key in seeds[0]}
    gain = error = None
    if baseline:
        base = [MEASURES[measure](p, actual) for p in baseline.probabilities]
        paired = len(base) == len(seeds)
        gain = round(float(np.subtract([seed[measure] for seed in seeds], base if paired else np.mean(base)).mean()), 6)
        if paired and len(seeds) > 1:
            differences = _by_row(result, actual, measure) - _by_row(baseline, actual, measure)
            error = round(float(statistics.standard_error(*statistics.variances(differences), *differences.shape)[0]), 6)
    return {
        "labels": result.labels,
        "accuracy": means.pop("accuracy"),
        "accuracy_std": _spread([seed["accuracy"] for seed in seeds]),
        "macro_f1": means.pop("macro_f1"),
        "macro_f1_std": _spread([seed["macro_f1"] for seed in seeds]),
        "gain_vs_random": gain,
        "gain_vs_random_se": error,
        "uses_pool_labels": result.uses_pool_labels,
        **means,
    }


def over_budgets(tested: Tested, stages: list[str], actual: np.ndarray, measure: str) -> dict[str, dict]:
    """Every arm but the full model over all its stages, compared with the random arm; the same keys for each arm.

    stages   at which every arm has models; the random arm may lack some
    """
    arms = [arm for arm in dict.fromkeys(arm for arm, _ in tested) if arm not in (BOUND, NAMES)]
    compared = all((BASELINE, stage) in tested for stage in stages)
    if not compared:
        arms = [arm for arm in arms if arm != BASELINE]
    stages = sorted(stages, key=lambda stage: tested[arms[-1], stage].labels)
    budgets = np.array([tested[arms[-1], stage].labels for stage in stages])

    def curve(arm: str, name: str) -> np.ndarray:
        """float64 [seeds, stages, rows]: what the rows contribute to the measure."""
        return np.stack([_by_row(tested[arm, stage], actual, name) for stage in stages], axis=1)

    base, bound = curve(BASELINE, measure) if compared else None, tested.get((BOUND, WHOLE_POOL))
    overall = {}
    for arm in arms:
        curves = {name: curve(arm, name) for name in MEASURES}
        gain, to_random, own = NOT_COMPARED, NOT_REACHED, curves[measure]
        if compared:
            gain = statistics.gain((own - base).mean(1))
            to_random = statistics.labels_to_reach(budgets, own, base[:, -1])
        to_full = bound and statistics.labels_to_reach(budgets, own, NEAR_FULL * _by_row(bound, actual, measure))
        overall[arm] = {
            **{f"mean_{name}": float(each.mean()) for name, each in curves.items()},
            **gain,
            **{f"labels_to_random{end}": labels for end, labels in zip(("", "_low", "_high"), to_random)},
            **{f"labels_to_95_of_full{end}": labels for end, labels in zip(("", "_low", "_high"), to_full or NOT_REACHED)},
            "uses_pool_labels": tested[arm, stages[0]].uses_pool_labels,
        }
    if compared:
        overall[BASELINE] |= {"p": None, "seeds_for_one_point": None}  # the random arm is not compared with itself
    statistics.correct(overall)
    rounded = lambda value: round(value, 6) if isinstance(value, float) else value  # noqa: E731
    return {arm: {key: rounded(value) for key, value in row.items()} for arm, row in overall.items()}


def _by_row(result: Result, actual: np.ndarray, measure: str) -> np.ndarray:
    """float64 [seeds, rows]: as measures.by_row"""
    return by_row(measure, task.of(actual).predicted(result.probabilities), actual, result.probabilities.shape[2])


def _of_kind(arm: str, stage: str, result: Result) -> str:
    """The arm in plots: models of another kind than the stages' are an arm of their own."""
    return shown(arm, result.uses_pool_labels) + (f", {FINAL}" if is_final(stage) else "")


def by_seed(tested: Tested, seeds: list[int], actual: np.ndarray, classes: list[str]) -> list[dict]:
    """One row an arm, stage and seed. The full model's row is repeated at every budget, so that a plot draws it as a line."""
    rows, bound = [], []
    for (arm, stage), result in tested.items():
        for seed, p in zip(seeds, result.probabilities):
            row = {"arm": _of_kind(arm, stage, result), "stage": stage, "seed": seed, "labels": result.labels}
            (bound if arm == BOUND else rows).append(row | of_one_seed(p, actual, classes))
    budgets = sorted({row["labels"] for row in rows})
    return rows + [
        row | {"arm": f"{row['arm']} ({row['labels']:,} labels)", "labels": labels} for row in bound for labels in budgets
    ]


def confusions(tested: Tested, actual: np.ndarray, classes: list[str], last: str) -> list[dict]:
    """One row an arm, actual and predicted class, as in Task.table: mean number of rows over the seeds, and their share.

    Of the models of the stage `last`, of the full models, and of the final models as arms of their own.
    """
    rows, kind = [], task.of(actual)
    columns = kind.columns or classes
    for (arm, stage), result in tested.items():
        if stage in (FINAL, WHOLE_POOL, last):
            predicted = kind.predicted(result.probabilities)
            counts = np.mean([kind.table(seed, actual, len(classes))[0] for seed in predicted], axis=0)
            shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
            for (i, j), count in np.ndenumerate(counts):
                pair = {"arm": _of_kind(arm, stage, result), "actual": classes[i], "predicted": columns[j]}
                rows.append(pair | {"rows": round(float(count), 1), "share": round(float(shares[i, j]), 4)})
    return rows


def epochs(tested: Tested) -> list[dict]:
    """One row an arm, stage, seed and epoch; none for learners without epochs."""
    return [
        {"arm": f"{shown(arm, result.uses_pool_labels)} {stage}", **epoch}
        for (arm, stage), result in tested.items()
        for epoch in result.history
    ]


def _spread(values: list[float]) -> float | None:
    return round(float(np.std(values, ddof=1)), 6) if len(values) > 1 else None
