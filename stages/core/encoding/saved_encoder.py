"""A model with a tuned encoder on disk: the head, and those weights of the encoder that tuning changed."""

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from stages.core.base import artifacts, paths, tensor_files
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files

ENCODER, HEAD = "encoder.", "head."  # prefixes of tensor names


def save(
    folder: Path, kind: str, classes: int, pretrained: encoder.Encoder, tuned: encoder.Encoder, head: dict[str, torch.Tensor]
) -> None:
    """Write model.safetensors and classifier.json; `kind` is the trainer's name."""
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
    artifacts.save_json(folder / paths.CLASSIFIER, about)


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
