"""train_random: the arm to beat, models on as many rows as the stage has labelled, drawn at random from the pool.

reads   data/budgets/STAGE.json       the number of rows, not which
        data/answers.npy              of these rows
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, as the learner needs them
writes  data/results/random/STAGE/    the rows, those of an earlier stage first, and what the models say of the holdout
params  train, embed, seeds
"""

import numpy as np

from stages.core.arms import training
from stages.core.base import artifacts, params
from stages.core.base.errors import run
from stages.core.rows import labels, results, rounds


def main(stage: str) -> None:
    settings = params.read("train", "embed", "seeds")
    budget = rounds.load_budget(stage)
    drawn = np.stack([order[: budget["labels"]] for order in rounds.random_orders(settings.seeds, artifacts.pool_rows())])
    bought = [labels.within_budget(budget["labels"]).buy(rows) for rows in drawn]
    training.train_and_try(results.BASELINE, stage, drawn, bought, settings, budget)


if __name__ == "__main__":
    run(main)
