"""What all arms share: the place where models are fitted on labelled rows of the pool and tried on the holdout."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners
from stages.core.base import bars, memory, params, paths
from stages.core.learners import Model, Rows
from stages.core.rows import labels, measures
from stages.core.space.logistic import AT_ONCE


@dataclass(frozen=True)
class FittedModel:
    """A model that is asked by rows of pool.jsonl. `title` says in progress bars whose it is."""

    model: Model
    pool: Rows
    title: str

    def history(self, seed: int) -> list[dict]:
        """One entry an epoch, of learners that have epochs."""
        return [{"seed": seed, **epoch} for epoch in self.model.history]

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]. Vectors are picked from the pool some at a time: all of 10 million in memory would be 30 GB."""
        title = f"score {self.title}"
        if not isinstance(self.pool, np.ndarray):
            return self.model.probabilities(self.pool[rows], title)
        parts = [rows[start : start + AT_ONCE] for start in range(0, max(1, len(rows)), AT_ONCE)]
        said = []
        for part in bars.bar(title, len(parts), "parts", parts):
            said.append(self.model.probabilities(self.pool[part], title))
            memory.release(self.pool)
        return np.concatenate(said)

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]: the vectors that the model's last layer works on."""
        return self.model.features(self.pool[rows], f"features {self.title}")


class Fitter:
    """The learner of params.yaml, and the pool in the form it works on; what takes time is read when it is first asked for.

    settings   .train and .embed of params.yaml
    """

    def __init__(self, settings: Any):
        self.settings, self.classes = settings, len(labels.classes())

    @functools.cached_property
    def learner(self) -> learners.Learner:
        return learners.named(self.settings.train, self.settings.embed, params.machine(), self.classes)

    @functools.cached_property
    def pool(self) -> Rows:
        return self.learner.read(paths.POOL, paths.EMBEDDINGS)

    @functools.cached_property
    def holdout(self) -> Rows:
        return self.learner.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)

    @functools.cached_property
    def actual(self) -> np.ndarray:
        """int64 [holdout]: class numbers; negative where none is known."""
        return labels.holdout()

    def fit(self, rows: np.ndarray, bought: labels.Labels, seed: int, title: str, before: FittedModel | None = None) -> FittedModel:
        """A model trained on rows of pool.jsonl, int64 [rows], which must be `bought`; those of no class are left out.

        before   the model of the stage before, which train.warm_start goes on from
        """
        start = before.model if before and self.settings.train.warm_start else None
        values = bought.of(rows)
        rows, values = rows[values >= 0], values[values >= 0]
        return FittedModel(self.learner.fit(self.pool, rows, values, seed, f"train {title}", start), self.pool, title)

    def on_holdout(self, fitted: FittedModel, labelled: int) -> np.ndarray:
        """float32 [holdout, classes]; the accuracy is printed with the number of rows `labelled`, where there is one to measure."""
        if not len(self.actual):
            print(f"{fitted.title}: {labelled:,} labels, no holdout", flush=True)
            return np.empty((0, self.classes), np.float32)
        tried = fitted.model.probabilities(self.holdout[np.arange(len(self.holdout))], f"holdout {fitted.title}")
        known = self.actual >= 0
        found = f"{measures.accuracy(tried[known], self.actual[known]):.4f}" if known.any() else "not known yet"
        print(f"{fitted.title}: {labelled:,} labels, holdout accuracy {found}", flush=True)
        return tried

    def stacked(self, tried: list[np.ndarray]) -> np.ndarray:
        """What the models of all seeds say of the holdout, float32 [seeds, holdout, classes]; no seeds where none was trained."""
        return np.stack(tried) if tried else np.empty((0, len(self.actual), self.classes), np.float32)


@dataclass(frozen=True)
class SavedModel:
    """A model that a train stage kept in a folder, read when it is first asked; otherwise as FittedModel."""

    folder: Path
    fitter: Fitter
    title: str

    @functools.cached_property
    def fitted(self) -> FittedModel:
        return FittedModel(
            learners.load_model(self.folder, self.fitter.settings.embed, params.machine()), self.fitter.pool, self.title
        )

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]"""
        return self.fitted.probabilities(rows)

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]"""
        return self.fitted.features(rows)
