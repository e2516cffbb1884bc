"""`make encoders NAMES="BAAI/bge-base-en-v1.5 ../mpnet"`: which encoder suits these texts, by trying each.

The pipeline's own is tried too. All get the same texts, at most MOST: the labelled rows, then open ones. Each is tried as the loop
would use it, by the accuracy of self_training on labelled rows that are left out in turn. Vectors go into the side cache, so a run
that was stopped goes on where it was; nothing else is written.
"""

import time
from typing import Any

import numpy as np

from stages import embed as stage
from stages import name_classes
from stages.core.base import artifacts, bars, params, paths, seeding
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files
from stages.core.learners import self_training
from stages.core.reporting import markdown, sureness
from stages.core.rows import labels, results
from stages.core.space import names, sampling

MOST, TIMED = 2_000, 200  # texts to encode, and to time
LEAST_LABELLED = 20  # fewer say nothing


def main(wanted: str = "") -> None:
    settings = params.read("embed", "train", "labels.describe")
    if not wanted.split():
        raise Refused('NAMES= is empty; possible: names of a hub, or folders: make encoders NAMES="BAAI/bge-base-en-v1.5 ../mpnet"')
    if not paths.POOL.exists():
        raise Refused(f"{paths.POOL} is missing, so there are no texts to try; run `dvc repro prepare` first")
    texts, actual = sample()
    tried, said = [], name_classes.said_of(labels.classes(), vars(settings.describe), settings.train.names)
    if (actual >= 0).sum() < LEAST_LABELLED and not said:
        raise Refused(
            f"fewer than {LEAST_LABELLED} rows are labelled and classes have no names; label some, or set labels.describe"
        )
    for name in dict.fromkeys([settings.embed.model, *wanted.split()]):
        try:
            tried.append(measured(name, texts, actual, said, settings))
        except Refused as refusal:
            print(f"{name} is left out: {refusal}")
    if not tried:
        raise Refused("no encoder could be tried; the reasons stand above")
    show(sorted(tried, key=lambda each: -each["score"]), int((actual >= 0).sum()))


def sample() -> tuple[list[str], np.ndarray]:
    """(texts, int64 [texts] their class numbers, OPEN where no label was bought): labelled rows of the pool, then open ones."""
    pool_rows, classes = artifacts.pool_rows(), len(labels.classes())
    known = np.full(pool_rows, labels.OPEN)
    for file in sorted(file for arm in (results.MAIN, results.BASELINE) for file in (results.ROOT / arm).glob("*/labelled.npy")):
        labelled = artifacts.load_labelled(file, None, pool_rows)
        known[labelled] = labels.load_bought(file.with_name("labels.npy"), labelled, classes)
    [rng] = seeding.rngs([0], "encoders")
    order = rng.permutation(pool_rows)
    rows = order[np.argsort(known[order] < 0, kind="stable")][:MOST]
    all_texts = artifacts.texts(paths.POOL)
    return [all_texts[row] for row in rows], known[rows]


