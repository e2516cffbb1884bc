"""One stage of an arm whose rows are chosen: train a model a seed and store its probabilities on the holdout."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners, task
from stages.core.arms import cross_validation
from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.rows import labels, results


def saved(fitted: FittedModel, folder: Path) -> str:
    """Save a model; gives its fingerprint, as in results.Result."""
    fitted.model.save(folder)
    return learners.fingerprint(folder)


def train_and_try(
    arm: str,
    stage: str,
    labelled: np.ndarray,
    bought: list[labels.Labels],
    settings: Any,
    budget: dict | None = None,
    models: Path | None = None,
) -> None:
    """Train on each seed's rows and write the models' probabilities on the holdout.

    labelled   int64 [seeds, rows]   rows of pool.jsonl, oldest first
    bought     one account a seed that bought their labels
    settings   .seeds, .train and .embed of params.yaml
    budget     of the stage, as from rounds.load_budget; None for a stage that follows no other
    models     folder to save the models in, one a seed

    Where labelling has ended before, or answers are missing, nothing is trained and the results are empty. With
    train.warm_start the stages before are trained again on the way, since only one arm saves its models.
    """
    budget = budget or {"path": [labelled.shape[1]], "ended_after": None}
    values = np.stack([paid.of(rows) for rows, paid in zip(labelled, bought, strict=True)])
    codes = task.codes(values)
    waits_for = int((codes == labels.OPEN).sum(1).max())
    nothing_to_learn = not (codes >= 0).any(1).all()
    fitter, trained = Fitter(settings), []

    def train(seed: int, rows: np.ndarray, paid: labels.Labels, row_labels: np.ndarray) -> tuple:
        """(probabilities, epochs, fingerprint or None, what is known without a holdout or None) of a seed's model."""
        title, fitted = f"{arm} {stage}, seed {seed}", None
        for labels_so_far in budget["path"] if settings.train.warm_start else [len(rows)]:
            fitted = fitter.fit(rows[:labels_so_far], paid, seed, title, fitted)
        kept = saved(fitted, models / str(seed)) if models else None
        known = row_labels[task.codes(row_labels) >= 0]
        present = task.of(known).indicator(known, fitter.classes).any(0).sum()
        if present < fitter.classes:
            print(
                f"{title}: its {len(known):,} rows hold {present} of {fitter.classes} classes; without names it predicts no other"
            )
        on_holdout, unmeasured = fitter.on_holdout(fitted, len(known)), None
        if arm == results.MAIN and not len(fitter.actual):
            unmeasured = cross_validation.without_holdout(fitter, fitted, rows, paid, seed)
        return on_holdout, fitted.history(seed), kept, unmeasured

    if models:
        models.mkdir(parents=True, exist_ok=True)
    if budget["ended_after"]:
        print(f"{arm} {stage}: nothing to do, {budget['ended_after']} was {budget['ended_because']}")
    elif waits_for:
        print(f"{arm} {stage}: nothing to do, {waits_for:,} of {labelled.shape[1]:,} rows wait for an answer")
    elif nothing_to_learn:
        waits_for = labelled.shape[1]
        print(f"{arm} {stage}: nothing to do, no label to learn from yet: all {waits_for:,} answers are ? or in conflict")
    else:
        trained = fitter.each(train, settings.seeds, labelled, bought, values)
    on_holdout, epochs, kept, unmeasured = zip(*trained) if trained else ((),) * 4
    history, kept = [*itertools.chain(*epochs)], [each for each in kept if each]
    result = results.Result(labelled, values, fitter.stacked(on_holdout), waits_for, history=history, models=kept)
    results.save(arm, stage, result)
    if any(unmeasured):
        results.save_unmeasured(stage, *zip(*unmeasured))
