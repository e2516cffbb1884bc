"""train_full: one model on every label of the pool, the upper bound; one of each kind where train_full.final asks for it.

reads   data/answers.npy
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/results/full/pool/    probabilities on the holdout, for the report
        data/results/full/final/   the same of a model of train_final's kind
params  train, train_full, train_final, embed

A result is empty where the pool is not labelled completely, or the model is not asked for. The final kind learns from FINAL_ROWS
random rows of a larger pool, since tuning an encoder on all of it could take days; the report says so.
"""

import numpy as np

from stages.core.arms import training
from stages.core.base import artifacts, params, seeding
from stages.core.rows import finals, labels, results

FINAL_ROWS = 20_000


def main() -> None:
    settings = params.read("train", "train_full", "train_final", "embed")
    full, final = settings.train_full, settings.train_final
    pool = np.arange(artifacts.pool_rows())
    bought = labels.within_budget(len(pool)).buy(pool)
    settings = settings.changed(train=settings.train.changed(epochs=full.epochs), seeds=[full.seed])
    training.train_and_try(results.BOUND, results.WHOLE_POOL, pool[None], [bought], settings)
    classes = len(labels.classes())
    [rng] = seeding.rngs([full.seed], "train_full")
    rows = np.sort(rng.permutation(pool)[:FINAL_ROWS])
    untrained = results.Result(rows[None], bought.of(rows)[None], np.empty((0, 0, classes), np.float32))
    trainer = finals.trainer(settings, untrained.given, classes)  # as the report counts them
    if not full.final or trainer in ("none", settings.train.trainer) or results.MAIN not in final.arms:
        results.save(results.BOUND, results.FINAL, results.nothing(len(labels.holdout()), classes))
        return
    settings = settings.changed(train=settings.train.changed(trainer=trainer))
    training.train_and_try(results.BOUND, results.FINAL, rows[None], [bought], settings)
