"""Rows that a person looks for, for `make find` and the page: with words, like a text, or surest of a class.

Only rows of the pool that nobody was asked for and nobody answered; never of the holdout, which measures the model. Rows found by
hand are no fair sample: the column `found` of labels/STAGE.csv marks them, and they count beside those that the strategy chose.
"""

import heapq
import re
import threading
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.arms.fitter import Fitter, SavedModel
from stages.core.base import artifacts, keys, memory, params, paths
from stages.core.base.errors import Refused, choices
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal
from stages.core.rows import rounds
from stages.core.space import geometry, layers, logistic, probe_model

WAYS = {"words": "words of a rare class", "like": "a text in your own words", "class": "the name of a class"}
MOST = 20  # rows
LAST = 3.0  # weight of the last layer, which holds meaning; 1 finds fewer of what a phrase means, 8 fewer of a kind of text
MARKED = 40  # characters of a text in the column `found`
READ = (params.PATH, paths.EMBEDDINGS, paths.POOL)
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # Thai to Chinese
LOADING = threading.Lock()  # several windows wait for one encoder, and do not load one each

Scored = dict[str, tuple[float, str]]  # key -> (how well it fits, what the column `found` says of it)


def stage_for(state: Labelling, stage: str = "") -> str:
    """The round that takes found rows: the given one, else the newest. Raises Refused where nothing was asked yet."""
    names = [name for name in state.stages if asked.file_of(name).exists()]
    stage = stage or (names[-1] if names else "")
    if stage not in names:
        raise Refused(f"STAGE={stage}: nothing was asked there yet; possible: {', '.join(names) or 'none'}; make ask first")
    return stage


def unasked(state: Labelling) -> list[str]:
    """Keys of the rows to look among; a row of a group of the holdout is none of them."""
    resolved = state.resolved()
    seen = asked.keys_in(asked.written()) | resolved.labels.keys() | resolved.conflicts.keys()
    held = {state.texts[key].group for key in state.keys_of(asked.HOLDOUT)} - {""}
    return [key for key in state.pool_keys() if key not in seen and state.texts[key].group not in held]


def best(state: Labelling, way: str, what: str, among: list[str], most: int) -> tuple[dict[str, str], str]:
    """(what the column `found` says of each key, the best `most` of them, best first; how many fitted, and how, in words).

    Raises Refused for nothing to look for, and where vectors or models are missing.
    """
    if way not in WAYS:
        raise Refused(f"way = {way[:60]}: no such way to look for rows; {choices(way, WAYS)}")
    if re.search("[\ud800-\udfff]", what):
        raise Refused(f"{way.upper()}= holds half a character; possible: text in UTF-8")
    if not what.strip():
        raise Refused(f"{way.upper()}= is empty; possible: {WAYS[way]}")
    try:
        scored, how = {"words": _with_words, "like": _like, "class": _of_class}[way](state, what.strip(), among)
    except IndexError:  # the page may know a larger pool than the files
        raise Refused("the texts are being read anew; try again when dvc has ended") from None
    order = heapq.nsmallest(most, scored, key=lambda key: (-scored[key][0], keys.chance(key, 0)))
    return {key: scored[key][1] for key in order}, f"{len(scored):,} unasked rows {how}"


def _with_words(state: Labelling, what: str, among: list[str]) -> tuple[Scored, str]:
    fold = lambda text: unicodedata.normalize("NFKC", text).casefold()  # noqa: E731
    wanted = fold(what).split()
    # The beginning of a word is enough; anything is, in scripts that leave no blanks between words.
    begins = {word: re.compile(("" if UNSPACED.match(word) else r"(?<!\w)") + re.escape(word)) for word in wanted}
    folded = ((key, fold(state.texts[key].text)) for key in among)
    matches = {key: [word for word in wanted if begins[word].search(text)] for key, text in folded}
    return {key: (len(words), " ".join(words)) for key, words in matches.items() if words}, f"with {' or '.join(wanted)}"


