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

from stages.core.base import artifacts, paths, seeding, tensor_files
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, parallel_batches, saved_encoder, shards
from stages.core.encoding.dropout import Dropout
from stages.core.encoding.tokens import Texts, Tokens, training_batches
from stages.core.space import logistic

KIND = "finetune"
GOLDEN = (5**0.5 - 1) / 2
LEAST_ROWS = 4  # of a part of a batch that a core works on by itself: with fewer, calls cost more than is won
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


class Learner:
    """Texts in, FineTuned out. The pretrained encoder is read once and copied for every fit."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.train, self.embed, self.machine, self.classes = train, embed, machine, classes
        self.pretrained = encoder.of_pipeline(embed)
        self.device = encoder.device()

    def read(self, texts: Path, embeddings: Path) -> Texts:
        return Texts(artifacts.texts(texts), lambda some: self.pretrained.tokenise(some, "tokens"))

    def fit(
        self, pool: Texts, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: "FineTuned | None" = None
    ) -> "FineTuned":
        """As the contract says; the labelled rows come oldest first. Without `start` the head is empty.

        All classes weigh the same in the loss, or a rare one would hardly be named. AdamW with linear warm-up and decay;
        epochs are repeated until min_steps is reached, since too few steps on few rows look like bad selection (Mosbach et
        al. 2021, section 5). With early stopping a share of the rows is held back from training, and the weights of the epoch
        with the least loss on them are kept.
        Raises Refused where there are too few rows to hold any back.
        """
        inputs = pool[labelled]
        train, rng, tokens = self.train, np.random.default_rng(seed), inputs.tokens
        rows, held = _held_back(tokens, train.early_stopping, seed)
        held_inputs = inputs[held]
        model = copy.deepcopy(start.model) if start else Classifier(copy.deepcopy(self.pretrained), self.classes)
        model = model.to(self.device).train()
        if train.freeze_word_embeddings:
            model.encoder.backbone.get_input_embeddings().requires_grad_(False)
        optimiser = torch.optim.AdamW(_groups(model, train), lr=train.learning_rate, fused=True)
        epoch_steps = -(-len(rows) // train.batch_rows)
        steps = max(train.min_steps, train.epochs * epoch_steps)
        schedule = get_linear_schedule_with_warmup(optimiser, int(train.warmup_share * steps), steps)
        lengths, target = tokens.lengths[rows], torch.from_numpy(labels).to(self.device)
        weights = np.zeros(len(labels), np.float32)
        weights[rows] = logistic.evened(labels[rows])
        weights = torch.from_numpy(weights).to(self.device)
        mixed = encoder.dtype_of(train.dtype) == torch.bfloat16
        made = FineTuned(model, self.pretrained, self.embed, self.machine)
        best, best_loss, since_best, done = None, np.inf, 0, 0
        tuned = [parameter for parameter in model.parameters() if parameter.requires_grad]
        workers = max(1, min(torch.get_num_threads(), train.batch_rows // LEAST_ROWS)) if self.device.type == "cpu" else 1
        dropouts = [Dropout(rng) for part in range(workers) for rng in seeding.rngs([seed], f"dropout {part}")]

        def gradients(part: np.ndarray, of: int, dropout: Dropout) -> tuple[torch.Tensor, tuple[torch.Tensor | None, ...]]:
            """(loss, its gradient by each of `tuned`; None where it does not depend on it) of some rows of a batch of so many."""
            ids, real = (torch.from_numpy(array).to(self.device) for array in tokens.padded(part, model.encoder.pad))
            with dropout, torch.autocast(self.device.type, torch.bfloat16, enabled=mixed, cache_enabled=False):
                logits = model(ids, None if real.all() else real)
            loss = (weights[part] * torch.nn.functional.cross_entropy(logits, target[part], reduction="none")).sum() / of
            return loss.detach(), torch.autograd.grad(loss, tuned, allow_unused=True)

        # Elsewhere than on a processor dropout draws from torch's own generator: seeded here, put back as it was afterwards.
        with (
            torch.random.fork_rng(),
            parallel_batches.parallel_map(workers) as each,
            tqdm(total=steps, desc=title, unit="step", file=sys.stderr, mininterval=1) as bar,
        ):
            torch.manual_seed(seed)
            while done < steps:
                losses = []
                for batch in training_batches(lengths, train.batch_rows, rng):
                    parts = np.array_split(rows[batch], min(workers, len(batch)))
                    found = list(each(gradients, parts, [len(batch)] * len(parts), dropouts))
                    for parameter, *summands in zip(tuned, *(gradient for _, gradient in found)):
                        parameter.grad = summands[0] if len(summands) == 1 or summands[0] is None else sum(summands)
                    torch.nn.utils.clip_grad_norm_(tuned, CLIP)
                    optimiser.step()
                    schedule.step()
                    bar.update()
                    losses.append(sum(loss for loss, _ in found))
                    done += 1
                    if done == steps:
                        break
                made.history.append({"epoch": len(made.history) + 1, "loss": round(float(torch.stack(losses).mean()), 6)})
                if not len(held):
                    continue
                tried = made.on_held_back(held_inputs, labels[held])
                made.history[-1] |= tried
                if tried["held_back_loss"] < best_loss:
                    best, best_loss, since_best = copy.deepcopy(model.state_dict()), tried["held_back_loss"], 0
                elif (since_best := since_best + 1) == train.early_stopping.patience:
                    break
        if best is not None:
            model.load_state_dict(best)
        model.eval()
        return made


def _held_back(tokens: Tokens, early_stopping: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [trained on], int64 [held back]) rows of the labelled ones, ascending; none are held back where patience is 0.

    A row is held back by its place and the seed alone. The rows of a stage begin with those of the stage before, so what
    is held back at one stage was trained on at none, as train.warm_start needs it. A row that is there twice, as in the
    bootstrap samples of a committee, goes where its first copy goes.
    """
    rows, share = len(tokens), early_stopping.holdout_share
    if not early_stopping.patience:
        return np.arange(rows), np.arange(0)
    # Multiples of the golden ratio, modulo 1, spread evenly from wherever they start: a beginning of any length holds back
    # its share, within four rows in ten thousand, and in step with nothing else, such as buckets of ten rows sorted by score.
    [rng] = seeding.rngs([seed], "held_back")
    chosen = (rng.random() + np.arange(rows) * GOLDEN) % 1 < share
    first = {}
    held = chosen[[first.setdefault(ids.tobytes(), row) for row, ids in enumerate(np.split(tokens.ids, tokens.starts[1:-1]))]]
    if not 0 < held.sum() < rows:
        raise Refused(
            f"params.yaml: train.early_stopping.holdout_share = {share}: of {rows} labelled rows that is {held.sum()} with seed "
            f"{seed}, and both sides need one; label more, change the share, or set train.early_stopping.patience to 0"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def _groups(model: Classifier, train: Any) -> list[dict]:
    """Biases and norms are not decayed (Devlin et al. 2019, BERT's own code); the head, which starts at zero, learns faster.

    At the encoder's rate 100 steps are too few for it: with more labels the models then get worse.
    """
    body = [p for p in model.encoder.parameters() if p.requires_grad]
    return [
        {"params": [p for p in body if p.ndim > 1], "weight_decay": train.weight_decay},
        {"params": [p for p in body if p.ndim <= 1], "weight_decay": 0.0},
        {"params": [model.head.weight], "weight_decay": train.weight_decay, "lr": train.head_learning_rate},
        {"params": [model.head.bias], "weight_decay": 0.0, "lr": train.head_learning_rate},
    ]


class FineTuned:
    """A tuned classifier.

    history   one entry an epoch: epoch, loss; with early stopping held_back_loss and held_back_accuracy too
    """

    def __init__(self, model: Classifier, pretrained: encoder.Encoder, embed: Any, machine: Any):
        self.model, self.pretrained, self.embed, self.machine = model, pretrained, embed, machine
        self.history: list[dict] = []

    def probabilities(self, inputs: Texts, title: str) -> np.ndarray:
        """float32 [rows, classes], each row summing to 1."""
        return self._of_each(lambda model, ids: model(ids).softmax(1), inputs, self.model.head.out_features, title)

    def features(self, inputs: Texts, title: str) -> np.ndarray:
        """float32 [rows, width]: what the head works on, the tuned encoder's vectors."""
        return self._of_each(lambda model, ids: model.encoder(ids), inputs, self.model.head.in_features, title)

    @property
    def body(self) -> encoder.Encoder:
        """The tuned encoder."""
        return self.model.encoder

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes])"""
        weights, bias = self.model.head.weight, self.model.head.bias
        return weights.detach().float().cpu().numpy(), bias.detach().float().cpu().numpy()

    def on_held_back(self, inputs: Texts, labels: np.ndarray) -> dict:
        """Cross-entropy in nats and accuracy on rows held back from training, labels int64 [rows]."""
        probabilities = self.probabilities(inputs, "")
        sure = np.maximum(probabilities[np.arange(len(labels)), labels], np.finfo(np.float32).tiny)
        return {
            "held_back_loss": round(float(-np.log(sure).mean()), 6),
            "held_back_accuracy": round(float((probabilities.argmax(1) == labels).mean()), 6),
        }

    def _of_each(self, function: Callable, inputs: Texts, width: int, title: str) -> np.ndarray:
        """float32 [rows, width] by `function(model, ids)`, in the dtype of the settings."""
        model = copy.deepcopy(self.model).to(encoder.device()).eval()
        model.encoder.to(encoder.dtype_of(self.embed.dtype))
        work = shards.Work(model, function, width, np.float32, self.machine.batch_tokens)
        return shards.map_rows(work, inputs.tokens, self.machine, title)

    def save(self, folder: Path) -> None:
        head = self.model.head
        saved_encoder.save(folder, KIND, head.out_features, self.pretrained, self.model.encoder, head.state_dict())


def load(folder: Path, embed: Any, machine: Any) -> FineTuned:
    """Raises Refused as saved_encoder.load does, and where the head is not one of so many classes on this encoder."""
    pretrained, body, classes, head = saved_encoder.load(folder, embed)
    forms = {"weight": f"float32 [{classes}, {body.width}]", "bias": f"float32 [{classes}]"}
    tensor_files.check_forms(folder / paths.WEIGHTS, head, forms)
    model = Classifier(body, classes)
    model.head.load_state_dict(head)
    return FineTuned(model.eval(), pretrained, embed, machine)
