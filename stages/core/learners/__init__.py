"""Learners: ways to train a model, one file for each params `train.trainer`. Every one has

    Learner(train, embed, machine, classes)   as below; sections of params.yaml, and the number of classes
    load(folder, embed, machine)              a Model from what its `save` wrote

A learner whose fits take long may also have

    parallel_map(fits)                        a context: a `map` for so many fits, in order, that makes several at once

Only learners that need torch import it. A learner may use texts and vectors of rows without a label.
"""

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stages.core.base import artifacts, paths, plugins
from stages.core.base.errors import Refused, choices


class Rows(Protocol):
    """Texts in a learner's form (vectors, or tokens made on demand), indexed by int64 [rows]."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray) -> Any: ...


class Model(Protocol):
    """history: one entry an epoch, of learners with epochs. `title` is shown on progress bars."""

    history: list[dict]

    def probabilities(self, inputs: Any, title: str) -> np.ndarray:
        """float32 [rows, classes], as Task.says: each row sums to 1 where a text has one class."""

    def features(self, inputs: Any, title: str) -> np.ndarray:
        """float32 [rows, width]: the input of the last layer."""

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes]).

        `probabilities` is the softmax of features @ weights.T + bias; the bias of a class without labelled rows is -infinity.
        A model with a tuned encoder has it as `body`, and the untuned one as `pretrained`; other models use the pipeline's vectors.
        """

    def save(self, folder: Path) -> None:
        """Write model.safetensors and classifier.json: trainer, classes and the encoder that the model belongs to."""


class Learner(Protocol):
    def read(self, texts: Path, embeddings: Path) -> Rows:
        """The texts of a jsonl file, or their vectors, in this learner's form."""

    def fit(
        self, pool: Rows, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Model | None, closed: Any
    ) -> Model:
        """A trained model.

        pool       all rows of pool.jsonl, as from `read`
        labelled   int64 [labelled]   rows to learn from; repeats count twice
        labels     labels [labelled] of these, as in stages/core/task
        start      a model of this learner to continue from, or None
        closed     int64 [rows]       rows that were bought and have no class: not to be guessed, nor learned from; () for none
        """


def named(train: Any, embed: Any, machine: Any, classes: int) -> Learner:
    """The learner of params `train.trainer`."""
    return plugins.load("learners", train.trainer).Learner(train, embed, machine, classes)


def load_model(folder: Path, embed: Any, machine: Any) -> Model:
    """A saved model. Raises Refused where its files are broken or belong to another encoder than the pipeline's."""
    file = folder / paths.CLASSIFIER
    trainer = artifacts.load_record(file, trainer=str)["trainer"]
    if trainer not in (known := plugins.names("learners")):
        raise Refused(f"{file}: trainer = {trainer}: no such learner; {choices(trainer, known)}; {artifacts.MEND}")
    return plugins.load("learners", trainer).load(folder, embed, machine)


def fingerprint(folder: Path) -> str:
    """sha256 over the files of one saved model."""
    digest = hashlib.sha256()
    for name in (paths.CLASSIFIER, paths.WEIGHTS):
        try:
            with (folder / name).open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise Refused(f"{folder / name} cannot be read ({error.strerror}); {artifacts.MEND}") from None
    return digest.hexdigest()
