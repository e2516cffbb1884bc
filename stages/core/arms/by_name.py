"""A model of any learner that has seen no label: it learns from what the names' model says of rows of the pool."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import task
from stages.core.arms import training
from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.base import paths, seeding
from stages.core.rows import results
from stages.core.space import probe_model
from stages.core.space.sampling import surest

ROWS, SURE, TURNS = 4_000, 0.5, 2


def train_and_try(settings: Any, models: Path) -> None:
    """Train a model a seed, save it below `models`, and write the probabilities on the holdout.

    settings   .seeds, .train and .embed of params.yaml
    """
    task.refuse("params.yaml: train_final.arms = ", results.NAMES, task.load())
    fitter = Fitter(settings)
    vectors = probe_model.read(paths.POOL, paths.EMBEDDINGS, settings.embed.model)
    by_name = probe_model.load(paths.NAMES_MODEL, settings.embed, None)

    def train(seed: int) -> tuple:
        [rng] = seeding.rngs([seed], "by_name")
        rows = np.sort(rng.permutation(len(vectors))[:ROWS])
        fitted = learned(fitter, rows, by_name.probabilities(vectors[rows], ""), seed)
        return training.saved(fitted, models / str(seed)), fitter.on_holdout(fitted, 0), fitted.history(seed)

    kept, on_holdout, epochs = zip(*fitter.each(train, settings.seeds))
    history, kept = [*itertools.chain(*epochs)], list(kept)
    none = np.empty((len(settings.seeds), 0), np.int64)
    results.save(results.FINAL, results.NAMES, results.Result(none, none, fitter.stacked(on_holdout), history=history, models=kept))


def learned(fitter: Fitter, rows: np.ndarray, said: np.ndarray, seed: int) -> FittedModel:
    """A model of the surest half of each class that the names' model names, then one of what the first names so.

    rows   int64 [rows] of the pool; said float32 [rows, classes]   their probabilities by the names' model
    """
    for turn in range(1, TURNS + 1):
        title = f"{results.FINAL} {results.NAMES}, turn {turn} of {TURNS}, seed {seed}"
        predicted, taken = surest(said, SURE)
        model = fitter.learner.fit(fitter.pool, rows[taken], predicted, seed, f"train {title}", None, ())
        fitted = FittedModel(model, fitter.pool, title)
        said = fitted.probabilities(rows) if turn < TURNS else said
    return fitted
