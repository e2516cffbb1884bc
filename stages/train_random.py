"""train_random: the arm to beat, models on the stage's number of labels, drawn at random from the pool.

reads   data/budgets/STAGE.json       the number of rows
        data/answers.npy              of the drawn rows
        data/asked/random.npy         where people label: the rows that they were asked for, which come first for all seeds
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/results/random/STAGE/    the rows, those of an earlier stage first, and probabilities on the holdout
params  train, embed, seeds
"""

import numpy as np

from stages.core.arms import training
from stages.core.base import artifacts, params
from stages.core.rows import labels, results, rounds


def main(stage: str) -> None:
    settings = params.read("train", "embed", "seeds")
    budget = rounds.load_budget(stage)
    pool_rows = artifacts.pool_rows()
    asked, orders = rounds.load_asked(results.BASELINE, pool_rows), rounds.random_orders(settings.seeds, pool_rows)
    orders = [np.concatenate([asked, order[~np.isin(order, asked)]]) for order in orders]
    drawn = np.stack([order[: budget["labels"]] for order in orders])
    bought = [labels.within_budget(budget["labels"]).buy(rows) for rows in drawn]
    training.train_and_try(results.BASELINE, stage, drawn, bought, settings, budget)
