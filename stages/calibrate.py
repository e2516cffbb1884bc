"""calibrate: which of the trained models is the one to use, how far its probabilities can be believed, and what mends them.

reads   data/results/                  whatever was trained, by what it says of the holdout; forgotten ones are removed first
        data/final/bucketed/SEED/      the models of train_final where there are any, else data/STAGE/models/SEED/ of the
                                       last stage that has some: written together with their results
        data/pool.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings, as the learner needs them
writes  data/model/model.json          which models these are, temperature, classes and encoder (see prediction/record)
        data/model/answered.json       accuracy against the share of rows answered, for the report
        data/model.json                accuracy of the mean and of one alone, calibration before and after
params  predict, prepare.normalise, rounds, random_at, arms, train_final, train, embed, seeds

The temperature comes from labelled rows that a model does not know, the measures from the holdout, which nothing learns from.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, params, paths
from stages.core.encoding import model_files, pointer
from stages.core.prediction import calibration, record, scripts, unseen
from stages.core.rows import labels, measures, results, rounds
from stages.core.rows.results import FINAL, MAIN

MEAN, NONE = "mean", "none"  # of predict.seed and predict.temperature


def main() -> None:
    settings = params.read("predict", "prepare.normalise", "rounds", "random_at", "arms", "train_final", "train", "embed", "seeds")
    results.forget_all_but(results.wanted(settings))
    fitter, pool_rows = Fitter(settings), artifacts.pool_rows()
    stage, folders, last = to_use(settings, pool_rows, fitter)
    if settings.predict.seed != MEAN and folders:
        number = settings.seeds.index(settings.predict.seed)
        folders, last = folders[number : number + 1], one_of(last, number)
    abstain, temperature, trainer = settings.predict.abstain, 1.0, ""
    if folders:
        trainer = artifacts.load_record(folders[0] / paths.CLASSIFIER, trainer=str)["trainer"]
        settings = settings.changed(train=settings.train.changed(trainer=trainer))
        temperature = 1.0 if settings.predict.temperature == NONE else found_temperature(folders, last, settings, pool_rows)
    about = record.Record(
        stage=stage,
        trainer=trainer,
        members={str(folder): record.fingerprint(folder) for folder in folders},
        classes=labels.classes(),
        temperature=temperature,
        abstain=abstain,
        normalise=settings.normalise,
        labels=last.labels,
        rows=len(np.unique(last.labelled)),
        scripts=scripts.shares(artifacts.texts(paths.POOL)),
        embed=dict(vars(settings.embed)),
        encoder_sha256=model_files.fingerprint(pointer.chosen(settings.embed.model)),
    )
    about.save(record.FOLDER)
    known = fitter.actual >= 0  # of a holdout that people label, rows may be open still
    shares, found = [], {"members": len(folders)}
    if folders and known.any():
        last, actual = last.on(known), fitter.actual[known]
        said = last.probabilities.mean(0)
        scaled = calibration.scaled(said, temperature)
        shares = [calibration.answered(scaled, actual, at) for at in thresholds(abstain)]
        found = measured(last, said, scaled, about, actual)
    artifacts.save_json(paths.ANSWERED, shares)
    artifacts.save_json(record.METRICS, found)
    if not folders:
        print(f"calibrate: nothing to do, {stage} has no models")


def to_use(settings: Any, pool_rows: int, fitter: Fitter) -> tuple[str, list[Path], results.Result]:
    """(its stage, folders of the models, one a seed, their result) of the final models, else of the last stage that has some.

    No folders where nothing was trained; the stage is then the first.
    """
    shape, seeds = (pool_rows, len(fitter.actual), fitter.classes), settings.seeds
    if MAIN in settings.train_final.arms and (final := results.load(FINAL, MAIN, *shape)).trained:
        return FINAL, [Path("data/final") / MAIN / str(seed) for seed in seeds], final
    for stage in reversed(rounds.in_order(settings.rounds)):
        found = results.load(MAIN, stage, *shape)
        if found.trained:
            return stage, [rounds.models(stage) / str(seed) for seed in seeds], found
    return stage, [], found


def one_of(result: results.Result, number: int) -> results.Result:
    """The result of one seed alone, the seeds counted from 0."""
    part = slice(number, number + 1)
    return results.Result(result.labelled[part], result.bought[part], result.probabilities[part])


def found_temperature(folders: list[Path], last: results.Result, settings: Any, pool_rows: int) -> float:
    """Found by cross-validation on the labelled rows: by the other seeds' models, or, of a single model, by training on folds."""
    fitter = Fitter(settings)
    if len(folders) > 1:
        models = [learners.load_model(folder, settings.embed, params.machine()) for folder in folders]

        def ask(number: int, rows: np.ndarray) -> np.ndarray:
            return models[number].probabilities(fitter.pool[rows], f"calibrate {folders[number].name}")

        said, actual = unseen.by_the_others(last.labelled, last.bought, ask, fitter.classes)
    else:
        [known], seed = labels.known(last.labelled, last.bought, pool_rows), int(folders[0].name)

        def fit(rows: np.ndarray) -> Any:
            return fitter.fit(rows, known, seed, "calibrate").probabilities

        said, actual = unseen.by_folds(last.labelled[0], last.bought[0], fit, fitter.classes, settings.train.folds, seed)
    temperature = calibration.best_temperature(said, actual)
    print(f"calibrate: temperature {temperature:g} by {len(actual):,} labelled rows, each as models see it that do not know it")
    return temperature


def thresholds(abstain: float) -> list[float]:
    """The probabilities below which the table leaves rows open, with the one that is set."""
    return sorted({*calibration.SHOWN_FROM, float(abstain)})


def measured(last: results.Result, said: np.ndarray, scaled: np.ndarray, about: record.Record, actual: np.ndarray) -> dict:
    """What the holdout says of the model to use.

    said, scaled   float32 [holdout, classes]   the mean of the members, before and after calibration
    """
    accuracy = measures.accuracy(said, actual)
    alone = float(np.mean([measures.accuracy(each, actual) for each in last.probabilities]))
    before, after = (calibration.expected_error(each, actual) for each in (said, scaled))
    print(f"calibrate: {len(about.members)} of {about.stage} ({about.trainer}), {about.labels:,} labels each, {about.rows:,} in "
          f"all; accuracy {accuracy:.4f}, of one alone {alone:.4f}; calibration error {before:.4f}, at temperature "
          f"{about.temperature:g} {after:.4f}")  # fmt: skip
    left = calibration.answered(scaled, actual, about.abstain)
    found = {
        "members": len(about.members),
        "labels": about.labels,
        "labels_in_all": about.rows,
        "holdout_rows": len(actual),
        "accuracy": accuracy,
        "accuracy_of_one": alone,
        "macro_f1": measures.macro_f1(said, actual),
        "temperature": about.temperature,
        "log_loss_before": float(calibration.log_losses(said, actual).mean()),
        "log_loss": float(calibration.log_losses(scaled, actual).mean()),
        "calibration_error_before": before,
        "calibration_error": after,
        "abstain": left["abstain"],
        "answered_share": left["answered"],
        "accuracy_of_answered": left["accuracy"],
    }
    return {name: value if value is None else round(value, 6) for name, value in found.items()}
