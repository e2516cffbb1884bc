"""train_final: the model to use, trained on all rows that an arm has labelled; that of the names learns from rows that they name.

reads   data/results/ARM/STAGE/labelled.npy, labels.npy   of the last stage that has models
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/final/ARM/SEED/            safetensors and json
        data/results/final/ARM/         probabilities on the holdout, for the report; with train_final.stages: all also
                                        below it, those of models trained on the rows of each earlier STAGE
params  train_final, rounds, random_at, train, embed, seeds

The rounds may choose rows with a fast learner, and this stage train a slow one: that is about as good as the slow learner all the
way (Vysogorets & Gopal 2024). With trainer none nothing is trained.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.arms import by_name, training
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, params
from stages.core.rows import finals, labels, results, rounds


def main(arm: str) -> None:
    settings = params.read("train_final", "rounds", "random_at", "train", "embed", "seeds")
    models, fitter, pool_rows = Path("data/final") / arm, Fitter(settings), artifacts.pool_rows()
    models.mkdir(parents=True, exist_ok=True)
    stages = {results.BASELINE: settings.random_at, results.NAMES: [results.NAMES]}.get(arm, rounds.in_order(settings.rounds))
    results.forget_all_but([(arm, stage) for stage in stages], arm)
    tried = {stage: results.load(arm, stage, pool_rows, len(fitter.actual), fitter.classes) for stage in stages}
    # Labelling may have ended before the last stage, or its rows may wait for people.
    last = next((stage for stage in reversed(stages) if tried[stage].trained), stages[-1])
    for stage in results.before_the_last(settings, arm, stages):
        train(arm, f"{arm}/{stage}", tried[stage] if stage != last else tried[stage].untrained, settings, None)
    train(arm, arm, tried[last], settings, models)


def train(arm: str, name: str, result: results.Result, settings: Any, models: Path | None) -> None:
    """Train on the rows of a result of the arm, if it has models, and save the result below data/results/final/`name`.

    models   folder to save the models in, or None
    """
    classes = len(labels.classes())
    trainer = finals.trainer(settings, result.given, classes, arm)
    if trainer == "none" or not result.trained:
        why = "train_final.trainer is none" if trainer == "none" else "no stage has models"
        print(f"train_final {name}: nothing to do, {why}" if name == arm else f"train_final {name}: nothing to do")
        results.save(results.FINAL, name, results.Result(result.labelled, result.bought, result.untrained.probabilities))
        return
    settings = settings.changed(train=settings.train.changed(trainer=trainer))
    if arm == results.NAMES:
        by_name.train_and_try(settings.changed(train=settings.train.changed(epochs=1)), models)
        return
    print(f"train_final {name}: {trainer}.{finals.why(settings, result.given, classes)}")
    bought = labels.known(np.asarray(result.labelled), result.bought, artifacts.pool_rows())
    training.train_and_try(results.FINAL, name, result.labelled, bought, settings, models=models)
