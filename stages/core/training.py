"""What all train stages share: fit one model a seed on the rows labelled so far, and try it on the holdout."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core import artifacts, labels, results, rounds, trainers
from stages.core.evaluation import accuracy


def bucketed(stage: str, params: Any) -> None:
    """One stage of the bucketed arm, the only one that keeps its models: the next round scores the pool with them."""
    labelled = rounds.load_labelled(stage, params.seeds)
    fit_and_try("bucketed", stage, labelled, params, rounds.load_budget(stage)["sufficient_since"], rounds.models(stage))


def fit_and_try(
    arm: str, stage: str, labelled: np.ndarray, params: Any, sufficient_since: str | None = None, models: Path | None = None
) -> None:
    """Train on each seed's rows, from the pretrained weights, and write what the models say of the holdout.

    labelled           int64 [seeds, rows]   rows of pool.jsonl; their labels are paid for here, seed by seed
    params             .seeds, .train and .embed of params.yaml
    sufficient_since   the stage that was enough, if there is one: then nothing is trained, and what is written is empty
    models             folder to keep the models in, one a seed
    """
    actual, classes = labels.holdout(), len(labels.classes())
    tried = np.empty((0, len(actual), classes), np.float32)
    if models:
        models.mkdir(parents=True, exist_ok=True)
    if sufficient_since:
        print(f"{arm} {stage}: nothing to do, {sufficient_since} was sufficient")
    else:
        learner = trainers.trainer(params.train, params.embed, classes)
        pool = learner.inputs(artifacts.POOL, artifacts.EMBEDDINGS)
        holdout = learner.inputs(artifacts.HOLDOUT, artifacts.HOLDOUT_EMBEDDINGS)
        tried = np.empty((len(params.seeds), len(actual), classes), np.float32)
        for i, (seed, rows) in enumerate(zip(params.seeds, labelled, strict=True)):
            title = f"{arm} {stage}, seed {seed}"
            model = learner.fit(pool[rows], labels.paid_for(rows).of(rows), seed, f"train {title}")
            if models:
                model.save(models / str(seed))
            tried[i] = model.probabilities(holdout, f"holdout {title}")
            print(f"{title}: {len(rows):,} labels, holdout accuracy {accuracy(tried[i], actual):.4f}", flush=True)
    results.save(arm, stage, results.Result(tried, labelled.shape[1], sufficient_since))
