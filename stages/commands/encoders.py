"""`make encoders NAMES="BAAI/bge-base-en-v1.5 ../mpnet"`: which encoder suits these texts, by trying each.

The pipeline's own is tried too. All get the same texts, at most MOST: the labelled rows, then open ones. Each is tried as the loop
would use it, by the accuracy of self_training on labelled rows that are left out in turn; with several labels a text by macro F1.
Vectors go into the side cache, so a run that was stopped goes on where it was; nothing else is written.
"""

import shlex
import time
from typing import Any

import numpy as np

from stages import embed as stage
from stages import name_classes
from stages.core import task
from stages.core.base import artifacts, bars, params, paths, seeding
from stages.core.base.errors import Refused, short
from stages.core.encoding import encoder, model_files, vectors
from stages.core.learners import self_training
from stages.core.reporting import markdown, result_tables, sureness
from stages.core.rows import labels, measures, results, stopping
from stages.core.settings import rules
from stages.core.space import names, sampling

MOST, TIMED = 2_000, 200  # texts to encode, and to time
LEAST_LABELLED = 20  # fewer say nothing


def main(wanted: str = "") -> None:
    if not wanted.split():
        raise Refused('NAMES= is empty; possible: names of a hub, or folders: make encoders NAMES="BAAI/bge-base-en-v1.5 ../mpnet"')
    rules.check_file("encoders")
    settings = params.read("embed", "train", "train_final", "labels.describe", "rounds", "random_at", "arms")
    if not paths.POOL.exists():
        raise Refused(f"{paths.POOL} is missing, so there are no texts to try; run `dvc repro prepare` first")
    own = model_files.chosen(settings.embed.model) if paths.ENCODER.exists() else settings.embed.model
    texts, actual = sample(settings)
    tried, said = [], name_classes.said_of(labels.classes(), vars(settings.describe), settings.train.names)
    if len(texts) < LEAST_LABELLED:
        raise Refused(f"{paths.POOL} has {len(texts)} texts; it takes {LEAST_LABELLED} to tell encoders apart")
    if (task.codes(actual) >= 0).sum() < LEAST_LABELLED and not said:
        raise Refused(
            f"fewer than {LEAST_LABELLED} rows are labelled and classes have no names; label some, or set labels.describe"
        )
    for name in different([own, *split(wanted)]):
        try:
            tried.append(measured(name, texts, actual, said, settings))
        except Refused as refusal:
            print(f"{name} is left out: {refusal}")
        except (RuntimeError, ValueError) as error:  # a model that loads and does not work
            print(f"{name} is left out: {type(error).__name__}: {short(error)}")
    if not tried:
        raise Refused("no encoder could be tried; the reasons stand above")
    show(sorted(tried, key=lambda each: -each["score"]))


def split(wanted: str) -> list[str]:
    """Names as a shell splits them: quotes hold a folder with blanks together."""
    try:
        return shlex.split(wanted)
    except ValueError as error:
        raise Refused(f"NAMES={wanted}: {short(error)}; close the quote, or put another kind around it") from None


def different(wanted: list[str]) -> list[str]:
    """Each encoder once, however its folder is written: by the first of its names."""
    once = {}
    for name in wanted:
        folder = model_files.local_folder(name)
        once.setdefault(folder.resolve() if folder else name, name)
    return list(once.values())


def sample(settings: Any) -> tuple[list[str], np.ndarray]:
    """(texts, labels [texts], OPEN where no label was bought): labelled rows of the pool, then open ones.

    Raises Refused where results belong to another pool.
    """
    shape = artifacts.pool_rows(), len(labels.holdout()), len(labels.classes())
    known = task.load().none(shape[:1], shape[2])
    arms = [which for which in results.wanted(settings) if which[0] in (results.MAIN, results.BASELINE)]
    made = [(arm, name) for arm, name in arms if (results.ROOT / arm / name / "about.json").exists()]
    if made:
        vectors.of_texts(paths.EMBEDDINGS, paths.POOL)  # refuses a pool that is newer
    for arm, name in made:
        result = results.load(arm, name, *shape)
        known[result.labelled] = result.bought
        now = labels.buy_all(result.labelled)
        if ((now != result.bought) & (result.bought >= 0)).any():
            raise Refused(f"{results.ROOT}/{arm}/{name} has other labels than the pool has now; run `dvc repro` first")
    [rng] = seeding.rngs([0], "encoders")
    order = rng.permutation(shape[0])
    rows = order[np.argsort(task.codes(known)[order] < 0, kind="stable")][:MOST]
    all_texts = artifacts.texts(paths.POOL)
    return [all_texts[row] for row in rows], known[rows]


