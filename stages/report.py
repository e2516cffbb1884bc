"""report: hold every arm against random rows, stage by stage and over all budgets.

reads   data/results/ARM/STAGE/         the rows, and what each model says of the holdout
        data/test.jsonl                 what is true of it
        data/pool.jsonl, data/embeddings.npy, data/clusters.npy   to describe what was picked
writes  metrics/ARM/STAGE.json          flat, the same keys in every file
        metrics/ARM/curve.json          the arm over all budgets: gain, tests, labels saved, sort of rows picked
        metrics/summary.json            the bucketed arm at its last stage, the keys of STAGE.json
        data/plots/learning_curve.json  one row an arm, stage and seed: the measures of that model
        data/plots/confusion.json       one row an arm, actual and predicted class, at the last stage
        data/plots/history.json         one row an arm, stage, seed and epoch: the loss in training
        data/summary.md                 the tables
params  rounds, random_at, arms, seeds
"""

from pathlib import Path

import numpy as np

from stages.core import artifacts, labels, results, settings, statistics, tables, vectors
from stages.core.description import describe
from stages.core.errors import run
from stages.core.evaluation import accuracy, confusion, macro_f1
from stages.core.settings import BASELINE, BOUND, MAIN
from stages.core.tables import shown

Found = dict[tuple[str, str], results.Result]
NEAR_FULL = 0.95  # labels are counted to this share of the full model's accuracy


def main() -> None:
    params = settings.read("rounds", "random_at", "arms", "seeds")
    actual, classes, texts = labels.holdout(), labels.classes(), artifacts.texts(artifacts.POOL)
    stages = settings.stages_in_order(params.rounds)
    found = {}
    of_arms = {BASELINE: params.random_at, MAIN: stages} | dict.fromkeys(params.arms, stages) | {BOUND: ["pool"]}
    for arm, arm_stages in of_arms.items():
        for stage in arm_stages:
            result = results.load(arm, stage, len(texts), len(actual), len(classes))
            if result.sufficient_since is None:
                found[arm, stage] = result
    trained = [stage for arm, stage in found if arm == MAIN]
    last = trained[-1]

    measured = {}
    for (arm, stage), result in found.items():
        measured[arm, stage] = measures(result, found[BASELINE, last if arm == BOUND else stage], actual, classes)
        artifacts.save_json(Path("metrics") / arm / f"{stage}.json", measured[arm, stage])
    artifacts.save_json("metrics/summary.json", measured[MAIN, last])
    overall, picked = over_budgets(found, trained, actual), selections(found, last, params.seeds, texts)
    for arm in overall:
        artifacts.save_json(Path("metrics") / arm / "curve.json", overall[arm] | picked[arm])
    artifacts.save_plot("learning_curve", by_seed(found, params.seeds, actual, classes))
    artifacts.save_plot("confusion", confusions(found, actual, classes, last))
    artifacts.save_plot("history", epochs(found))
    text = "\n".join([
        tables.by_stage(measured, len(params.seeds), stopped_early=last != stages[-1]),
        tables.by_curve(overall, len(params.seeds), len(trained)),
        tables.by_selection(picked),
    ])  # fmt: skip
    with artifacts.whole(Path("data/summary.md")) as part:
        part.write_text(text, encoding="utf-8")
    print(text)


def of_one_seed(probabilities: np.ndarray, actual: np.ndarray, classes: list[str]) -> dict:
    """What one model does on the holdout: shares for accuracy and macro F1, numbers of rows for the errors of each class."""
    counts = confusion(probabilities, actual)
    right = np.diag(counts)
    return {
        "accuracy": accuracy(probabilities, actual),
        "macro_f1": macro_f1(probabilities, actual),
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


def over_budgets(found: Found, stages: list[str], actual: np.ndarray) -> dict[str, dict]:
    """Every arm but the full model over all its stages, held against the random arm; the same keys for each."""
    stages = sorted(stages, key=lambda stage: found[BASELINE, stage].labels)
    budgets = np.array([found[BASELINE, stage].labels for stage in stages])
    arms = [arm for arm in dict.fromkeys(arm for arm, _ in found) if arm != BOUND]
    predicted = {arm: np.stack([found[arm, stage].probabilities.argmax(2) for stage in stages], axis=1) for arm in arms}
    curves = {arm: (predicted[arm] == actual).mean(2) for arm in arms}  # [seeds, stages]
    full = np.array([accuracy(p, actual) for p in found[BOUND, "pool"].probabilities])

    overall = {}
    for arm in arms:
        to_random = statistics.labels_to_reach(budgets, curves[arm], curves[BASELINE][:, -1])
        to_full = statistics.labels_to_reach(budgets, curves[arm], NEAR_FULL * full.mean(keepdims=True))
        pairs = zip(predicted[arm][:, -1], predicted[BASELINE][:, -1])
        overall[arm] = {
            "mean_accuracy": float(curves[arm].mean()),
            **statistics.gain(curves[arm], curves[BASELINE]),
            **{f"labels_to_random{end}": labels for end, labels in zip(("", "_low", "_high"), to_random)},
            **{f"labels_to_95_of_full{end}": labels for end, labels in zip(("", "_low", "_high"), to_full)},
            "seeds_apart_by_mcnemar": sum(statistics.mcnemar(*pair, actual) < statistics.ALPHA for pair in pairs),
            "uses_pool_labels": found[arm, stages[0]].uses_pool_labels,
        }
    overall[BASELINE] |= {"p": None, "seeds_for_one_point": None}  # it is not compared with itself
    statistics.correct(overall)
    return {arm: {key: _rounded(value) for key, value in row.items()} for arm, row in overall.items()}


def selections(found: Found, last: str, seeds: list[int], texts: list[str]) -> dict[str, dict]:
    """What sort of rows each arm had at its last stage, means over the seeds. texts: of the pool, line by line."""
    of_pool = (
        labels.whole_pool("report: to describe what was picked"),
        vectors.load(artifacts.EMBEDDINGS, artifacts.POOL),
        np.array([len(text.split()) for text in texts]),
        artifacts.load_clusters(len(texts)),
    )
    described = {}
    for (arm, stage), result in found.items():
        if stage == last:
            each = [describe(rows, *of_pool, rng) for rows, rng in zip(result.labelled, artifacts.rngs(seeds, "report"))]
            described[arm] = {key: round(float(np.mean([seed[key] for seed in each])), 4) for key in each[0]}
    return described


def by_seed(found: Found, seeds: list[int], actual: np.ndarray, classes: list[str]) -> list[dict]:
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


def confusions(found: Found, actual: np.ndarray, classes: list[str], last: str) -> list[dict]:
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


def epochs(found: Found) -> list[dict]:
    """One row an arm, stage, seed and epoch; none for trainers that have no epochs."""
    return [
        {"arm": f"{shown(arm, result.uses_pool_labels)} {stage}", **epoch}
        for (arm, stage), result in found.items()
        for epoch in result.history
    ]


def _spread(values, divisor: float = 1.0) -> float | None:
    return round(float(np.std(values, ddof=1)) / divisor, 6) if len(values) > 1 else None


def _rounded(value):
    return round(value, 6) if isinstance(value, float) else value


if __name__ == "__main__":
    run(main)
