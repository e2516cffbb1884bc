"""score_entropy: how unsure the models of the stage before are of every row that is not labelled yet.

reads   data/AFTER/models/SEED/, data/AFTER/labelled.npy, data/budgets/AFTER.json
        data/encoder, data/pool.jsonl, and for trainer: probe its embeddings
writes  data/STAGE/entropy.npy      float32 [seeds, pool]   bits; NaN where already labelled
        data/STAGE/predicted.npy    int16 [seeds, pool]     likeliest class; -1 where already labelled
params  rounds.STAGE.after (not m: how many rows are picked later changes no score), embed, seeds
"""

import numpy as np

from stages.core import artifacts, rounds, settings, trainers
from stages.core.errors import run
from stages.core.evaluation import entropy_bits


def main(stage: str) -> None:
    params = settings.read(f"rounds.{stage}.after", "embed", "seeds")
    after = params.after
    labelled = rounds.load_labelled(after, params.seeds)
    pool_rows = artifacts.pool_rows()
    entropy = np.full((len(params.seeds), pool_rows), np.nan, dtype=np.float32)
    predicted = np.full(entropy.shape, rounds.NOT_PREDICTED, dtype=np.int16)

    since = rounds.load_budget(after)["sufficient_since"]
    for i, seed in enumerate(params.seeds if since is None else []):
        model = trainers.load_model(rounds.models(after) / str(seed), params.embed)
        if i == 0:
            inputs = model.inputs(artifacts.POOL, artifacts.EMBEDDINGS)  # the same for every seed: one encoder, one tokenizer
        open_rows = np.setdiff1d(np.arange(pool_rows), labelled[i])
        probabilities = model.probabilities(inputs[open_rows], f"score {stage}, seed {seed}")
        entropy[i, open_rows] = entropy_bits(probabilities)
        predicted[i, open_rows] = probabilities.argmax(1)
        print(f"score_entropy {stage}: seed {seed}, {len(open_rows):,} open rows, mean {np.nanmean(entropy[i]):.3f} bits")

    artifacts.save(rounds.folder(stage) / "entropy.npy", entropy)
    artifacts.save(rounds.folder(stage) / "predicted.npy", predicted)
    if since:
        print(f"score_entropy {stage}: nothing to do, {since} was sufficient")


if __name__ == "__main__":
    run(main)