def _like(state: Labelling, what: str, among: list[str]) -> tuple[Scored, str]:
    """By the cosine to the text's vector; a text of the pool has one already."""
    what, known = " ".join(what.split()), state.texts.get(keys.key(what))
    if known and known.in_holdout:
        raise Refused(f"LIKE={what[:60]}: this text is in the holdout, which measures the model; use other words")
    shown = what if len(what) <= MARKED else f"{what[:MARKED]}…"
    mark = f"like: {shown}" if state.settings.labels.keep_text else "like"
    with LOADING:
        pool = _pool(*map(journal.version, READ))
        wanted = pool[known.row][None] if known else _vectors(what, *map(journal.version, READ))
    wanted, rows, scored = _unit(wanted)[0], np.array([state.texts[key].row for key in among], np.int64), {}
    for start in range(0, len(rows), logistic.AT_ONCE):  # never the whole pool as float32
        part = slice(start, start + logistic.AT_ONCE)
        scored |= {key: (float(cosine), mark) for key, cosine in zip(among[part], _unit(pool[rows[part]]) @ wanted)}
        memory.release(pool)
    return scored, f"by likeness to {shown!r}"


def _of_class(state: Labelling, what: str, among: list[str]) -> tuple[Scored, str]:
    """By the probabilities of the newest models of the bucketed arm, or else of the names' model."""
    if what not in state.classes:
        raise Refused(f"CLASS={what[:60]}: no such class; {choices(what, state.classes)}")
    models = {"the classes' names": (paths.NAMES_MODEL,)}
    models |= {stage: tuple(rounds.models(stage) / str(seed) for seed in state.settings.seeds) for stage in state.stages}
    usable = [whose for whose, folders in models.items() if all(_of_these_classes(folder, state) for folder in folders)]
    if not usable:
        why = "there is no model of these classes yet; label a round, or describe the classes in labels.describe, then make repro"
        raise Refused(f"CLASS={what}: {why}; WORDS= and LIKE= need no model")
    folders = models[usable[-1]]
    with LOADING:
        versions = map(journal.version, [*READ, *(folder / paths.WEIGHTS for folder in folders)])
        sure = _probabilities(folders, *versions)[:, state.classes.index(what)]
    scored = {key: (float(sure[state.texts[key].row]), f"class: {what}") for key in among}
    return scored, f"by how sure the model of {usable[-1]} is of {what}"


def _of_these_classes(folder: Path, state: Labelling) -> bool:
    """Whether a model is there, and was made since the last class was added."""
    file = folder / paths.CLASSIFIER
    return file.exists() and artifacts.load_record(file, classes=int)["classes"] == len(state.classes)


# What follows is kept until one of the files has another version.


@lru_cache(maxsize=1)
def _pool(*versions: Any) -> np.ndarray:
    return probe_model.read(paths.POOL, paths.EMBEDDINGS, params.read("embed").embed.model)


@lru_cache(maxsize=1)
def _encoder(*versions: Any) -> Any:
    from stages.core.encoding import encoder  # loads torch, which takes seconds

    return encoder.of_pipeline(params.read("embed").embed)


@lru_cache(maxsize=8)  # a text is looked for, and then its rows are added
def _vectors(text: str, *versions: Any) -> np.ndarray:
    return _encoder(*versions).of_few([text], params.machine().batch_tokens)


@lru_cache(maxsize=1)
def _probabilities(folders: tuple[Path, ...], *versions: Any) -> np.ndarray:
    """float32 [pool, classes]: the mean of these models."""
    settings = params.read("train", "embed")
    trainer = artifacts.load_record(folders[0] / paths.CLASSIFIER, trainer=str)["trainer"]
    fitter, rows = Fitter(settings.changed(train=settings.train.changed(trainer=trainer))), np.arange(artifacts.pool_rows())
    return np.mean([SavedModel(folder, fitter, "to find rows").probabilities(rows) for folder in folders], axis=0)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """float32 [rows, layers * width], of unit length."""
    return geometry.unit(layers.weighted(vectors, LAST))
