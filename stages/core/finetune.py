"""trainer: finetune. The encoder and a linear head, tuned together from the pretrained weights."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from stages.core import artifacts, encoder, tuned
from stages.core.tokens import Tokens, training_batches

KIND = "finetune"
CLIP = 1.0  # largest norm of the gradient, as in Devlin et al. 2019 (BERT's own code)


class Classifier(torch.nn.Module):
    """Encoder, dropout, linear head; the head works in float32 whatever the encoder's dtype."""

    def __init__(self, body: encoder.Encoder, classes: int):
        super().__init__()
        self.encoder = body
        self.dropout = torch.nn.Dropout(0.1)  # BERT's own rate for classification (Devlin et al. 2019, appendix A.3)
        self.head = torch.nn.Linear(body.width, classes)
        torch.nn.init.zeros_(self.head.weight)  # every class equally likely at the start, whatever the seed
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, ids: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """-> logits float32 [rows, classes]"""
        vectors = self.encoder(ids, real)
        with torch.autocast(ids.device.type, enabled=False):
            return self.head(self.dropout(vectors))


class FineTune:
    """The trainer: tokens in, FineTuned out. The pretrained encoder is read once and copied for every fit."""

    def __init__(self, train: Any, embed: Any, classes: int):
        self.train, self.embed, self.classes = train, embed, classes
        self.pretrained = encoder.of_pipeline(embed)
        self.device = encoder.device()

    def inputs(self, texts: Path, embeddings: Path) -> Tokens:
        return self.pretrained.tokenise(artifacts.texts(texts))

    def fit(self, inputs: Tokens, labels: np.ndarray, seed: int, title: str) -> "FineTuned":
        """
        inputs   Tokens of the labelled rows
        labels   int64 [labelled]   class numbers

        AdamW with linear warm-up and decay; epochs are repeated until min_steps is reached, since too few steps on
        few rows look like bad selection (Mosbach et al. 2021, section 5).
        """
        train = self.train
        model = Classifier(copy.deepcopy(self.pretrained), self.classes).to(self.device).train()
        if train.freeze_word_embeddings:
            model.encoder.backbone.get_input_embeddings().requires_grad_(False)
        optimiser = torch.optim.AdamW(_groups(model, train.weight_decay), lr=train.learning_rate, fused=True)
        epoch_steps = -(-len(inputs) // train.batch_rows)
        steps = max(train.min_steps, train.epochs * epoch_steps)
        schedule = get_linear_schedule_with_warmup(optimiser, int(train.warmup_share * steps), steps)
        lengths, target = inputs.lengths, torch.from_numpy(labels).to(self.device)
        mixed = torch.autocast(self.device.type, torch.bfloat16, enabled=encoder.dtype_of(train.dtype) == torch.bfloat16)
        rng = np.random.default_rng(seed)
        done = 0
        # Dropout draws from torch's own generator: seeded here, and put back as it was afterwards.
        with torch.random.fork_rng(), tqdm(total=steps, desc=title, unit="step", file=sys.stderr, mininterval=1) as bar:
            torch.manual_seed(seed)
            while done < steps:
                for rows in training_batches(lengths, train.batch_rows, rng):
                    ids, real = (torch.from_numpy(array).to(self.device) for array in inputs.padded(rows, model.encoder.pad))
                    with mixed:
                        logits = model(ids, None if real.all() else real)
                    loss = torch.nn.functional.cross_entropy(logits, target[rows])
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                    optimiser.step()
                    optimiser.zero_grad()
                    schedule.step()
                    bar.update()
                    done += 1
                    if done == steps:
                        break
        return FineTuned(model.eval(), self.pretrained, self.embed)


def _groups(model: torch.nn.Module, weight_decay: float) -> list[dict]:
    """Biases and norms are not decayed (Devlin et al. 2019, BERT's own code)."""
    tuned = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in tuned if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in tuned if p.ndim <= 1], "weight_decay": 0.0},
    ]


class FineTuned:
    """A tuned classifier."""

    def __init__(self, model: Classifier, pretrained: encoder.Encoder, embed: Any):
        self.model, self.pretrained, self.embed = model, pretrained, embed

    def inputs(self, texts: Path, embeddings: Path) -> Tokens:
        return self.pretrained.tokenise(artifacts.texts(texts))

    def probabilities(self, inputs: Tokens, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""
        return self._of_each(lambda model, ids: model(ids).softmax(1), inputs, self.model.head.out_features, title)

    def features(self, inputs: Tokens, title: str) -> np.ndarray:
        """float32 [rows, width]: what the head works on, the tuned encoder's vectors."""
        return self._of_each(lambda model, ids: model.encoder(ids), inputs, self.model.head.in_features, title)

    def _of_each(self, function: Callable, inputs: Tokens, width: int, title: str) -> np.ndarray:
        """float32 [rows, width] by `function(model, ids)`, in the dtype of the settings."""
        model = copy.deepcopy(self.model).to(encoder.device())
        model.encoder.to(encoder.dtype_of(self.embed.dtype))
        out = np.empty((len(inputs), width), dtype=np.float32)
        with encoder.progress(title, inputs) as bar:
            encoder.in_batches(lambda ids: function(model, ids), inputs, out, self.embed.batch_tokens, bar)
        return out

    def save(self, folder: Path) -> None:
        head = self.model.head
        tuned.save(folder, KIND, head.out_features, self.pretrained, self.model.encoder, head.state_dict())

    @classmethod
    def load(cls, folder: Path, about: dict, embed: Any) -> "FineTuned":
        pretrained, body, head = tuned.load(folder, about, embed)
        model = Classifier(body, about["classes"])
        model.head.load_state_dict(head)
        return cls(model.eval(), pretrained, embed)
