"""Tune an encoder on pairs of texts with the trainer and losses of sentence-transformers.

The encoder itself is the pipeline's: it is loaded, cut and pooled as everywhere else.
"""

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback

from stages.core.base import bars
from stages.core.base.errors import Refused
from stages.core.encoding import encoder

try:
    from accelerate.utils.memory import find_executable_batch_size, should_reduce_batch_size
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.base.modules import InputModule
    from sentence_transformers.sentence_transformer import losses
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator
except ImportError as error:
    raise Refused(f"tuning an encoder needs a package that is missing ({error}); pip install -r requirements-tune.txt") from None

WEIGHT_DECAY = 0.01  # as in the authors' code of both Sentence-BERT and SetFit
# For the softmax over (u, v, |u - v|), which starts from random weights. At the encoder's own rate, as in Sentence-BERT, it needs
# tens of thousands of steps; until then the encoder adapts to a random head and forgets what it knew.
HEAD_LEARNING_RATE = 1e-3
POINTS = 50  # of the loss curve, roughly
EVALUATION_ROWS = 64  # texts in a batch
TOO_LONG = "out of memory on a single pair of texts; lower embed.max_tokens, or free memory"


class Body(InputModule):
    """An Encoder as a module that sentence-transformers can train."""

    def __init__(self, body: encoder.Encoder):
        super().__init__()
        self.encoder = body

    def preprocess(self, inputs: list[str], prompt: None = None, **_) -> dict[str, torch.Tensor]:
        tokens = self.encoder.tokenise(inputs)
        ids, real = tokens.padded(np.arange(len(tokens)), self.encoder.pad)
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(real)}

    def forward(self, features: dict[str, torch.Tensor], **_) -> dict[str, torch.Tensor]:
        """Adds sentence_embedding, float32 [rows, width]."""
        return features | {"sentence_embedding": self.encoder(features["input_ids"], features["attention_mask"])}

    def get_embedding_dimension(self) -> int:
        return self.encoder.width

    def save(self, *_, **__) -> None:
        raise NotImplementedError("the stages save encoders, as safetensors")


def nli_loss(model: SentenceTransformer) -> torch.nn.Module:
    """Cross-entropy of a softmax over (u, v, |u - v|) with three classes (Reimers & Gurevych 2019, section 3)."""
    return losses.SoftmaxLoss(model, model.get_embedding_dimension(), num_labels=3)


cosine_loss = losses.CosineSimilarityLoss  # squared distance of cos(u, v) to the score (also section 3)


@dataclass(frozen=True)
class Tuned:
    encoder: encoder.Encoder  # float32, on the CPU, in evaluation mode
    losses: list[dict]  # step and loss, the mean since the previous point
    rows_at_once: int  # pairs that pass through the encoder together
    accumulation: int  # such parts in one step


