"""report: hold every arm against random rows, stage by stage.

reads   data/results/ARM/STAGE/         what each model says of the holdout
        data/test.jsonl                 what is true of it
writes  metrics/ARM/STAGE.json          flat, the same keys in every file
        metrics/summary.json            the last stage: each arm's accuracy, and the gain
        data/plots/learning_curve.json  one row an arm, stage and seed
        data/plots/confusion.json       one row an arm, actual and predicted class, at the last stage
        data/summary.md                 the table
params  rounds, random_at, seeds
"""

from pathlib import Path

import numpy as np
from tabulate import tabulate

from stages.core import artifacts, labels, results, settings
from stages.core.errors import run
from stages.core.evaluation import accuracy, confusion, macro_f1

MAIN, BASELINE, BOUND = "bucketed", "random", "full"


def main() -> None:
    params = settings.read("rounds", "random_at", "seeds")
    actual, classes = labels.holdout(), labels.classes()
    found = {}
    for arm, stages in arms(params).items():
        for stage in stages:
            result = results.load(arm, stage, len(actual), len(classes))
            if result.sufficient_since is None:
                found[arm, stage] = result
    last = [stage for arm, stage in found if arm == MAIN][-1]

    rows = []
    for (arm, stage), result in found.items():
        baseline = found[BASELINE, last if arm == BOUND else stage]
        row = {"arm": arm, "stage": stage} | measures(result, baseline, actual, classes)
        artifacts.save_json(Path("metrics") / arm / f"{stage}.json", {k: v for k, v in row.items() if k not in ("arm", "stage")})
        rows.append(row)

    artifacts.save_json("metrics/summary.json", summary(rows, last, params))
    artifacts.save_json("data/plots/learning_curve.json", learning_curve(found, params.seeds, actual, last))
    artifacts.save_json("data/plots/confusion.json", confusions(found, actual, classes, last))
    text = table(rows, params)
    with artifacts.whole(Path("data/summary.md")) as part:
        part.write_text(text, encoding="utf-8")
    print(text)


def arms(params) -> dict[str, list[str]]:
    stages = settings.stages_in_order(params.rounds)
    return {BASELINE: [stage for stage in stages if stage in params.random_at], MAIN: stages, BOUND: ["pool"]}


def measures(result: results.Result, baseline: results.Result, actual: np.ndarray, classes: list[str]) -> dict:
    """Means over the seeds, standard deviations where there is more than one seed (else None), and the gain over `baseline`.

    The gain is the mean of the differences seed by seed, its standard error that of a mean. The full model has one seed
    only: it is held against the mean of the baseline, without an error.
    """
    counts = np.stack([confusion(p, actual) for p in result.probabilities])
    accuracies = [accuracy(p, actual) for p in result.probabilities]
    f1s = [macro_f1(count) for count in counts]
    base = [accuracy(p, actual) for p in baseline.probabilities]
    gains = np.subtract(accuracies, base if len(base) == len(accuracies) else np.mean(base))
    misses = counts.sum(2) - np.diagonal(counts, axis1=1, axis2=2)
    alarms = counts.sum(1) - np.diagonal(counts, axis1=1, axis2=2)
    return {
        "labels": result.labels,
        "accuracy": _mean(accuracies),
        "accuracy_std": _spread(accuracies),
        "macro_f1": _mean(f1s),
        "macro_f1_std": _spread(f1s),
        "gain_vs_random": _mean(gains),
        "gain_vs_random_se": _spread(gains, len(gains) ** 0.5),
        **{f"false_negatives_{name}": _mean(misses[:, i]) for i, name in enumerate(classes)},
        **{f"false_positives_{name}": _mean(alarms[:, i]) for i, name in enumerate(classes)},
    }


