"""What all arms share: the place where models are fitted on labelled rows of the pool and tried on the holdout."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import artifacts, labels, results, rounds, trainers
from stages.core.evaluation import accuracy


def bucketed(stage: str, params: Any) -> None:
    """One stage of the bucketed arm, the only one that keeps its models: the next round scores the pool with them."""
    labelled = rounds.load_labelled(stage, params.seeds, artifacts.pool_rows())
    fit_and_try("bucketed", stage, labelled, params, rounds.load_budget(stage), rounds.models(stage))


def fit_and_try(
    arm: str, stage: str, labelled: np.ndarray, params: Any, budget: dict | None = None, models: Path | None = None
) -> None:
    """Train on each seed's rows and write what the models say of the holdout.

    labelled   int64 [seeds, rows]   rows of pool.jsonl, oldest first; their labels are paid for here, seed by seed
    params     .seeds, .train and .embed of params.yaml
    budget     of the stage, as from rounds.load_budget; None for one that follows no other. Where an earlier stage was
               sufficient nothing is trained, and what is written is empty
    models     folder to keep the models in, one a seed

    With train.warm_start the stages before are trained again on the way, since only one arm keeps its models.
    """
    budget = budget or {"path": [labelled.shape[1]], "sufficient_since": None}
    tried, history = [], []
    if models:
        models.mkdir(parents=True, exist_ok=True)
    if budget["sufficient_since"]:
        print(f"{arm} {stage}: nothing to do, {budget['sufficient_since']} was sufficient")
    else:
        bench = Bench(params)
        for seed, rows in zip(params.seeds, labelled, strict=True):
            title = f"{arm} {stage}, seed {seed}"
            fitted, paid = None, labels.paid_for(rows)
            for labels_so_far in budget["path"] if params.train.warm_start else [len(rows)]:
                fitted = bench.fit(rows[:labels_so_far], paid, seed, title, fitted)
            if models:
                fitted.model.save(models / str(seed))
            tried.append(bench.on_holdout(fitted, len(rows)))
            history += fitted.history(seed)
    results.save(arm, stage, results.Result(labelled, stacked(tried), budget["sufficient_since"], history=history))


def stacked(tried: list[np.ndarray]) -> np.ndarray:
    """What the models of all seeds say of the holdout, float32 [seeds, holdout, classes]; no seeds where none was trained."""
    return np.stack(tried) if tried else np.empty((0, len(labels.holdout()), len(labels.classes())), np.float32)


@dataclass(frozen=True)
class Fitted:
    """A model, asked by rows of pool.jsonl. `title` says in progress bars whose it is."""

    model: Any
    pool: Any
    title: str

    def history(self, seed: int) -> list[dict]:
        """One entry an epoch, of trainers that have epochs."""
        return [{"seed": seed, **epoch} for epoch in getattr(self.model, "history", [])]

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]"""
        return self.model.probabilities(self.pool[rows], f"score {self.title}")

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, width]: the vectors that the model's last layer works on."""
        return self.model.features(self.pool[rows], f"features {self.title}")


class Bench:
    """The trainer of params.yaml, and the pool in the form it works on, read once.

    params   .train and .embed of params.yaml
    """

    def __init__(self, params: Any):
        self.classes = len(labels.classes())
        self.warm_start = params.train.warm_start
        self.learner = trainers.trainer(params.train, params.embed, self.classes)
        self.pool = self.learner.inputs(artifacts.POOL, artifacts.EMBEDDINGS)

    @functools.cached_property
    def holdout(self) -> Any:
        """The holdout in the form the trainer works on; read when it is first asked for, which score_entropy never does."""
        return self.learner.inputs(artifacts.HOLDOUT, artifacts.HOLDOUT_EMBEDDINGS)

    @functools.cached_property
    def actual(self) -> np.ndarray:
        """int64 [holdout]: class numbers."""
        return labels.holdout()

    def fit(self, rows: np.ndarray, paid: labels.Labels, seed: int, title: str, before: Fitted | None = None) -> Fitted:
        """A model trained on rows of pool.jsonl, int64 [rows], which must be `paid` for.

        before   the model of the stage before, which train.warm_start goes on from
        """
        start = before.model if before and self.warm_start else None
        return Fitted(self.learner.fit(self.pool[rows], paid.of(rows), seed, f"train {title}", start), self.pool, title)

    def on_holdout(self, fitted: Fitted, labelled: int) -> np.ndarray:
        """float32 [holdout, classes]; the accuracy is printed with the number of rows `labelled`."""
        tried = fitted.model.probabilities(self.holdout, f"holdout {fitted.title}")
        print(f"{fitted.title}: {labelled:,} labels, holdout accuracy {accuracy(tried, self.actual):.4f}", flush=True)
        return tried
