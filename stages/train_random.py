"""train_random: the arm to beat, models on as many rows as the stage has labelled, drawn at random from the pool.

reads   data/budgets/STAGE.json       the number of rows, not which
        data/encoder, data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings
writes  data/results/random/STAGE/    the rows, those of an earlier stage first, and what the models say of the holdout
params  train, embed, seeds
"""

import numpy as np

from stages.core import artifacts, rounds, settings, training
from stages.core.errors import run


def main(stage: str) -> None:
    params = settings.read("train", "embed", "seeds")
    budget = rounds.load_budget(stage)
    orders = rounds.random_orders(params.seeds, artifacts.pool_rows())
    labelled = np.stack([order[: budget["labels"]] for order in orders])
    training.fit_and_try("random", stage, labelled, params, budget)


if __name__ == "__main__":
    run(main)
