"""train_full: one model on every label of the pool, the upper bound.

reads   data/answers.npy
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/results/full/pool/   probabilities on the holdout, for the report
params  train, train_full, embed

The result is empty where the pool is not labelled completely. With `contrastive` it is no upper bound, since the encoder is tuned
on train.most_pairs pairs only; the report says so.
"""

import numpy as np

from stages.core.arms import training
from stages.core.base import artifacts, params
from stages.core.rows import labels, results


def main() -> None:
    settings = params.read("train", "train_full", "embed")
    pool = np.arange(artifacts.pool_rows())
    bought = labels.within_budget(len(pool)).buy(pool)
    train, seed = settings.train.changed(epochs=settings.train_full.epochs), settings.train_full.seed
    training.train_and_try(results.BOUND, results.WHOLE_POOL, pool[None], [bought], settings.changed(train=train, seeds=[seed]))