def tune(
    pretrained: encoder.Encoder,
    pairs: dict[str, list],
    objective: Callable[[SentenceTransformer], torch.nn.Module],
    how: Any,
    title: str,
) -> Tuned:
    """A tuned copy of `pretrained`.

    pairs   left, right: texts; label: float scores in [0, 1] or int classes, as the objective wants them
    how     params finetune_encoder: its part about training; where memory is short, fewer than .pairs_at_once pairs pass at once

    Raises Refused where memory does not hold a single pair.
    """
    sizes = [rows for rows in range(1, min(how.pairs_at_once, how.batch_rows) + 1) if how.batch_rows % rows == 0]
    mixed = encoder.dtype_of(how.dtype) == torch.bfloat16
    steps = how.epochs * -(-len(pairs["label"]) // how.batch_rows)
    longest = [max(pairs[side], key=len) for side in ("left", "right")]

    def trial(rows: int) -> None:
        model = _for_training(pretrained)
        batch = [{key: value.to(model.device) for key, value in model.preprocess([text] * rows).items()} for text in longest]
        with torch.autocast(model.device.type, torch.bfloat16, enabled=mixed):
            objective(model)(batch, torch.tensor(pairs["label"][:1] * rows, device=model.device)).backward()

    def attempt(rows: int) -> Tuned:
        torch.manual_seed(how.seed)
        with tempfile.TemporaryDirectory() as scratch:
            model = _for_training(pretrained)
            loss = objective(model)
            arguments = SentenceTransformerTrainingArguments(
                output_dir=scratch,
                per_device_train_batch_size=rows,
                gradient_accumulation_steps=how.batch_rows // rows,
                num_train_epochs=how.epochs,
                learning_rate=how.learning_rate,
                learning_rate_mapping={r"^classifier\.": HEAD_LEARNING_RATE} if hasattr(loss, "classifier") else {},
                warmup_steps=int(how.warmup_share * steps),
                weight_decay=WEIGHT_DECAY,
                optim="adamw_torch_fused",
                bf16=mixed,
                seed=how.seed,
                use_cpu=model.device.type == "cpu",
                dataloader_pin_memory=model.device.type != "cpu",
                logging_steps=max(1, steps // POINTS),
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
            )
            trainer = Trainer(model, arguments, Dataset.from_dict(pairs), loss=loss, callbacks=[Progress(title)])
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        curve = [{"step": entry["step"], "loss": round(entry["loss"], 6)} for entry in trainer.state.log_history if "loss" in entry]
        return Tuned(model[0].encoder.cpu().eval(), curve, rows, how.batch_rows // rows)

    def fewer() -> int:
        sizes.pop()
        print(f"{title}: out of memory in training; starting again with fewer pairs at once, a step is unchanged")
        return sizes[-1] if sizes else 0

    # Dropout and the new head draw from torch's global generator, which is restored afterwards.
    with torch.random.fork_rng():
        sizes = fitting(trial, sizes)
        try:
            return find_executable_batch_size(attempt, sizes[-1], fewer)()
        except RuntimeError as error:
            if sizes:
                raise
            raise Refused(TOO_LONG) from error


def fitting(trial: Callable[[int], None], sizes: list[int]) -> list[int]:
    """Those of the rising `sizes` that `trial` completes before memory runs out.

    Raises Refused where it does not complete the first. Systems that overcommit kill the process: there pairs_at_once helps.
    """
    for tried, rows in enumerate(sizes):
        try:
            trial(rows)
        except Exception as error:
            if not should_reduce_batch_size(error):
                raise
            print(f"out of memory with {rows} pairs at once: fewer make up a step, in several parts")
            if not tried:
                raise Refused(TOO_LONG) from None
            return sizes[:tried]
    return sizes


def _for_training(pretrained: encoder.Encoder) -> SentenceTransformer:
    return SentenceTransformer(modules=[Body(copy.deepcopy(pretrained))], device=str(encoder.device())).train()


def spearman(body: encoder.Encoder, pairs: dict[str, list]) -> float:
    """Rank correlation of the pairs' cosines with their labels."""
    evaluator = EmbeddingSimilarityEvaluator(
        pairs["left"], pairs["right"], pairs["label"], EVALUATION_ROWS, main_similarity="cosine", write_csv=False
    )
    model = SentenceTransformer(modules=[Body(body)], device=str(encoder.device()))
    return round(evaluator(model)[evaluator.primary_metric], 6)


class Trainer(SentenceTransformerTrainer):
    """The trainer without a model card, which would read all data once more."""

    def add_model_card_callback(self, default_args_dict: dict) -> None:
        pass


class Progress(TrainerCallback):
    """The progress bar of the other stages. The trainer's own prints its log in between."""

    def __init__(self, title: str):
        self.title = title

    def on_train_begin(self, args, state, control, **_) -> None:
        self.bar = bars.bar(self.title, state.max_steps, "steps")

    def on_step_end(self, args, state, control, **_) -> None:
        self.bar.update()

    def on_train_end(self, args, state, control, **_) -> None:
        self.bar.close()
