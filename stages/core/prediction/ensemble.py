"""The trained models asked of texts: one, or the mean of those of all seeds, calibrated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import learners
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files, pointer, shards
from stages.core.encoding.tokens import Texts
from stages.core.prediction import calibration, record
from stages.core.prediction.record import Record

CHUNKS = 16  # of new rows that are asked about at once where other processes share in them


class Vectors:
    """The pipeline's encoder, kept as embed has it, for models that work on its vectors."""

    def __init__(self, embed: Any, machine: Any):
        self.machine = machine
        self.model = encoder.of_pipeline(embed).eval().to(encoder.device(), encoder.dtype_of(embed.dtype))

    def of(self, texts: list[str], title: str) -> np.ndarray:
        """float [texts, ...], equal to the rows that embed would write."""
        work = shards.Work(self.model, encoder.Encoder.vectors, self.model.form, self.model.kept_as, self.machine.batch_tokens)
        return shards.of_each(work, self.model.tokenise(texts), self.machine, title)


class Ensemble:
    """Models of one learner. They are told apart by what they work on: those with an encoder of their own take texts.

    members   one or more
    about     what data/model says of them
    """

    def __init__(self, members: list[learners.Model], about: Record, embed: Any, machine: Any):
        self.members, self.about = members, about
        self.pretrained = getattr(members[0], "pretrained", None)
        self.vectors = None if self.pretrained else Vectors(embed, machine)
        self.chunks_at_once = 1 if machine.engine == "local" else CHUNKS
        for member in members if self.pretrained else ():
            member.pretrained = self.pretrained  # all have the same: kept once in memory

    @property
    def encoder(self) -> encoder.Encoder:
        """The pipeline's own encoder, which the members' were made from or work on."""
        return self.vectors.model if self.vectors else self.pretrained

    def probabilities(self, texts: Sequence[str], title: str = "") -> np.ndarray:
        """float32 [texts, classes], each row summing to 1.

        title   of the bars; none are shown without
        """
        if not len(texts):
            return np.empty((0, len(self.about.classes)), np.float32)
        # As cleaning.normalised does with the pool.
        texts = [text.lower().strip() for text in texts] if self.about.normalise else list(texts)
        inputs = self.vectors.of(texts, title) if self.vectors else Texts(texts, self.pretrained.tokenise)
        mean = np.mean([member.probabilities(inputs, title) for member in self.members], axis=0, dtype=np.float64)
        return calibration.scaled(mean.astype(np.float32), self.about.temperature)


def load(about: Record, embed: Any, machine: Any) -> Ensemble:
    """The members that data/model names, with the encoder of this project; paths are relative to it.

    Raises Refused where the encoder or a member is another than it was, or not whole.
    """
    name = pointer.chosen(embed.model)
    if model_files.fingerprint(name) != about.encoder_sha256:
        raise Refused(
            f"{record.FOLDER} belongs to another encoder than {name}, which is here now; run `dvc repro` to train for this one"
        )
    record.refuse_other(about)
    return Ensemble([learners.load_model(Path(folder), embed, machine) for folder in about.members], about, embed, machine)
