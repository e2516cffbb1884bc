"""name_classes: a model that knows what the classes are called, before the first label.

reads   data/classes.json, data/encoder
        data/embeddings/, data/pool.jsonl, data/holdout.jsonl   vectors
writes  data/names/phrases.safetensors   vectors of the phrases, from which the learners learn too (see space/names)
        data/names/model/                the model, as of trainer probe; none where a class has no phrase
        data/names/predicted.npy         int16 [pool]   its class for each row; -1 without a model
        data/results/names/names/        its probabilities on the holdout; no label is spent
params  labels.describe, train.names, embed

A class is described by labels.describe, else by its name where that is words. It reads no label.
"""

from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import artifacts, params, paths, phrases, seeding
from stages.core.rows import results, rounds
from stages.core.space import names, probe_model

TRAINER = "probe"
NO_PHRASES = names.Phrases(np.empty((0, 1), np.float32), np.empty(0, np.int64))
SHOWN = 5  # pairs of phrases that are alike
STRANGE = 0.5  # share of tokens that the tokenizer does not know


def main() -> None:
    settings = params.read("labels.describe", "train.names", "embed")
    classes, embed, kind = task.classes(), settings.embed, task.load()
    pool = probe_model.read(paths.POOL, paths.EMBEDDINGS, embed.model)
    holdout = probe_model.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS, embed.model)
    encoded = encoded_phrases(said_of(classes, vars(settings.describe), settings.names), embed)
    encoded.save()
    predicted = np.full(len(pool), rounds.NOT_PREDICTED, np.int16)
    probabilities = np.empty((0, len(holdout), len(classes)), np.float32)
    paths.NAMES_MODEL.mkdir(parents=True, exist_ok=True)
    if len(encoded.classes):
        [rng] = seeding.rngs([0], "name_classes")
        made = probe_model.ProbeModel(names.MODELS[kind.regression](pool, encoded, len(classes), rng), TRAINER, embed)
        made.save(paths.NAMES_MODEL)
        predicted[:] = made.probabilities(pool, "").argmax(1)
        probabilities = made.probabilities(holdout, "")[None]
        print(f"name_classes: {len(encoded.classes):,} phrases of {len(classes):,} classes; labels spent: 0")
    artifacts.save(paths.NAMED, predicted)
    none = np.empty((len(probabilities), 0), np.int64)
    results.save(results.NAMES, results.NAMES, results.Result(none, kind.none(none.shape, len(classes)), probabilities))


def said_of(classes: list[str], describe: dict[str, str | list[str]], setting: str) -> dict[str, list[str]]:
    """class -> its phrases; none where train.names is off, or where a class has no words, since it would never be predicted.

    Raises Refused for a description of a class that there is not.
    """
    known = phrases.of_classes(classes, describe)
    if setting != "auto":
        return {}
    lacking = [name for name in classes if name not in known]
    if lacking or len(classes) < 2:
        why = f"not words: {', '.join(lacking[:5])}; describe every class in labels.describe" if lacking else "only one class"
        print(f"name_classes: no names: {why}")
        return {}
    return known


def encoded_phrases(said: dict[str, list[str]], embed: Any) -> names.Phrases:
    """The phrases as vectors, in the form of the pool's; none where the tokenizer does not know the words of one."""
    if not said:
        return NO_PHRASES
    from stages.core.encoding import encoder  # loads torch

    return encoded_by(encoder.of_pipeline(embed), said)


def encoded_by(model: Any, said: dict[str, list[str]]) -> names.Phrases:
    """As encoded_phrases, by an encoder.Encoder of any name."""
    texts = [phrase for several in said.values() for phrase in several]
    classes = np.repeat(np.arange(len(said)), [*map(len, said.values())])
    unread = [phrase for phrase in texts if model.unknown_share(model.tokenise([phrase])) > STRANGE]
    if unread:
        print(f"name_classes: no names: the tokenizer of {model.shown} does not know most of {unread[0][:60]!r}")
        return NO_PHRASES
    made = names.Phrases(model.of_few(texts, params.machine().batch_tokens), classes)
    pairs, count = names.alike(made, SHOWN)
    for one, other in pairs:
        print(
            f"name_classes: {texts[one][:60]!r} and {texts[other][:60]!r} are nearly the same to {model.shown}; say how they differ"
        )
    if count > SHOWN:
        print(f"name_classes: and {count - SHOWN:,} more pairs")
    return made