def measured(name: str, texts: list[str], actual: np.ndarray, said: dict[str, list[str]], settings: Any) -> dict:
    """name, score, right float [labelled] (empty without enough labels), rows a second, megabytes and most tokens of an encoder.

    actual   labels [texts]   as from `sample`; said: class -> phrases

    The score is Task.decides on labelled rows. With too few it is how far two halves of the texts agree on what names say.
    """
    embed, machine = settings.embed, params.machine()
    model = encoder.Encoder(name, 1_000_000, embed.pooling, embed.layers, embed.lower_case)
    limit, model.max_tokens = model.max_tokens, min(embed.max_tokens, model.max_tokens)
    dtype = encoder.dtype_of(embed.dtype)
    model.eval().to(encoder.device(), dtype)
    start = time.perf_counter()
    tokens = model.tokenise(texts[:TIMED])
    encoder.in_batches(
        model.vectors, tokens, empty(tokens, model), machine.batch_tokens, bars.bar(f"time {name}", tokens.ids.size, "tokens")
    )
    speed = len(tokens) / (time.perf_counter() - start)
    cache = stage.cache_of(stage.encoding_of(model, dtype, embed.lower_case), machine)
    stage.fill(made := empty(texts, model), texts, model, cache, machine)
    if not np.isfinite(made).all() or (made == made[0]).all():
        raise Refused("its vectors are not finite, or the same for every text")
    phrases = name_classes.encoded_by(model, said) if said else name_classes.NO_PHRASES
    right = left_out(made, actual, phrases, settings, name)
    if not len(right) and not len(phrases.classes):
        raise Refused("labelled rows are too few or of one class, and classes have no names that it knows")
    score = right.mean() if len(right) else agreement(made, phrases, len(said))
    weights = sum(file.stat().st_size for file in model_files.folder_of(name).glob("*.safetensors"))
    return {"name": name, "score": score, "right": right, "speed": speed, "megabytes": weights / 1e6, "tokens": limit}


def empty(rows: Any, model: encoder.Encoder) -> np.ndarray:
    return np.empty((len(rows), *model.vector_shape), model.stored_dtype)


def left_out(vectors: np.ndarray, actual: np.ndarray, phrases: names.Phrases, settings: Any, name: str) -> np.ndarray:
    """float [rows], as measures.by_row: labelled rows predicted by models that did not see them; none where such rows are too few.

    The only row of a class is learned from, and never left out.
    """
    classes, labelled, kind = len(labels.classes()), np.flatnonzero(task.codes(actual) >= 0), task.of(actual)
    splits, main_classes = [], kind.main(actual[labelled])
    if len(np.unique(main_classes)) > 1:
        splits = sampling.stratified_folds(main_classes, settings.train.folds, 0)
    if sum(len(validation) for _, validation in splits) < LEAST_LABELLED:
        return np.empty(0)
    learner = self_training.Learner(settings.train, settings.embed, None, classes)
    learner.names = named(vectors, phrases, classes)
    predicted, order = [], labelled[np.concatenate([validation for _, validation in splits])]
    for train, validation in bars.bar(f"try {name}", len(splits), "models", splits):
        rows, held_back = labelled[train], labelled[validation]
        model = learner.fit(vectors, rows, actual[rows], 0, "", None, held_back)
        predicted.append(kind.predicted(model.probabilities(vectors[held_back], "")))
    return measures.by_row(kind.decides, np.concatenate(predicted), actual[order], classes)


def named(vectors: np.ndarray, phrases: names.Phrases, classes: int) -> tuple | None:
    """As probe_model.VectorLearner.names, of this encoder."""
    return (phrases, names.model(vectors, phrases, classes, np.random.default_rng(0))) if len(phrases.classes) else None


def agreement(vectors: np.ndarray, phrases: names.Phrases, classes: int) -> float:
    """Cohen's kappa of what phrases say of one half of the texts, by likeness and by a model that knows the other half only."""
    halves = np.arange(0, len(vectors), 2), np.arange(1, len(vectors), 2)
    pairs = [
        (
            names.model(vectors[one], phrases, classes, np.random.default_rng(0)).probabilities(vectors[other]).argmax(1),
            names.likeness(vectors[other], phrases, classes).argmax(1),
        )
        for one, other in (halves, halves[::-1])
    ]
    return float(np.mean([stopping.kappa(*pair) or 0 for pair in pairs]))


def show(tried: list[dict]) -> None:
    """The table, the best first, and the line for params.yaml."""
    best, decides = tried[0], task.load().decides
    left_out_rows = len(best["right"])
    lines = []
    for each in tried:
        score = f"{each['score']:.3f}"
        behind = ""
        if left_out_rows:
            error = 1.96 * each["right"].std() / left_out_rows**0.5
            low, high = each["score"] - error, each["score"] + error
            if decides == "accuracy":
                low, high = sureness.wilson(each["score"], left_out_rows)
            score += f" [{low:.3f}, {high:.3f}]"
            difference = best["right"] - each["right"]
            error = difference.std() / len(difference) ** 0.5
            behind = "" if each is best else f"{difference.mean():.3f} ± {1.96 * error:.3f}"
        lines.append([each["name"], score, behind, f"{each['speed']:,.0f}", f"{each['megabytes']:,.0f}", f"{each['tokens']:,}"])
    score = result_tables.NAMES[decides] if left_out_rows else "agreement"
    heads = ["encoder", score, "behind the best", "texts a second", "MB", "most tokens"]
    print(markdown.table(lines, heads, left=1))
    if left_out_rows:
        name = result_tables.NAMES[decides]
        how = "each predicted by models that did not see it, with 95% intervals"
        print(f"\n{name[0].upper()}{name[1:]} on {left_out_rows:,} labelled rows, {how}.")
    else:
        print(
            f"\nFewer than {LEAST_LABELLED} labelled rows could be left out. Agreement is Cohen's kappa of two models that know "
            "only what classes are called. It exposes encoders that do not fit these texts; only labels can rank the others."
        )
    print(f"for params.yaml, section embed:  model: {best['name']}")
