"""One stage of an arm whose rows are there already: train a model a seed, keep what it says of the holdout."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.arms import cross_validation
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts
from stages.core.rows import labels, results, rounds


def bucketed(stage: str, settings: Any) -> None:
    """One stage of the bucketed arm, the only one that keeps its models: the next round scores the pool with them."""
    pool_rows = artifacts.pool_rows()
    labelled = rounds.load_labelled(stage, settings.seeds, pool_rows)
    bought = labels.of_stage(stage, settings.seeds, pool_rows)
    train_and_try(results.MAIN, stage, labelled, bought, settings, rounds.load_budget(stage), rounds.models(stage))


def train_and_try(
    arm: str,
    stage: str,
    labelled: np.ndarray,
    bought: list[labels.Labels],
    settings: Any,
    budget: dict | None = None,
    models: Path | None = None,
) -> None:
    """Train on each seed's rows and write what the models say of the holdout.

    labelled   int64 [seeds, rows]   rows of pool.jsonl, oldest first
    bought     their labels, one a seed
    settings   .seeds, .train and .embed of params.yaml
    budget     of the stage, as from rounds.load_budget; None for one that follows no other
    models     folder to keep the models in, one a seed

    Nothing is trained, and what is written is empty, where nothing was chosen any more, or where answers are missing.
    With train.warm_start the stages before are trained again on the way, since only one arm keeps its models.
    """
    budget = budget or {"path": [labelled.shape[1]], "ended_after": None}
    values = np.stack([paid.of(rows) for rows, paid in zip(labelled, bought, strict=True)])
    waits_for = int((values == labels.OPEN).sum(1).max())
    fitter, tried, history, unmeasured_by = Fitter(settings), [], [], []
    if models:
        models.mkdir(parents=True, exist_ok=True)
    if budget["ended_after"]:
        print(f"{arm} {stage}: nothing to do, {budget['ended_after']} was {budget['ended_because']}")
    elif waits_for:
        print(f"{arm} {stage}: nothing to do, {waits_for:,} of {labelled.shape[1]:,} rows wait for an answer")
    else:
        for seed, rows, paid, said in zip(settings.seeds, labelled, bought, values):
            title, fitted = f"{arm} {stage}, seed {seed}", None
            for labels_so_far in budget["path"] if settings.train.warm_start else [len(rows)]:
                fitted = fitter.fit(rows[:labels_so_far], paid, seed, title, fitted)
            if models:
                fitted.model.save(models / str(seed))
            shown = len(np.unique(said[said >= 0]))
            if shown < fitter.classes:
                print(f"{title}: {shown} of {fitter.classes} classes are among its {len(rows):,} rows; it names no other")
            tried.append(fitter.on_holdout(fitted, len(rows)))
            history += fitted.history(seed)
            if arm == results.MAIN and not len(fitter.actual):
                unmeasured_by.append(cross_validation.of(fitter, fitted, rows, paid, seed))
    results.save(arm, stage, results.Result(labelled, values, fitter.stacked(tried), waits_for, history=history))
    if unmeasured_by:
        results.save_unmeasured(stage, *zip(*unmeasured_by))
