"""train_random: the arm to beat, models on as many rows as the stage has labelled, drawn at random from the pool.

reads   data/STAGE/budget.json               the number of rows, not which
        data/encoder, data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings
writes  data/random/STAGE/labelled.npy       int64 [seeds, rows]   those of an earlier stage come first
        data/results/random/STAGE/           what the models say of the holdout, for the report
params  train, embed, seeds
"""

import numpy as np

from stages.core import artifacts, rounds, settings, training
from stages.core.errors import run


def main(stage: str) -> None:
    params = settings.read("train", "embed", "seeds")
    budget = rounds.load_budget(stage)
    pool_rows = artifacts.pool_rows()
    # One permutation a seed, read from its start at every stage: the draws are nested.
    orders = [rng.permutation(pool_rows) for rng in artifacts.rngs(params.seeds, "train_random")]
    labelled = np.stack([order[: budget["labels"]] for order in orders])
    artifacts.save(rounds.folder("random") / stage / "labelled.npy", labelled)
    training.fit_and_try("random", stage, labelled, params, budget["sufficient_since"])


if __name__ == "__main__":
    run(main)
