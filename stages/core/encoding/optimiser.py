"""AdamW for an encoder and what stands on it, with linear warm-up and decay."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import get_linear_schedule_with_warmup

from stages.core.encoding import encoder
from stages.core.encoding.dropout import Dropout

CLIP = 1.0  # largest norm of the gradient, as in Devlin et al. 2019 (BERT's own code)


class Optimiser:
    """`step` takes one step down the gradient of a loss that was computed in the context `training`."""

    def __init__(self, body: encoder.Encoder, train: Any, steps: int, seed: int, head: torch.nn.Linear | None = None):
        """
        train   params train; with freeze_word_embeddings the word vectors of `body` no longer change
        steps   in all, for the schedule
        seed    of dropout
        head    learns at head_learning_rate

        Biases and norms have no weight decay (Devlin et al. 2019, BERT's own code). The head starts at zero and learns faster: at
        the encoder's rate 100 steps are too few, and more labels make models worse.
        """
        if train.freeze_word_embeddings:
            body.backbone.get_input_embeddings().requires_grad_(False)
        tuned = [each for each in body.parameters() if each.requires_grad]
        groups = [
            {"params": [each for each in tuned if each.ndim > 1], "weight_decay": train.weight_decay},
            {"params": [each for each in tuned if each.ndim <= 1], "weight_decay": 0.0},
        ]
        if head:
            groups.append({"params": [head.weight], "weight_decay": train.weight_decay, "lr": train.head_learning_rate})
            groups.append({"params": [head.bias], "weight_decay": 0.0, "lr": train.head_learning_rate})
        self.every = [*body.parameters(), *(head.parameters() if head else ())]
        self.adam = torch.optim.AdamW(groups, lr=train.learning_rate, fused=True)
        self.schedule = get_linear_schedule_with_warmup(self.adam, int(train.warmup_share * steps), steps)
        bfloat16 = encoder.dtype_of(train.dtype) == torch.bfloat16
        self.mixed = torch.autocast(encoder.device().type, torch.bfloat16, enabled=bfloat16)
        self.dropout = Dropout(seed)

    @contextmanager
    def training(self) -> Iterator[None]:
        with self.mixed, self.dropout:
            yield

    def step(self, loss: torch.Tensor) -> None:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.every, CLIP)
        self.adam.step()
        self.adam.zero_grad()
        self.schedule.step()
