"""What learners that tune the encoder share. On disk a model is its head, and the encoder's weights that tuning changed."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from stages.core.base import artifacts, paths, tensor_files
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files, parallel, shards
from stages.core.encoding.tokens import Texts

ENCODER, HEAD = "encoder.", "head."  # prefixes of tensor names


class TextLearner:
    """Reads the pretrained encoder once and copies it for every fit. A learner adds `fit`."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.train, self.embed, self.machine, self.classes = train, embed, machine, classes
        self.pretrained = encoder.of_pipeline(embed)

    def read(self, texts: Path, embeddings: Path) -> Texts:
        return Texts(artifacts.texts(texts), lambda some: self.pretrained.tokenise(some, "tokens"))

    def parallel_map(self, fits: int) -> AbstractContextManager[Callable]:
        """As in stages/core/learners."""
        parameters = sum(each.numel() for each in self.pretrained.parameters())
        workers = parallel.models(fits, parameters, encoder.device()) if self.machine.engine == "local" else 1
        return parallel.parallel_map(workers, fits if encoder.device().type == "cpu" else 0)


class TunedEncoder:
    """A tuned encoder `body`. A model adds its head, and to `history` one entry an epoch."""

    def __init__(self, pretrained: encoder.Encoder, body: encoder.Encoder, embed: Any, machine: Any):
        self.pretrained, self.body, self.embed, self.machine = pretrained, body, embed, machine
        self.history: list[dict] = []

    def features(self, inputs: Texts, title: str) -> np.ndarray:
        """float32 [rows, width]: the tuned encoder's vectors."""
        return self.apply(self.body, encoder.Encoder.forward, inputs, self.body.width, title)

    def apply(self, module: torch.nn.Module, function: Callable, inputs: Texts, width: int, title: str) -> np.ndarray:
        """float32 [rows, width]: `function(module, ids)` of every row, the encoder in the dtype of params embed.

        module   an Encoder, or a module that has one as `encoder`
        """
        module = copy.deepcopy(module).to(encoder.device()).eval()
        getattr(module, "encoder", module).to(encoder.dtype_of(self.embed.dtype))
        work = shards.Work(module, function, width, np.float32, self.machine.batch_tokens)
        return shards.map_rows(work, inputs.tokens, self.machine, title)


def save(
    folder: Path, kind: str, classes: int, pretrained: encoder.Encoder, tuned: encoder.Encoder, head: dict[str, torch.Tensor],
    **more: Any,
) -> None:  # fmt: skip
    """Write model.safetensors and classifier.json; `kind` is the trainer's name, `more` goes into classifier.json."""
    before = pretrained.state_dict()
    after = {name: tensor.cpu() for name, tensor in tuned.state_dict().items()}
    tensors = {ENCODER + name: tensor for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    tensors |= {HEAD + name: tensor.cpu() for name, tensor in head.items()}
    tensor_files.save(folder / paths.WEIGHTS, tensors, save_file)
    about = {
        "trainer": kind,
        "classes": classes,
        "model": pretrained.name,
        "model_sha256": model_files.fingerprint(pretrained.name),
        "as_pretrained": [name for name in after if ENCODER + name not in tensors],
    }
    artifacts.save_json(folder / paths.CLASSIFIER, about | more)


def load(folder: Path, embed: Any) -> tuple[encoder.Encoder, encoder.Encoder, int, dict[str, torch.Tensor]]:
    """(pretrained encoder, tuned encoder, number of classes, tensors of the head).

    Raises Refused where the pipeline now has another encoder than the one that was tuned, or where a tensor of the encoder
    is missing, unknown or of another shape. The caller checks the tensors of the head.
    """
    about = artifacts.load_record(folder / paths.CLASSIFIER, model=str, classes=int, model_sha256=str, as_pretrained=list)
    pretrained = encoder.of_pipeline(embed)
    if model_files.fingerprint(pretrained.name) != about["model_sha256"]:
        raise Refused(f"{folder} was tuned from {about['model']}, not from the {pretrained.name} found here; {artifacts.MEND}")
    tensors = tensor_files.load(folder / paths.WEIGHTS, load_file)
    before = pretrained.state_dict()
    forms = {ENCODER + name: tensor_files.form(tensor) for name, tensor in before.items() if name not in about["as_pretrained"]}
    body = {name: tensor for name, tensor in tensors.items() if not name.startswith(HEAD)}
    tensor_files.check_forms(folder / paths.WEIGHTS, body, forms)
    tuned = copy.deepcopy(pretrained)
    tuned.load_state_dict(before | _without_prefix(ENCODER, body))
    return pretrained, tuned, about["classes"], _without_prefix(HEAD, tensors)


def _without_prefix(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
