"""A regression on the pipeline's vectors as a Model: shared by the learners `probe` and `self_training`."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from stages.core import task
from stages.core.base import artifacts, paths, tensor_files
from stages.core.base.errors import Refused
from stages.core.encoding import model_files, vectors
from stages.core.space import logistic, logistic_cv, names, sampling
from stages.core.space.layers import weighted


def read(texts: Path, embeddings: Path, model: str) -> np.ndarray:
    """Vectors of the texts of a jsonl file, by the encoder `model`; memory-mapped, as from vectors.load."""
    return vectors.load(embeddings, texts, model_files.chosen(model))


class ProbeModel:
    """A regression on vectors of the encoder. `about` goes into classifier.json: what made the model and its vectors."""

    def __init__(self, regression: logistic.Logistic, trainer: str, embed: Any):
        self.regression = regression
        self.about = {"trainer": trainer, "model": embed.model, "layers": embed.layers} | regression.kind.about
        self.history: list[dict] = []

    def probabilities(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, classes], as Task.says."""
        return self.regression.probabilities(inputs)

    def features(self, inputs: np.ndarray, title: str) -> np.ndarray:
        """float32 [rows, layers * width]: the input of the last layer, here the vectors themselves."""
        return weighted(inputs, 1)

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, layers * width], bias float32 [classes])"""
        return self.regression.for_all_classes()

    def save(self, folder: Path) -> None:
        tensor_files.save(folder / paths.WEIGHTS, self.regression.tensors(), save_file)
        shape = {"classes": self.regression.classes, "width": self.regression.weights.shape[1]}
        artifacts.save_json(folder / paths.CLASSIFIER, self.about | shape)


class VectorLearner:
    """What learners on the cached vectors share; they add `fit`."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.train, self.embed, self.classes = train, embed, classes

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """float16 [rows, layers, width] or float32 [rows, width], memory-mapped."""
        return read(texts, embeddings, self.embed.model)

    @functools.cached_property
    def names(self) -> tuple[names.Phrases, logistic.Logistic] | None:
        """The phrases of the classes and the model of them, read once; None without names."""
        phrases = names.load()
        return (phrases, load(paths.NAMES_MODEL, self.embed, None).regression) if phrases else None

    def chosen(self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str) -> "Chosen":
        """What to fit a regression with; of very many labelled rows, a sample."""
        few = sampling.stratified(labels, sampling.FIT_ROWS, self.train.folds, np.random.default_rng(seed))
        vectors, labels = pool[labelled[few]], labels[few]
        weights = logistic.row_weights(labels, self.train.class_weight)
        choice = logistic_cv.choose(vectors, labels, self.train.folds, seed, weights is not None, title, labelled[few])
        if not self.names:
            return Chosen(vectors, labels, weights, choice, len(few))
        phrases, named = self.names
        with logistic.quietly():
            splits = sampling.stratified_folds(labels, self.train.folds, seed, labelled[few])
        trust = names.trust(vectors, labels, phrases, named.probabilities(vectors), choice, self.train.class_weight, splits)
        return Chosen(*names.joined(vectors, labels, weights, phrases, trust.weight), choice, len(few), named, trust)


@dataclass(frozen=True)
class Chosen:
    """What a regression is fitted with.

    vectors    float [rows, ...]      of the labelled rows, then of the phrases that describe the classes (train.names)
    labels     int64 [rows]
    weights    float64 [rows]         None where all rows weigh the same
    choice     hyperparameters
    labelled   number of labelled rows among these
    named      the names' model, and how far it is trusted; None without names
    """

    vectors: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None
    choice: logistic.Choice
    labelled: int
    named: logistic.Logistic | None = None
    trust: names.Trust | None = None


def load(folder: Path, embed: Any, machine: Any) -> ProbeModel:
    """Raises Refused where the pipeline now has another encoder or other layers, and as Logistic.of does."""
    about = artifacts.load_record(folder / paths.CLASSIFIER, trainer=str, model=str, classes=int, width=int)
    for name in ("model", "layers"):
        now = getattr(embed, name)
        if about.get(name, "last") != now:
            raise Refused(f"{folder} was fitted on vectors of embed.{name} = {about.get(name)}, not {now}; {artifacts.MEND}")
    file = folder / paths.WEIGHTS
    tensors = tensor_files.load(file, load_file)
    regression = logistic.Logistic.of(tensors, file, about["width"], about["classes"], task.recorded(about))
    return ProbeModel(regression, about["trainer"], embed)
