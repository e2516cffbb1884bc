"""trainer: contrastive. Tunes the encoder on pairs with equal and different labels, then fits a logistic regression on its vectors.

SetFit (Tunstall et al. 2022, section 3.1) with two changes: classes weigh as train.class_weight says, where SetFit has none, and
the learning rate is train.learning_rate, where SetFit has 2e-5. The regression's C is 1 as in SetFit: cross-validation would
choose it on vectors that were tuned on the very rows that validate.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.core.base import paths
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, saved_encoder
from stages.core.encoding.tokens import Texts
from stages.core.space import logistic

KIND = "contrastive"


class Learner(saved_encoder.TextLearner):
    """Learns a ContrastiveModel from texts."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        from stages.core.encoding import pair_tuning

        super().__init__(train, embed, machine, classes)
        self.tuning = pair_tuning

    def fit(
        self, pool: Texts, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> "ContrastiveModel":
        """As in learners.Learner; continues with the encoder of `start`. Raises Refused where all rows have one class."""
        train, inputs = self.train, pool[labelled]
        rows, scores = sampled_pairs(labels, train.pairs_per_row, train.most_pairs, np.random.default_rng(seed))
        left, right = (inputs.texts[side].tolist() for side in rows.T)
        pairs = {"left": left, "right": right, "label": scores.tolist()}
        training = self.tuning.Training(train, 1, train.batch_rows, train.freeze_word_embeddings)
        before = start.body if start else self.pretrained
        body = self.tuning.tune(before, pairs, self.tuning.cosine_loss, training, seed, title).encoder
        features = saved_encoder.TunedEncoder(self.pretrained, body, self.embed, self.machine).features(inputs, title)
        weights = logistic.row_weights(labels, train.class_weight)
        head = logistic.fitted(features, labels, self.classes, logistic.Choice(strength=1.0, last=1.0), weights)
        return ContrastiveModel(self.pretrained, body, head, self.embed, self.machine)


def sampled_pairs(labels: np.ndarray, per_row: int, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [pairs, 2] rows, float32 [pairs]: 1 for equal labels, 0 for different): pairs drawn without listing all of them.

    labels    int64 [rows]   class numbers
    per_row   pairs of equal label and of different label for every row, each partner drawn uniformly
    most      limit of pairs in all

    As in the authors' code; the paper draws `per_row` pairs a class, however many rows it has. The only row of a class has no
    pair of equal label. Raises Refused for a single class.
    """
    order = np.argsort(labels, kind="stable")  # class by class
    classes, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    if len(classes) < 2:
        raise Refused(
            f"params.yaml: train.trainer = contrastive needs labelled rows of two classes or more, all {len(labels)} have "
            f"one class; raise select_stage1.n, or set train.trainer to finetune or probe"
        )
    rows = len(labels)
    anchors = min(per_row * rows, most // 2)
    first = np.concatenate([rng.permutation(rows) for _ in range(-(-anchors // rows))])[:anchors]
    place = np.argsort(order, kind="stable")[first]
    group = np.searchsorted(classes, labels[first])
    start, count = starts[group], counts[group]
    # Step round the class from the row's own place, never back to it; step round all rows from the end of the class, never into it.
    equal = order[start + (place - start + rng.integers(1, np.maximum(count, 2))) % count]
    different = order[(start + count + rng.integers(0, rows - count)) % rows]
    paired = count > 1
    pairs = np.concatenate([np.stack([first, equal], 1)[paired], np.stack([first, different], 1)])
    return pairs, np.repeat(np.float32([1, 0]), [paired.sum(), anchors])


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
