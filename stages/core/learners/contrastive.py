"""trainer: contrastive. Tunes the encoder so that classes lie apart, then fits a logistic regression on its vectors.

SetFit (Tunstall et al. 2022, section 3.1), except for its loss (encoding/contrast), for classes that weigh as train.class_weight
says, where SetFit has none, and for the learning rate, train.learning_rate, where SetFit has 2e-5. The regression's C is 1 as in
SetFit: cross-validation would choose it on vectors that were tuned on the very rows that validate.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.core.base import paths
from stages.core.encoding import contrast, encoder, saved_encoder
from stages.core.encoding.tokens import Texts
from stages.core.space import logistic

KIND = "contrastive"


class Learner(saved_encoder.TextLearner):
    """Learns a ContrastiveModel from texts."""

    def fit(
        self, pool: Texts, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> "ContrastiveModel":
        """As in learners.Learner; continues with the encoder of `start`."""
        inputs = pool[labelled]
        body = contrast.tuned(start.body if start else self.pretrained, inputs, labels, self.train, seed, title)
        features = saved_encoder.TunedEncoder(self.pretrained, body, self.embed, self.machine).features(inputs, title)
        weights = logistic.row_weights(labels, self.train.class_weight)
        head = logistic.fitted(features, labels, self.classes, logistic.Choice(strength=1.0, last=1.0), weights)
        return ContrastiveModel(self.pretrained, body, head, self.embed, self.machine)


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
