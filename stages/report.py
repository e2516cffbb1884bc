"""report: hold every arm against random rows, stage by stage.

reads   data/results/ARM/STAGE/         what each model says of the holdout
        data/test.jsonl                 what is true of it
writes  metrics/ARM/STAGE.json          flat, the same keys in every file
        metrics/summary.json            the bucketed arm at its last stage, the same keys again
        data/plots/learning_curve.json  one row an arm, stage and seed: the measures of that model
        data/plots/confusion.json       one row an arm, actual and predicted class, at the last stage
        data/summary.md                 the table
params  rounds, random_at, arms, seeds
"""

from pathlib import Path

import numpy as np
from tabulate import tabulate

from stages.core import artifacts, labels, results, settings
from stages.core.errors import run
from stages.core.evaluation import accuracy, confusion, macro_f1
from stages.core.settings import BASELINE, BOUND, MAIN


def main() -> None:
    params = settings.read("rounds", "random_at", "arms", "seeds")
    actual, classes = labels.holdout(), labels.classes()
    stages = settings.stages_in_order(params.rounds)
    found = {}
    of_arms = {BASELINE: params.random_at, MAIN: stages} | dict.fromkeys(params.arms, stages) | {BOUND: ["pool"]}
    for arm, arm_stages in of_arms.items():
        for stage in arm_stages:
            result = results.load(arm, stage, len(actual), len(classes))
            if result.sufficient_since is None:
                found[arm, stage] = result
    last = [stage for arm, stage in found if arm == MAIN][-1]

    measured = {}
    for (arm, stage), result in found.items():
        measured[arm, stage] = measures(result, found[BASELINE, last if arm == BOUND else stage], actual, classes)
        artifacts.save_json(Path("metrics") / arm / f"{stage}.json", measured[arm, stage])
    artifacts.save_json("metrics/summary.json", measured[MAIN, last])
    artifacts.save_json("data/plots/learning_curve.json", by_seed(found, params.seeds, actual, classes))
    artifacts.save_json("data/plots/confusion.json", confusions(found, actual, classes, last))
    text = table(measured, len(params.seeds), stopped_early=last != stages[-1])
    with artifacts.whole(Path("data/summary.md")) as part:
        part.write_text(text, encoding="utf-8")
    print(text)


def of_one_seed(probabilities: np.ndarray, actual: np.ndarray, classes: list[str]) -> dict:
    """What one model does on the holdout: shares for accuracy and macro F1, numbers of rows for the errors of each class."""
    counts = confusion(probabilities, actual)
    right = np.diag(counts)
    return {
        "accuracy": accuracy(probabilities, actual),
        "macro_f1": macro_f1(counts),
        **{f"false_negatives_{name}": int(n) for name, n in zip(classes, counts.sum(1) - right)},
        **{f"false_positives_{name}": int(n) for name, n in zip(classes, counts.sum(0) - right)},
    }


def measures(result: results.Result, baseline: results.Result, actual: np.ndarray, classes: list[str]) -> dict:
    """Means over the seeds, standard deviations where there is more than one seed (else None), and the gain over `baseline`.

    The gain is the mean of the differences in accuracy seed by seed, its standard error that of a mean. The full model
    has one seed only: it is held against the mean of the baseline, without an error.
    """
    seeds = [of_one_seed(p, actual, classes) for p in result.probabilities]
    base = [accuracy(p, actual) for p in baseline.probabilities]
    gains = np.subtract([seed["accuracy"] for seed in seeds], base if len(base) == len(seeds) else np.mean(base))
    means = {key: round(float(np.mean([seed[key] for seed in seeds])), 6) for key in seeds[0]}
    return {
        "labels": result.labels,
        "accuracy": means.pop("accuracy"),
        "accuracy_std": _spread([seed["accuracy"] for seed in seeds]),
        "macro_f1": means.pop("macro_f1"),
        "macro_f1_std": _spread([seed["macro_f1"] for seed in seeds]),
        "gain_vs_random": round(float(gains.mean()), 6),
        "gain_vs_random_se": _spread(gains, len(gains) ** 0.5),
        "uses_pool_labels": result.uses_pool_labels,
        **means,
    }


def by_seed(found: dict, seeds: list[int], actual: np.ndarray, classes: list[str]) -> list[dict]:
    """One row an arm, stage and seed; the full model's only row is repeated at every budget, to be drawn as a line."""
    rows = [
        {"arm": shown(arm, result.uses_pool_labels), "stage": stage, "seed": seed, "labels": result.labels}
        | of_one_seed(p, actual, classes)
        for (arm, stage), result in found.items()
        for seed, p in zip(seeds, result.probabilities)
    ]
    bound = rows.pop()
    arm = f"{BOUND} ({bound['labels']:,} labels)"
    return rows + [bound | {"arm": arm, "labels": labels} for labels in sorted({row["labels"] for row in rows})]


def shown(arm: str, uses_pool_labels: bool) -> str:
    """The arm's name in tables and plots; those that saw labels nobody paid for are set apart."""
    return f"{arm} (pool labels)" if uses_pool_labels else arm


def confusions(found: dict, actual: np.ndarray, classes: list[str], last: str) -> list[dict]:
    """Mean number of rows over the seeds, and the share of the actual class that they are."""
    rows = []
    for (arm, stage), result in found.items():
        if stage in (last, "pool"):
            counts = np.mean([confusion(p, actual) for p in result.probabilities], axis=0)
            shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
            rows += [
                {
                    "arm": shown(arm, result.uses_pool_labels),
                    "actual": a,
                    "predicted": b,
                    "rows": round(float(counts[i, j]), 1),
                    "share": round(float(shares[i, j]), 4),
                }
                for i, a in enumerate(classes)
                for j, b in enumerate(classes)
            ]
    return rows


def table(measured: dict, seeds: int, stopped_early: bool) -> str:
    """The arms side by side, as Markdown."""
    arms = list(dict.fromkeys(arm for arm, _ in measured))
    lines = [
        [
            shown(arm, row["uses_pool_labels"]),
            stage,
            f"{row['labels']:,}",
            _plus_minus(row["accuracy"], row["accuracy_std"]),
            _plus_minus(row["macro_f1"], row["macro_f1_std"]),
            "" if arm == BASELINE else _plus_minus(row["gain_vs_random"], row["gain_vs_random_se"], "+"),
        ]
        for (arm, stage), row in sorted(measured.items(), key=lambda item: (item[1]["labels"], arms.index(item[0][0])))
    ]
    heads = ["arm", "stage", "labels", "accuracy ± sd", "macro F1 ± sd", "gain vs random ± se"]
    text = tabulate(lines, heads, tablefmt="github", disable_numparse=True, colalign=("left", "left", *["right"] * 4))
    text += f"\n\nMeans over {seeds} seeds, on the holdout. "
    text += "The full model has one seed and is held against the last random stage.\n"
    if any(row["uses_pool_labels"] for row in measured.values()):
        text += "Arms marked (pool labels) choose rows by labels of the whole pool: they prune data, and save no labels.\n"
    if stopped_early:
        stage, row = [(stage, row) for (arm, stage), row in measured.items() if arm == MAIN][-1]
        text += f"Labelling stopped after {stage}: {row['labels']:,} labels were sufficient.\n"
    return text


def _spread(values, divisor: float = 1.0) -> float | None:
    return round(float(np.std(values, ddof=1)) / divisor, 6) if len(values) > 1 else None


def _plus_minus(mean: float, spread: float | None, sign: str = "") -> str:
    return f"{mean:{sign}.4f}" + ("" if spread is None else f" ± {spread:.4f}")


if __name__ == "__main__":
    run(main)