def summary(rows: list[dict], last: str, params) -> dict:
    at_last = {row["arm"]: row for row in rows if row["stage"] == last or row["arm"] == BOUND}
    return {
        "labels": at_last[MAIN]["labels"],
        "accuracy_bucketed": at_last[MAIN]["accuracy"],
        "accuracy_random": at_last[BASELINE]["accuracy"],
        "accuracy_full": at_last[BOUND]["accuracy"],
        "gain_vs_random": at_last[MAIN]["gain_vs_random"],
        "gain_vs_random_se": at_last[MAIN]["gain_vs_random_se"],
        "sufficient": int(last != settings.stages_in_order(params.rounds)[-1]),
    }


def learning_curve(found: dict, seeds: list[int], actual: np.ndarray, last: str) -> list[dict]:
    """One row an arm, stage and seed; the full model's single value is drawn as a line over all budgets."""
    rows = [
        {"arm": arm, "stage": stage, "seed": seed, "labels": result.labels}
        | {"accuracy": round(accuracy(p, actual), 6), "macro_f1": round(macro_f1(confusion(p, actual)), 6)}
        for (arm, stage), result in found.items()
        if arm != BOUND
        for seed, p in zip(seeds, result.probabilities)
    ]
    budgets = sorted({row["labels"] for row in rows})
    bound = found[BOUND, "pool"].probabilities[0]
    return rows + [
        {"arm": f"{BOUND} ({found[BOUND, 'pool'].labels:,} labels)", "stage": "pool", "seed": seeds[0], "labels": labels}
        | {"accuracy": round(accuracy(bound, actual), 6), "macro_f1": round(macro_f1(confusion(bound, actual)), 6)}
        for labels in budgets
    ]


def confusions(found: dict, actual: np.ndarray, classes: list[str], last: str) -> list[dict]:
    """Mean number of rows over the seeds, and the share of the actual class that they are."""
    rows = []
    for (arm, stage), result in found.items():
        if stage in (last, "pool"):
            counts = np.mean([confusion(p, actual) for p in result.probabilities], axis=0)
            shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
            rows += [
                {
                    "arm": arm,
                    "actual": a,
                    "predicted": b,
                    "rows": round(float(counts[i, j]), 1),
                    "share": round(float(shares[i, j]), 4),
                }
                for i, a in enumerate(classes)
                for j, b in enumerate(classes)
            ]
    return rows


def table(rows: list[dict], params) -> str:
    """The arms side by side, as Markdown."""
    order = {arm: i for i, arm in enumerate((BASELINE, MAIN, BOUND))}
    lines = [
        [
            row["arm"],
            row["stage"],
            f"{row['labels']:,}",
            _plus_minus(row["accuracy"], row["accuracy_std"]),
            _plus_minus(row["macro_f1"], row["macro_f1_std"]),
            "" if row["arm"] == BASELINE else _plus_minus(row["gain_vs_random"], row["gain_vs_random_se"], "+"),
        ]
        for row in sorted(rows, key=lambda row: (row["labels"], order[row["arm"]]))
    ]
    heads = ["arm", "stage", "labels", "accuracy ± sd", "macro F1 ± sd", "gain vs random ± se"]
    text = tabulate(lines, heads, tablefmt="github", disable_numparse=True, colalign=("left", "left", *["right"] * 4))
    text += f"\n\nMeans over {len(params.seeds)} seeds, on the holdout. "
    text += "The full model has one seed and is held against the last random stage.\n"
    trained = [row["stage"] for row in rows if row["arm"] == MAIN]
    if trained[-1] != settings.stages_in_order(params.rounds)[-1]:
        labels = next(row["labels"] for row in rows if row["arm"] == MAIN and row["stage"] == trained[-1])
        text += f"Labelling stopped after {trained[-1]}: {labels:,} labels were sufficient.\n"
    return text


def _mean(values) -> float:
    return round(float(np.mean(values)), 6)


def _spread(values, divisor: float = 1.0) -> float | None:
    return round(float(np.std(values, ddof=1)) / divisor, 6) if len(values) > 1 else None


def _plus_minus(mean: float, spread: float | None, sign: str = "") -> str:
    return f"{mean:{sign}.4f}" + ("" if spread is None else f" ± {spread:.4f}")


if __name__ == "__main__":
    run(main)
