"""Tune an encoder so that texts of one class have similar vectors, and texts of different classes do not.

As in SetFit (Tunstall et al. 2022, section 3.1), but with the supervised contrastive loss (Khosla et al. 2020, equation 2): a step
encodes each of its texts once and compares every two of them, where pairs of texts would be encoded pair by pair.
"""

import copy
from typing import Any

import numpy as np
import torch

from stages.core.base import bars
from stages.core.encoding import encoder
from stages.core.encoding.optimiser import Optimiser
from stages.core.encoding.tokens import Texts

TEMPERATURE = 0.1  # Khosla et al. 2020, section 4.4


def tuned(
    before: encoder.Encoder, inputs: Texts, labels: np.ndarray, labelled: int, train: Any, seed: int, title: str
) -> encoder.Encoder:
    """A copy of `before`, on the CPU, after steps on 2 x train.batch_rows texts each.

    labels     int64 [rows of inputs]   class numbers; where all are equal, or all different, nothing is learned
    labelled   the first so many are known. The others are guessed: they make up half of each step, if there are any
    """
    body = copy.deepcopy(before).to(encoder.device()).train()
    steps = max(train.contrastive_steps, train.epochs * labelled // (2 * train.batch_rows))
    steps = steps if 1 < len(np.unique(labels)) < len(labels) else 0
    parts = [part for part in np.split(np.arange(len(labels)), [labelled]) if len(part)]
    by_class = [[part[labels[part] == each] for each in np.unique(labels[part])] for part in parts]
    optimiser, rng = Optimiser(body, train, steps, seed), np.random.default_rng(seed)
    for _ in bars.bar(title, steps, "steps", range(steps)):
        rows = np.concatenate([batch(part, 2 * train.batch_rows // len(parts), rng) for part in by_class])
        ids, real = (torch.from_numpy(array).to(encoder.device()) for array in inputs.tokens.padded(rows, body.pad))
        with optimiser.training():
            vectors = body(ids, None if real.all() else real)
        optimiser.step(loss(vectors.float(), torch.from_numpy(labels[rows]).to(encoder.device())))
    return body.cpu().eval()


def batch(by_class: list[np.ndarray], size: int, rng: np.random.Generator) -> np.ndarray:
    """int64: random rows, as many of every class as fit into `size`, or two each of as many classes as fit.

    by_class   int64 [rows] of each class; one with fewer rows gives what it has
    """
    many = max(2, size // len(by_class))
    drawn = rng.permutation(len(by_class))[: max(2, size // many)]
    return np.concatenate([rng.permutation(by_class[each])[:many] for each in drawn])


def loss(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """How unlikely rows of a row's own class are to be picked among all others, by cosine: the mean over rows that have such rows.

    vectors   float32 [rows, width]
    labels    int64 [rows]
    """
    unit = torch.nn.functional.normalize(vectors, dim=1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    picked = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -torch.inf).log_softmax(1)
    alike = (labels[:, None] == labels) & ~itself
    count = alike.sum(1)
    of_row = picked.masked_fill(~alike, 0).sum(1) / count.clamp(min=1)
    return -of_row.sum() / (count > 0).sum().clamp(min=1)
