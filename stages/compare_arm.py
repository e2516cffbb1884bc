"""compare_arm: another strategy, from the first stage to the last, with the budgets of the bucketed arm.

reads   data/clusters.npy, data/embeddings/   what a strategy may know about the pool
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json, data/encoder, data/names
        data/answers.npy                      of the rows that the arm buys, budget by budget
writes  data/results/ARM/STAGE/               the rows, and their models' probabilities on the holdout
params  select_stage1.n, rounds, score_entropy, strategies, train, embed, seeds

The strategy is stages/core/strategies/ARM.py. Each seed is a trajectory; it starts with the random arm's rows if a model is needed.
"""

import numpy as np

from stages.core import strategies
from stages.core.arms.fitter import Fitter
from stages.core.arms.trajectory import Arm
from stages.core.base import artifacts, params, paths
from stages.core.encoding import model_files, vectors
from stages.core.rows import labels, results, rounds


def main(arm: str) -> None:
    settings = params.read("select_stage1.n", "rounds", "score_entropy", "strategies", "train", "embed", "seeds")
    buckets = artifacts.load_clusters()
    fitter = Fitter(settings)
    strategy = strategies.named(arm)
    sizes = np.bincount(buckets)
    amounts = {rounds.FIRST: settings.n} | {stage: item.m for stage, item in settings.rounds.items()}
    compared = Arm(
        name=arm,
        first=strategy.pick,
        then=strategy.pick,
        after={stage: getattr(settings.rounds.get(stage), "after", None) for stage in rounds.in_order(settings.rounds)},
        budgets=rounds.budgets(settings.n, settings.rounds, len(sizes), len(buckets)),
        fitter=fitter,
        vectors=vectors.of_texts(paths.EMBEDDINGS, paths.POOL, model_files.chosen(settings.embed.model)),
        buckets=buckets,
        options=settings.strategies.changed(score=settings.score_entropy.score),
        uses_pool_labels=getattr(strategy, "USES_POOL_LABELS", False),
        shares={stage: rounds.shares(amount, sizes) for stage, amount in amounts.items()},
    )
    labelled, on_holdout, history = ({stage: [] for stage in compared.after} for _ in range(3))
    for seed, order in zip(settings.seeds, rounds.random_orders(settings.seeds, len(buckets))):
        for stage, rows, probabilities, epochs in compared.trajectory(seed, order):
            labelled[stage].append(rows)
            on_holdout[stage].append(probabilities)
            history[stage] += epochs
    for stage, rows in labelled.items():
        chosen, probabilities = np.stack(rows), fitter.stacked(on_holdout[stage])
        result = results.Result(chosen, labels.buy_all(chosen), probabilities, 0, compared.uses_pool_labels, history[stage])
        results.save(arm, stage, result)
