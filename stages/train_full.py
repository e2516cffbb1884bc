"""train_full: one model on every label of the pool, the upper bound.

reads   data/encoder, data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings
writes  data/results/full/pool/   what the model says of the holdout, for the report
params  train, train_full, embed, seeds (the first)
"""

import numpy as np

from stages.core import artifacts, settings, training
from stages.core.errors import run


def main() -> None:
    params = settings.read("train", "train_full", "embed", "seeds")
    params.train = params.train.model_copy(update={"epochs": params.train_full.epochs})
    params.seeds = params.seeds[:1]
    pool_rows = artifacts.pool_rows()
    training.fit_and_try("full", "pool", np.arange(pool_rows)[None], params)


if __name__ == "__main__":
    run(main)
