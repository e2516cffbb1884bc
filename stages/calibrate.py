"""calibrate: choose the model to use, correct its probabilities by a temperature, and measure how far they can be believed.

reads   data/results/                  of all trained models; results that params no longer name are removed first
        data/final/bucketed/SEED/      the models of train_final if there are any, else data/STAGE/models/SEED/ of the
                                       last stage that has models: both are written together with their results
        data/names/model/              where there is none of these yet
        data/pool.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings, data/names  as the learner needs them
writes  data/model/model.json          which models these are, temperature, classes and encoder (see prediction/record)
        data/model/answered.json       accuracy against the share of rows answered, for the report
        data/model.json                accuracy of the mean and of a single model, calibration before and after
params  predict, rounds, random_at, arms, train_final, train, embed, seeds

The temperature comes from labelled rows, each judged by models that were not trained on it; the measures from the holdout.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners, task
from stages.core.arms import cross_validation
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, params, paths
from stages.core.encoding import model_files
from stages.core.prediction import calibration, record, scripts
from stages.core.rows import labels, measures, results, rounds
from stages.core.rows.results import FINAL, MAIN, NAMES, Result


def main() -> None:
    settings = params.read("predict", "rounds", "random_at", "arms", "train_final", "train", "embed", "seeds")
    results.forget_all_but(results.wanted(settings))
    fitter, pool_rows = Fitter(settings), artifacts.pool_rows()
    stage, folders, result = to_use(settings, pool_rows, fitter)
    if settings.predict.seed != "mean" and folders and stage != NAMES:
        place = settings.seeds.index(settings.predict.seed)
        only = slice(place, place + 1)
        folders, result = folders[only], Result(result.labelled[only], result.bought[only], result.probabilities[only])
    temperature, trainer = 1.0, ""
    if folders:
        trainer = artifacts.load_record(folders[0] / paths.CLASSIFIER, trainer=str)["trainer"]
        settings = settings.changed(train=settings.train.changed(trainer=trainer))
        if settings.predict.temperature != "none" and result.labelled.size:
            temperature = best_temperature(folders, result, settings, pool_rows)
    about = record.Record(
        stage=stage,
        trainer=trainer,
        members={str(folder): learners.fingerprint(folder) for folder in folders},
        classes=task.stored(task.load(), labels.classes()),
        temperature=temperature,
        abstain=settings.predict.abstain,
        labels=result.labels,
        rows=len(np.unique(result.labelled[task.codes(result.bought) >= 0])),
        scripts=scripts.shares(artifacts.texts(paths.POOL)),
        embed=dict(vars(settings.embed)),
        encoder_sha256=model_files.fingerprint(model_files.chosen(settings.embed.model)),
    )
    about.save(record.FOLDER)
    known = task.codes(fitter.actual) >= 0  # people may not have labelled the whole holdout yet
    by_threshold, metrics = [], {"members": len(folders)}
    if folders and known.any():
        by_threshold, metrics = measured(result.on(known), about, fitter.actual[known])
    artifacts.save_json(paths.ANSWERED, by_threshold)
    artifacts.save_json(record.METRICS, metrics)
    if not folders:
        print(f"calibrate: nothing to do, {stage} has no models")


def to_use(settings: Any, pool_rows: int, fitter: Fitter) -> tuple[str, list[Path], Result]:
    """(stage, folders of the models, one a seed, their result): the final models, else those of the last stage that has models.

    If nothing was trained there are no folders, and the stage is the first.
    """
    shape, seeds = (pool_rows, len(fitter.actual), fitter.classes), settings.seeds
    if MAIN in settings.train_final.arms and (final := results.load(FINAL, MAIN, *shape)).trained:
        return FINAL, [Path("data/final") / MAIN / str(seed) for seed in seeds], final
    for stage in reversed(rounds.in_order(settings.rounds)):
        result = results.load(MAIN, stage, *shape)
        if result.trained:
            return stage, [rounds.models(stage) / str(seed) for seed in seeds], result
    named = results.load(NAMES, NAMES, *shape)  # before the first label
    return (NAMES, [paths.NAMES_MODEL], named) if named.trained else (stage, [], result)


def best_temperature(folders: list[Path], result: Result, settings: Any, pool_rows: int) -> float:
    """Found on the labelled rows: each is judged by the other seeds' models. If there are none, or all have the same rows, as
    where people label, models of folds of the first seed's rows judge: one at a time stands in for the mean of the seeds.
    """
    fitter = Fitter(settings)
    if len(np.unique(result.labelled)) > result.labelled.shape[1]:
        models = [learners.load_model(folder, settings.embed, params.machine()) for folder in folders]
        asked = [
            lambda rows, model=model, seed=folder.name: model.probabilities(fitter.pool[rows], f"calibrate {seed}")
            for model, folder in zip(models, folders)
        ]
        probabilities, actual = calibration.by_other_seeds(result.labelled, result.bought, asked, fitter.classes)
    else:
        rows, [bought] = result.labelled[0], labels.known(result.labelled[:1], result.bought[:1], pool_rows)
        seed = int(folders[0].name)
        probabilities, actual = cross_validation.by_folds(fitter, rows, bought, settings.train.folds, seed, "calibrate")
    temperature = calibration.best_temperature(probabilities, actual)
    print(f"calibrate: temperature {temperature:g} from {len(actual):,} labelled rows, each judged by models not trained on it")
    return temperature


def measured(result: Result, about: record.Record, actual: np.ndarray) -> tuple[list[dict], dict]:
    """What the holdout says of the model to use: (one entry a threshold, the metrics). actual: labels [known rows]."""
    mean, kind = result.probabilities.mean(0), task.of(actual)
    accuracy, macro_f1 = measures.accuracy(mean, actual), measures.macro_f1(mean, actual)
    of_one = float(np.mean([measures.accuracy(seed, actual) for seed in result.probabilities]))
    scaled = calibration.scaled(mean, about.temperature, kind)
    (raw, right), (now, _) = (kind.choices(probabilities, actual) for probabilities in (mean, scaled))
    before, after = (calibration.expected_error(each, right) for each in (raw, now))
    print(f"calibrate: {len(about.members)} models of {about.stage} ({about.trainer}), {about.rows:,} labels, "
          f"{about.labels:,} of them each; {kind.accuracy} {accuracy:.4f}, of one alone {of_one:.4f}; calibration "
          f"error {before:.4f}, at temperature {about.temperature:g} {after:.4f}")  # fmt: skip
    thresholds = sorted({*calibration.SHOWN_FROM, float(about.abstain)})
    left_open = calibration.answered(scaled, actual, about.abstain)
    metrics = {
        "members": len(about.members),
        "labels": about.rows,
        "labels_of_one": about.labels,
        "holdout_rows": len(mean),
        "accuracy": accuracy,
        "accuracy_of_one": of_one,
        "macro_f1": macro_f1,
        **kind.further(mean, actual),
        "temperature": about.temperature,
        "log_loss_before": calibration.log_loss(raw, right),
        "log_loss": calibration.log_loss(now, right),
        "calibration_error_before": before,
        "calibration_error": after,
        "abstain": left_open["abstain"],
        "answered_share": left_open["answered"],
        "accuracy_of_answered": left_open["accuracy"],
    }
    rounded = {name: value if value is None else round(value, 6) for name, value in metrics.items()}
    return [calibration.answered(scaled, actual, at) for at in thresholds], rounded
