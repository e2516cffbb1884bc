"""The model to use: one trained model, or the mean of the models of all seeds, calibrated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners
from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files, shards
from stages.core.encoding.tokens import Texts
from stages.core.prediction import calibration, record
from stages.core.prediction.record import Record

CHUNKS = 16  # of new rows, predicted at once where other processes share the work


class Ensemble:
    """Models of one learner. Models with an encoder of their own take texts, all others the vectors that stage embed would write.

    members   one or more
    about     the record in data/model
    encoder   the pipeline's own, which the members work on or started from
    """

    def __init__(self, members: list[learners.Model], about: Record, embed: Any, machine: Any):
        self.members, self.about, self.machine = members, about, machine
        self.chunks_at_once = 1 if machine.engine == "local" else CHUNKS
        own = getattr(members[0], "pretrained", None)
        self.works_on_vectors = own is None
        self.encoder = own or encoder.of_pipeline(embed).eval().to(encoder.device(), encoder.dtype_of(embed.dtype))
        for member in members if own else ():
            member.pretrained = own  # it is the same for all: keep it in memory once

    def probabilities(self, texts: Sequence[str], title: str = "") -> np.ndarray:
        """float32 [texts, classes], as Task.says; NaN for a text that is empty or blank, which the models do not see.

        title   of the progress bars; without one there are none
        """
        made = np.full((len(texts), len(self.about.names)), np.nan, np.float32)
        filled = [row for row, text in enumerate(texts) if text.strip()]
        if not filled:
            return made
        model, inputs = self.encoder, Texts([texts[row] for row in filled], self.encoder.tokenise)
        if self.works_on_vectors:
            work = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, model.stored_dtype, self.machine.batch_tokens)
            inputs = shards.map_rows(work, inputs.tokens, self.machine, title)
        mean = np.mean([member.probabilities(inputs, title) for member in self.members], axis=0, dtype=np.float64)
        made[filled] = calibration.scaled(mean.astype(np.float32), self.about.temperature, self.about.kind)
        return made


def load(about: Record, embed: Any, machine: Any) -> Ensemble:
    """The models that data/model names, with this project's encoder; paths are relative to the project.

    Raises Refused if the encoder or a model has changed, or a file of theirs is broken.
    """
    name = model_files.chosen(embed.model)
    if model_files.fingerprint(name) != about.encoder_sha256:
        raise Refused(f"{record.FOLDER} was made with another encoder than {name}, the present one; run `dvc repro` to train anew")
    for folder, recorded in about.members.items():
        if learners.fingerprint(Path(folder)) != recorded:
            raise Refused(f"{folder} has changed since {record.FOLDER / record.RECORD} was written; {artifacts.MEND}")
    return Ensemble([learners.load_model(Path(folder), embed, machine) for folder in about.members], about, embed, machine)
