"""trainer: contrastive. Tunes the encoder so that classes lie apart, then fits a logistic regression on its vectors.

SetFit (Tunstall et al. 2022, section 3.1) that learns from the pool too, and from what classes are called: a self-trained
regression on the pipeline's vectors (space/self_trained) guesses the classes of open rows, and half of the texts of each step are
its surest guesses. In the last regression the fewer labels a class has, the more they count. Other differences: the loss
(encoding/contrast), classes that weigh as train.class_weight says, where SetFit has none, and the learning rate,
train.learning_rate, where SetFit has 2e-5. C is SetFit's: cross-validation would choose it on vectors that were tuned on the very
rows that validate.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.core.base import paths, seeding
from stages.core.encoding import contrast, encoder, saved_encoder
from stages.core.encoding.tokens import Texts
from stages.core.space import logistic, probe_model
from stages.core.space.sampling import surest
from stages.core.space.self_trained import SelfTrained

KIND = "contrastive"
GUESSES = 600  # rows to learn from at most, and evenly from every class
GUESSED = 1  # labelled rows that all guesses of a class weigh as, in the regression


class TextsAndVectors(Texts):
    """Texts of a file, and the pipeline's vectors of them, which are read on demand."""

    def __init__(self, texts: Texts, read: Callable[[], np.ndarray]):
        super().__init__(texts.texts, texts.tokenise)
        self._read = read

    @functools.cached_property
    def vectors(self) -> np.ndarray:
        return self._read()


class Learner(saved_encoder.TextLearner):
    """Learns a ContrastiveModel from texts and vectors."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        super().__init__(train, embed, machine, classes)
        self.guesser = SelfTrained(train, embed, machine, classes)

    def read(self, texts: Path, embeddings: Path) -> TextsAndVectors:
        return TextsAndVectors(super().read(texts, embeddings), lambda: probe_model.read(texts, embeddings, self.embed.model))

    def fit(
        self, pool: TextsAndVectors, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None,
        closed: Any = (),
    ) -> "ContrastiveModel":  # fmt: skip
        """As in learners.Learner; continues with the encoder of `start`."""
        guessed, rows = self.guessed(pool, labelled, labels, seed, title, closed)
        inputs, classes = pool[np.concatenate([labelled, rows])], np.concatenate([labels, guessed])
        before = start.body if start else self.pretrained
        body = contrast.tuned(before, inputs, classes, len(labelled), self.train, seed, title)
        features = saved_encoder.TunedEncoder(self.pretrained, body, self.embed, self.machine).features(inputs, title)
        weights = weights_of(labels, guessed, self.train.class_weight)
        strength = 1 / float(np.square(features).sum(1).mean())  # as C = 1 for vectors of length 1, which SetFit has
        head = logistic.fitted(features, classes, self.classes, logistic.Choice(strength, last=1.0), weights)
        return ContrastiveModel(self.pretrained, body, head, self.embed, self.machine)

    def guessed(
        self, pool: TextsAndVectors, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, closed: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """(int64 [rows] classes, int64 [rows] rows of the pool): random ones of those that the regression is surest of."""
        rows = self.guesser.candidates(len(pool), np.concatenate([labelled, np.array(closed, np.int64)]), seed)
        if not len(rows):
            return rows, rows
        model = self.guesser.regression(pool.vectors, labelled, labels, rows, seed, title)
        classes, taken = surest(model.probabilities(pool.vectors[rows]), self.train.pseudo_share)
        [rng] = seeding.rngs([seed], "contrastive")
        shuffled = rng.permutation(len(taken))
        places = [shuffled[classes[shuffled] == each][: max(2, GUESSES // self.classes)] for each in range(self.classes)]
        kept = np.concatenate(places)
        return classes[kept], rows[taken[kept]]


def weights_of(labels: np.ndarray, guessed: np.ndarray, class_weight: str) -> np.ndarray:
    """float64 [labelled + guessed]: weights of rows; all guesses of a class weigh as much as GUESSED of its labelled rows.

    labels, guessed   int64 [rows]   class numbers
    """
    classes = np.concatenate([labels, guessed])
    each = np.concatenate([np.ones(len(labels)), GUESSED / np.bincount(guessed)[guessed]]) if len(guessed) else np.ones(len(labels))
    if logistic.row_weights(labels, class_weight) is not None:
        each /= np.bincount(classes, each)[classes]
    return each * len(labels) / each.sum()


class ContrastiveModel(saved_encoder.TunedEncoder):
    """A tuned encoder and a logistic regression on its vectors."""

    def __init__(self, pretrained: encoder.Encoder, body: encoder.Encoder, head: logistic.Logistic, embed: Any, machine: Any):
        super().__init__(pretrained, body, embed, machine)
        self.head = head

    def probabilities(self, inputs: Texts, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""
        return self.head.probabilities(self.features(inputs, title))

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes])"""
        return self.head.for_all_classes()

    def save(self, folder: Path) -> None:
        head = {name: torch.from_numpy(array) for name, array in self.head.tensors().items()}
        saved_encoder.save(folder, KIND, self.head.classes, self.pretrained, self.body, head)


def load(folder: Path, embed: Any, machine: Any) -> ContrastiveModel:
    """Raises Refused as saved_encoder.load and Logistic.of do."""
    pretrained, body, classes, head = saved_encoder.load(folder, embed)
    head = {name: tensor.numpy() for name, tensor in head.items()}
    regression = logistic.Logistic.of(head, folder / paths.WEIGHTS, body.width, classes)
    return ContrastiveModel(pretrained, body.eval(), regression, embed, machine)
