"""trainer: finetune. Tunes the encoder and a linear head together, from the pretrained weights."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.core import task
from stages.core.base import artifacts, bars, paths, seeding, tensor_files
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, saved_encoder
from stages.core.encoding.optimiser import Optimiser
from stages.core.encoding.tokens import Texts, Tokens, training_batches
from stages.core.space import logistic, sigmoids
from stages.core.space.sampling import open_rows

KIND = "finetune"
GOLDEN = (5**0.5 - 1) / 2


class Classifier(torch.nn.Module):
    """Encoder, dropout and linear head. The head computes in float32, whatever the encoder's dtype."""

    def __init__(self, body: encoder.Encoder, classes: int):
        super().__init__()
        self.encoder = body
        self.dropout = torch.nn.Dropout(0.1)  # BERT's own rate for classification (Devlin et al. 2019, appendix A.3)
        self.head = torch.nn.Linear(body.width, classes)
        torch.nn.init.zeros_(self.head.weight)  # every class equally likely at the start, whatever the seed
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, ids: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """Logits, float32 [rows, classes]; arguments as of Encoder.forward."""
        vectors = self.encoder(ids, real)
        with torch.autocast(ids.device.type, enabled=False):
            return self.head(self.dropout(vectors))


class Learner(saved_encoder.TextLearner):
    """Learns a FineTuned from texts."""

    def fit(
        self, pool: Texts, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, start: Any = None, closed: Any = ()
    ) -> "FineTuned":
        """As in learners.Learner; the labelled rows come oldest first.

        By default all classes weigh the same in the loss, or the model would hardly predict a rare one (train.class_weight). AdamW
        with linear warm-up and decay. Epochs repeat until min_steps is reached: too few steps on few rows look like bad selection
        (Mosbach et al. 2021, section 5). Early stopping holds a share of the rows back from training, and keeps the weights of the
        epoch with the least loss on them. Raises Refused where there are too few rows to hold any back.
        """
        device, inputs = encoder.device(), pool[labelled]
        train, rng, tokens = self.train, np.random.default_rng(seed), inputs.tokens
        rows, held_back = _held_back(tokens, train.early_stopping, seed)
        model = copy.deepcopy(start.model) if start else Classifier(copy.deepcopy(self.pretrained), self.classes)
        model = model.to(device).train()
        epoch_steps = -(-len(rows) // train.batch_rows)
        steps = max(train.min_steps, train.epochs * epoch_steps)
        optimiser = Optimiser(model.encoder, train, steps, seed, model.head)
        lengths, target = tokens.lengths[rows], torch.from_numpy(labels).to(device)
        weights, kind = np.zeros(labels.shape, np.float32), task.of(labels)
        evened = logistic.row_weights(labels[rows], train.class_weight)
        weights[rows] = 1 if evened is None else evened
        weights = torch.from_numpy(weights).to(device)
        fine_tuned = FineTuned(model, self.pretrained, self.embed, self.machine, kind)
        best, best_loss, since_best, done = None, np.inf, 0, 0
        with bars.bar(title, steps, "steps") as bar:
            while done < steps:
                losses = []
                for batch in training_batches(lengths, train.batch_rows, rng):
                    batch = rows[batch]
                    ids, real = (torch.from_numpy(array).to(device) for array in tokens.padded(batch, model.encoder.pad))
                    with optimiser.training():
                        logits = model(ids, None if real.all() else real)
                    loss = (weights[batch] * kind.loss(logits, target[batch])).mean()
                    optimiser.step(loss)
                    bar.update()
                    losses.append(loss.detach())
                    done += 1
                    if done == steps:
                        break
                epoch = {"epoch": len(fine_tuned.history) + 1, "loss": round(float(torch.stack(losses).mean()), 6)}
                fine_tuned.history.append(epoch)
                if not len(held_back):
                    continue
                epoch |= fine_tuned.on_held_back(inputs[held_back], labels[held_back])
                if epoch["held_back_loss"] < best_loss:
                    best, best_loss, since_best = copy.deepcopy(model.state_dict()), epoch["held_back_loss"], 0
                elif (since_best := since_best + 1) == train.early_stopping.patience:
                    break
        if best is not None:
            model.load_state_dict(best)
        model.eval()
        others = open_rows(len(pool), np.concatenate([labelled, np.array(closed, np.int64)]), kind.rows_to_decide, rng)
        if len(others) > 1:
            decisive = _decisive(fine_tuned.probabilities(pool[others], f"decide {title}"), labels)
            model.head.bias.data -= torch.from_numpy(decisive).to(device)
        return fine_tuned


def _decisive(said: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float32 [classes]: logits that as large a share of open rows reaches as has the class among labelled rows.

    Tuned on a few hundred rows, a model finds far too many classes; it knows the labelled rows too well to find thresholds on them.

    said   float32 [rows, classes]   probabilities of open rows
    """
    logits = task.of(labels).logits(np.clip(said, 1e-6, 1 - 1e-6))
    return sigmoids.threshold(logits, labels.mean(0) * len(said))


def _held_back(tokens: Tokens, early_stopping: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [trained on], int64 [held back]): indices of labelled rows, ascending; none are held back if patience is 0.

    Only its place and the seed decide whether a row is held back. The rows of a stage begin with those of the stage before, so a
    row held back at one stage was never trained on before: train.warm_start needs this. Copies of a row, as in the bootstrap
    samples of a committee, go where the first copy goes.
    """
    rows, share = len(tokens), early_stopping.holdout_share
    if not early_stopping.patience:
        return np.arange(rows), np.arange(0)
    # Multiples of the golden ratio, modulo 1, spread evenly from any start. So the first rows, however many, hold back their share
    # to within a few rows, and the choice does not keep step with buckets of, say, ten rows sorted by score.
    [rng] = seeding.rngs([seed], "held_back")
    chosen = (rng.random() + np.arange(rows) * GOLDEN) % 1 < share
    first = {}
    first_copies = [first.setdefault(ids.tobytes(), row) for row, ids in enumerate(np.split(tokens.ids, tokens.starts[1:-1]))]
    is_held_back = chosen[first_copies]
    if not 0 < is_held_back.sum() < rows:
        raise Refused(
            f"params.yaml: train.early_stopping.holdout_share = {share}: of {rows} labelled rows that is {is_held_back.sum()} with "
            f"seed {seed}, and both sides need one; label more, change the share, or set train.early_stopping.patience to 0"
        )
    return np.flatnonzero(~is_held_back), np.flatnonzero(is_held_back)


class FineTuned(saved_encoder.TunedEncoder):
    """A tuned classifier. `history` has one entry an epoch: epoch, loss; with early stopping held_back_loss, held_back_accuracy."""

    def __init__(self, model: Classifier, pretrained: encoder.Encoder, embed: Any, machine: Any, kind: task.Task = task.SINGLE):
        super().__init__(pretrained, model.encoder, embed, machine)
        self.model, self.kind = model, kind

    def probabilities(self, inputs: Texts, title: str) -> np.ndarray:
        """float32 [rows, classes], as Task.says."""
        said = self.kind.said
        return self.apply(self.model, lambda model, ids: said(model(ids)), inputs, self.model.head.out_features, title)

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [classes, width], bias float32 [classes])"""
        weights, bias = self.model.head.weight, self.model.head.bias
        return weights.detach().float().cpu().numpy(), bias.detach().float().cpu().numpy()

    def on_held_back(self, inputs: Texts, labels: np.ndarray) -> dict:
        """Cross-entropy in nats, and accuracy, on rows held back from training."""
        probabilities = self.probabilities(inputs, "")
        sure = np.maximum(self.kind.likelihood(probabilities, labels), np.finfo(np.float32).tiny)
        return {
            "held_back_loss": round(float(-np.log(sure).mean()), 6),
            "held_back_accuracy": round(float(self.kind.same(self.kind.predicted(probabilities), labels).mean()), 6),
        }

    def save(self, folder: Path) -> None:
        head = self.model.head
        saved_encoder.save(folder, KIND, head.out_features, self.pretrained, self.body, head.state_dict(), **self.kind.about)


def load(folder: Path, embed: Any, machine: Any) -> FineTuned:
    """Raises Refused as saved_encoder.load does, and where the head does not fit the encoder and the number of classes."""
    pretrained, body, classes, head = saved_encoder.load(folder, embed)
    forms = {"weight": f"float32 [{classes}, {body.width}]", "bias": f"float32 [{classes}]"}
    tensor_files.check_forms(folder / paths.WEIGHTS, head, forms)
    model = Classifier(body, classes)
    model.head.load_state_dict(head)
    about = artifacts.load_json(folder / paths.CLASSIFIER)
    return FineTuned(model.eval(), pretrained, embed, machine, task.recorded(about))