def measured(name: str, texts: list[str], actual: np.ndarray, said: dict[str, list[str]], settings: Any) -> dict:
    """name, score, right bool [labelled] (empty without enough labels), rows a second, megabytes and most tokens of an encoder.

    actual   int64 [texts]   as from `sample`; said: class -> phrases

    The score is the accuracy on labelled rows. With too few it is how far two halves of the texts agree on what names say.
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
    cache = stage.cache_of(stage.encoding_of(model, str(dtype).removeprefix("torch."), embed.lower_case), machine)
    stage.fill(vectors := empty(texts, model), texts, model, cache, machine)
    phrases = name_classes.encoded_by(model, said) if said else name_classes.NO_PHRASES
    right = left_out(vectors, actual, phrases, settings, name)
    if not len(right) and not len(phrases.classes):
        raise Refused("too few labels to try it by, and its tokenizer does not know the names of the classes")
    score = right.mean() if len(right) else agreement(vectors, phrases, len(said))
    weights = sum(file.stat().st_size for file in model_files.folder_of(name).glob("*.safetensors"))
    return {"name": name, "score": score, "right": right, "speed": speed, "megabytes": weights / 1e6, "tokens": limit}


def empty(rows: Any, model: encoder.Encoder) -> np.ndarray:
    return np.empty((len(rows), *model.vector_shape), model.stored_dtype)


def left_out(vectors: np.ndarray, actual: np.ndarray, phrases: names.Phrases, settings: Any, name: str) -> np.ndarray:
    """bool [rows]: whether labelled rows are predicted right by models that did not see them; none where labels are too few."""
    classes, labelled = len(labels.classes()), np.flatnonzero(actual >= 0)
    splits = []
    if len(labelled) >= LEAST_LABELLED and len(np.unique(actual[labelled])) > 1:
        splits = sampling.stratified_folds(actual[labelled], settings.train.folds, 0)
    learner = self_training.Learner(settings.train, settings.embed, None, classes)
    learner.names = named(vectors, phrases, classes)
    right = []
    for train, validation in bars.bar(f"try {name}", len(splits), "models", splits):
        rows, held_back = labelled[train], labelled[validation]
        model = learner.fit(vectors, rows, actual[rows], 0, "", None, held_back)
        right.append(model.probabilities(vectors[held_back], "").argmax(1) == actual[held_back])
    return np.concatenate(right) if right else np.empty(0, bool)


def named(vectors: np.ndarray, phrases: names.Phrases, classes: int) -> tuple | None:
    """As probe_model.VectorLearner.names, of this encoder."""
    return (phrases, names.model(vectors, phrases, classes, np.random.default_rng(0))) if len(phrases.classes) else None


def agreement(vectors: np.ndarray, phrases: names.Phrases, classes: int) -> float:
    """Cohen's kappa of what phrases say of one half of the texts, by likeness and by a model that knows the other half only."""
    from sklearn.metrics import cohen_kappa_score

    halves = np.arange(0, len(vectors), 2), np.arange(1, len(vectors), 2)
    pairs = [
        (
            names.model(vectors[one], phrases, classes, np.random.default_rng(0)).probabilities(vectors[other]).argmax(1),
            names.likeness(vectors[other], phrases, classes).argmax(1),
        )
        for one, other in (halves, halves[::-1])
    ]
    return float(np.mean([cohen_kappa_score(*pair) for pair in pairs]))


def show(tried: list[dict], labelled: int) -> None:
    """The table, the best first, and the line for params.yaml."""
    best = tried[0]
    by_labels = len(best["right"]) > 0
    lines = []
    for each in tried:
        score = f"{each['score']:.3f}"
        behind = ""
        if by_labels:
            low, high = sureness.wilson(each["score"], labelled)
            score += f" [{low:.3f}, {high:.3f}]"
            difference = best["right"] * 1.0 - each["right"]
            error = difference.std() / len(difference) ** 0.5
            behind = "" if each is best else f"{difference.mean():.3f} ± {1.96 * error:.3f}"
        lines.append([each["name"], score, behind, f"{each['speed']:,.0f}", f"{each['megabytes']:,.0f}", f"{each['tokens']:,}"])
    heads = ["encoder", "accuracy" if by_labels else "agreement", "behind the best", "texts a second", "MB", "most tokens"]
    print(markdown.table(lines, heads, left=1))
    if by_labels:
        print(f"\nAccuracy on {labelled:,} labelled rows, each predicted by models that did not see it, with 95% intervals.")
    else:
        print(
            f"\nFewer than {LEAST_LABELLED} rows are labelled. Agreement is Cohen's kappa of two models that know only what "
            "classes are called. It finds encoders that do not fit these texts; labels must show which of the others is better."
        )
    print(f"for params.yaml, section embed:  model: {best['name']}")
