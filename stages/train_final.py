"""train_final: the model to use, trained on all rows that an arm has labelled; that of the names learns from rows that they name.

reads   data/results/ARM/STAGE/labelled.npy, labels.npy   of the last stage that has models
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/final/ARM/SEED/            safetensors and json
        data/results/final/ARM/         probabilities on the holdout, for the report
params  train_final, rounds, random_at, train, embed, seeds

The rounds may choose rows with a fast learner, and this stage train a slow one: that is about as good as the slow learner all the
way (Vysogorets & Gopal 2024). With trainer none nothing is trained.
"""

from pathlib import Path

import numpy as np

from stages.core.arms import by_name, training
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, params
from stages.core.rows import labels, results, rounds


def main(arm: str) -> None:
    settings = params.read("train_final", "rounds", "random_at", "train", "embed", "seeds")
    final, pool_rows = settings.train_final, artifacts.pool_rows()
    models = Path("data/final") / arm
    models.mkdir(parents=True, exist_ok=True)
    fitter = Fitter(settings)
    stages = rounds.in_order(settings.rounds)
    stages_of = {results.BASELINE: settings.random_at, results.NAMES: [results.NAMES]}.get(arm, stages)
    results.forget_all_but([(arm, stage) for stage in stages_of], arm)
    tried = [results.load(arm, stage, pool_rows, len(fitter.actual), fitter.classes) for stage in stages_of]
    # Labelling may have ended before the last stage, or its rows may wait for people.
    last = next((result for result in reversed(tried) if result.trained), tried[-1])
    if final.trainer == "none" or not last.trained:
        why = "train_final.trainer is none" if final.trainer == "none" else "no stage has models"
        print(f"train_final {arm}: nothing to do, {why}")
        results.save(results.FINAL, arm, results.Result(last.labelled, last.bought, fitter.stacked([])))
        return
    settings = settings.changed(train=settings.train.changed(trainer=final.trainer))
    if arm == results.NAMES:
        by_name.train_and_try(settings.changed(train=settings.train.changed(epochs=1)), models)
        return
    bought = labels.known(np.asarray(last.labelled), last.bought, pool_rows)
    training.train_and_try(results.FINAL, arm, last.labelled, bought, settings, models=models)
