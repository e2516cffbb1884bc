"""Fit models on labelled rows of the pool, and try them on the holdout: the same for every arm."""

import functools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners, task
from stages.core.base import bars, memory, params, paths
from stages.core.learners import Model, Rows
from stages.core.rows import labels, measures
from stages.core.space.logistic import AT_ONCE


class FittedModel:
    """A model that takes rows of pool.jsonl. `title` names it on progress bars."""

    def __init__(self, model: Model, pool: Rows, title: str):
        self.model, self.pool, self.title = model, pool, title

    def history(self, seed: int) -> list[dict]:
        """One entry an epoch, of learners with epochs."""
        return [{"seed": seed, **epoch} for epoch in self.model.history]

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]. Reads vectors part by part: those of 10 million rows would take 30 GB."""
        title = f"score {self.title}"
        if not isinstance(self.pool, np.ndarray):
            return self.model.probabilities(self.pool[rows], title)
        parts = [rows[start : start + AT_ONCE] for start in range(0, max(1, len(rows)), AT_ONCE)]
        probabilities = []
        for part in bars.bar(title, len(parts), "parts", parts):
            probabilities.append(self.model.probabilities(self.pool[part], title))
            memory.release(self.pool)
        return np.concatenate(probabilities)

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]: the input of the model's last layer."""
        return self.model.features(self.pool[rows], f"features {self.title}")


class Fitter:
    """The learner of `settings`, .train and .embed of params.yaml, and pool and holdout in its form, which are read on demand."""

    def __init__(self, settings: Any):
        self.settings, self.classes = settings, len(labels.classes())

    @functools.cached_property
    def learner(self) -> learners.Learner:
        task.refuse("params.yaml: train.trainer = ", self.settings.train.trainer, task.load())
        return learners.named(self.settings.train, self.settings.embed, params.machine(), self.classes)

    @functools.cached_property
    def pool(self) -> Rows:
        return self.learner.read(paths.POOL, paths.EMBEDDINGS)

    @functools.cached_property
    def holdout(self) -> Rows:
        return self.learner.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)

    @functools.cached_property
    def actual(self) -> np.ndarray:
        """Labels [holdout]."""
        return labels.holdout()

    def fit(self, rows: np.ndarray, bought: labels.Labels, seed: int, title: str, before: FittedModel | None = None) -> FittedModel:
        """A model trained on rows of pool.jsonl, int64 [rows], which must be `bought`; rows without a class are left out.

        before   the model of the stage before, from which train.warm_start continues
        """
        start = before.model if before and self.settings.train.warm_start else None
        values = bought.of(rows)
        known = task.codes(values) >= 0
        rows, values = rows[known], values[known]
        model = self.learner.fit(self.pool, rows, values, seed, f"train {title}", start, bought.without_class())
        return FittedModel(model, self.pool, title)

    def each(self, function: Callable, *of_fits: Sequence) -> list:
        """`function` of the arguments of every fit, in order; several at once where the learner has a `parallel_map`."""
        maps = getattr(self.learner, "parallel_map", lambda fits: nullcontext(map))
        with maps(len(of_fits[0])) as map_of_fits:
            return list(map_of_fits(function, *of_fits))

    def on_holdout(self, fitted: FittedModel, labelled: int) -> np.ndarray:
        """float32 [holdout, classes]: probabilities. Prints the accuracy with the number of rows `labelled`."""
        if not len(self.actual):
            print(f"{fitted.title}: {labelled:,} labels, no holdout", flush=True)
            return np.empty((0, self.classes), np.float32)
        probabilities = fitted.model.probabilities(self.holdout[np.arange(len(self.holdout))], f"holdout {fitted.title}")
        known = task.codes(self.actual) >= 0
        kind, found = task.of(self.actual), "not known yet"
        if known.any():
            found = f"{getattr(measures, kind.decides)(probabilities[known], self.actual[known]):.4f}"
        print(f"{fitted.title}: {labelled:,} labels, holdout {kind.decides.replace('_f1', ' F1')} {found}", flush=True)
        return probabilities

    def stacked(self, by_seed: list[np.ndarray]) -> np.ndarray:
        """float32 [seeds, holdout, classes]: probabilities of all seeds' models; no seeds where nothing was trained."""
        return np.stack(by_seed) if by_seed else np.empty((0, len(self.actual), self.classes), np.float32)


class SavedModel(FittedModel):
    """A model in a folder. Model and pool are loaded on demand."""

    def __init__(self, folder: Path, fitter: Fitter, title: str):
        self.folder, self.fitter, self.title = folder, fitter, title

    @functools.cached_property
    def model(self) -> Model:
        return learners.load_model(self.folder, self.fitter.settings.embed, params.machine())

    @property
    def pool(self) -> Rows:
        return self.fitter.pool
