"""The trainers by name, and their models from disk. Torch is loaded only by the trainer that needs it.

A trainer has `inputs(texts, embeddings)`, rows in the form it works on, and `fit(inputs, labels, seed, title, start)`, which
gives a model with `probabilities(inputs, title)` -> float32 [rows, classes], `features(inputs, title)` -> float32 [rows,
width] (what its last layer works on) and `save(folder)`.
"""

from pathlib import Path
from typing import Any

from stages.core import artifacts
from stages.core.errors import Refused, choices


def trainer(train: Any, embed: Any, classes: int) -> Any:
    """The trainer named in params train.trainer; torch is loaded only by the one that needs it."""
    if train.trainer == "probe":
        from stages.core.probe import Probe

        return Probe(train, embed, classes)
    if train.trainer == "contrastive":
        from stages.core.contrastive import Contrastive

        return Contrastive(train, embed, classes)
    from stages.core.finetune import FineTune

    return FineTune(train, embed, classes)


def load_model(folder: Path, embed: Any) -> Any:
    """A model that a train stage saved, asked with what its trainer's `inputs` gives.

    Raises Refused where its files are not whole, or not of the pipeline's encoder.
    """
    path = folder / artifacts.CLASSIFIER
    trainer = artifacts.load_record(path, trainer=str)["trainer"]
    if trainer == "probe":
        from stages.core.probe import ProbeModel

        return ProbeModel.load(folder, embed)
    if trainer == "contrastive":
        from stages.core.contrastive import ContrastiveModel

        return ContrastiveModel.load(folder, embed)
    if trainer == "finetune":
        from stages.core.finetune import FineTuned

        return FineTuned.load(folder, embed)
    possible = ("finetune", "probe", "contrastive")
    raise Refused(f"{path}: trainer = {trainer}: no such trainer; {choices(trainer, possible)}; {artifacts.MEND}")
