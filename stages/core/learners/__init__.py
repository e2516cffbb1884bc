"""Learners: one file each, found by its name in params `train.trainer`. Every one has

    Learner(train, embed, machine, classes)   as below; the sections of params.yaml, and the number of classes
    load(folder, embed, machine)              a Model from what its `save` wrote

Torch is loaded by the learners that need it and by no other. A learner may use rows of the pool that have no label: their
texts and vectors are there for all, their labels for nobody.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stages.core.base import artifacts, paths, plugins
from stages.core.base.errors import Refused, choices


class Rows(Protocol):
    """Texts in the form that a learner works on (vectors, or tokens made when they are asked for), picked by int64 [rows]."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray) -> Any: ...


class Model(Protocol):
    """history: one entry an epoch, of learners that have epochs; `title` names it in progress bars."""

    history: list[dict]

    def probabilities(self, inputs: Any, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""

    def features(self, inputs: Any, title: str) -> np.ndarray:
        """float32 [rows, width]: the vectors that the last layer works on."""

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes]): the softmax of features @ weights.T + bias is what
        `probabilities` gives; the bias of a class that was never shown is -infinity. A model with an encoder of its own has it
        as `body`, and the one that it was made from as `pretrained`; all others work on the pipeline's vectors.
        """

    def save(self, folder: Path) -> None:
        """Write model.safetensors and classifier.json, which says trainer, classes and what the model belongs to."""


class Learner(Protocol):
    def read(self, texts: Path, embeddings: Path) -> Rows:
        """The texts of a jsonl file, or their vectors, in the form that this learner works on."""

    def fit(self, pool: Rows, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Model | None) -> Model:
        """
        pool       every row of pool.jsonl, as from `read`
        labelled   int64 [labelled]   rows of it to learn from; repeats count twice
        labels     int64 [labelled]   their class numbers
        start      a model of this learner to go on from, or None
        """


def named(train: Any, embed: Any, machine: Any, classes: int) -> Learner:
    """The learner of params `train.trainer`."""
    return plugins.load("learners", train.trainer).Learner(train, embed, machine, classes)


def load_model(folder: Path, embed: Any, machine: Any) -> Model:
    """A model that a train stage saved. Raises Refused where its files are not whole, or not of the pipeline's encoder."""
    file = folder / paths.CLASSIFIER
    trainer = artifacts.load_record(file, trainer=str)["trainer"]
    if trainer not in plugins.names("learners"):
        raise Refused(
            f"{file}: trainer = {trainer}: no such learner; {choices(trainer, plugins.names('learners'))}; {artifacts.MEND}"
        )
    return plugins.load("learners", trainer).load(folder, embed, machine)
