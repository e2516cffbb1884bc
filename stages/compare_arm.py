"""compare_arm: another way of choosing rows, from the first stage to the last, on the budgets of the bucketed arm.

reads   data/clusters.npy, data/embeddings/   what a strategy may know of the pool
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json, data/encoder
        data/answers.npy                      of the rows that the arm buys, budget by budget
writes  data/results/ARM/STAGE/               the rows, and what the models trained on them say of the holdout
params  select_stage1.n, rounds, score_entropy, strategies, train, embed, seeds

The strategy is stages/core/strategies/ARM.py. Each seed starts from nothing, or from the random arm's rows where the
strategy needs a model, and goes its own way; the model of a stage is fitted with the seed, as in every other arm.
"""

import numpy as np

from stages.core import strategies
from stages.core.arms.fitter import Fitter
from stages.core.arms.trajectory import Arm
from stages.core.base import artifacts, params, paths
from stages.core.encoding import pointer, vectors
from stages.core.rows import labels, results, rounds


def main(arm: str) -> None:
    settings = params.read("select_stage1.n", "rounds", "score_entropy", "strategies", "train", "embed", "seeds")
    buckets = artifacts.load_clusters()
    fitter = Fitter(settings)
    strategy = strategies.named(arm)
    sizes = np.bincount(buckets)
    amounts = {rounds.FIRST: settings.n} | {stage: item.m for stage, item in settings.rounds.items()}
    compared = Arm(
        arm,
        strategy.pick,
        strategy.pick,
        after={stage: getattr(settings.rounds.get(stage), "after", None) for stage in rounds.in_order(settings.rounds)},
        budgets=rounds.budgets(settings.n, settings.rounds, len(sizes), len(buckets)),
        fitter=fitter,
        vectors=vectors.of_texts(paths.EMBEDDINGS, paths.POOL, pointer.chosen(settings.embed.model)),
        buckets=buckets,
        options=settings.strategies.changed(score=settings.score_entropy.score),
        uses_pool_labels=getattr(strategy, "USES_POOL_LABELS", False),
        shares={stage: rounds.shares(amount, sizes) for stage, amount in amounts.items()},
    )
    labelled, tried, history = ({stage: [] for stage in compared.after} for _ in range(3))
    for seed, order in zip(settings.seeds, rounds.random_orders(settings.seeds, len(buckets))):
        for stage, rows, probabilities, epochs in compared.trajectory(seed, order):
            labelled[stage].append(rows)
            tried[stage].append(probabilities)
            history[stage] += epochs
    for stage, rows in labelled.items():
        chosen, models_say = np.stack(rows), fitter.stacked(tried[stage])
        result = results.Result(chosen, labels.buy_all(chosen), models_say, 0, compared.uses_pool_labels, history[stage])
        results.save(arm, stage, result)
