"""Rows of new texts with the model's predictions, chunk by chunk."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from stages.core import task
from stages.core.base import memory
from stages.core.base.label_codes import OPEN
from stages.core.new_texts.checkpoint import Checkpoint, record_type
from stages.core.new_texts.reading import Chunk, Row
from stages.core.new_texts.writing import added
from stages.core.prediction import scripts
from stages.core.prediction.ensemble import Ensemble

SAMPLE = 1_000  # texts in which unknown tokens are counted
STRANGE = 0.5  # share of the tokens


@dataclass
class Predicting:
    models: Ensemble
    abstain: float  # rows of a lower probability stay open
    each: bool  # whether a row gets the probability of every class, or one alone
    done: int = 0  # rows
    counts: Counter = field(default_factory=Counter)  # rows given each class, or NONE; None: left open; "": without a text

    @property
    def classes(self) -> list[str]:
        return self.models.about.names

    @property
    def record_type(self) -> np.dtype:
        """Of what is kept of each row."""
        return record_type(self.models.about.kind.none((0,), len(self.classes)), len(self.classes) if self.each else 1)

    def rows(self, chunks: Iterator[Chunk], checkpoint: Checkpoint | None = None) -> Iterator[list[Row]]:
        """The rows of the chunks with their labels. Predictions come from the checkpoint where it has them, and are added to it."""
        new: list[Chunk] = []
        for rows, texts in chunks:
            predictions = checkpoint.take(len(rows)) if checkpoint else None
            if predictions is None:
                new.append((rows, texts))
                if len(new) == self.models.chunks_at_once:
                    yield from self._predicted(new, checkpoint)
                    new = []
            else:
                yield self.labelled(rows, predictions)
        if new:
            yield from self._predicted(new, checkpoint)

    def _predicted(self, chunks: list[Chunk], checkpoint: Checkpoint | None) -> Iterator[list[Row]]:
        """All chunks go to the models at once, so that many processes can share the work."""
        predictions = self.predict([text for _, texts in chunks for text in texts])
        start = 0
        for rows, _ in chunks:
            part = predictions[start : start + len(rows)]
            start += len(rows)
            if checkpoint:
                checkpoint.add(part)
            yield self.labelled(rows, part)
        memory.trim()

    def predict(self, texts: list[str]) -> np.ndarray:
        """Records as in Checkpoint, one a text."""
        predictions, kind = np.zeros(len(texts), self.record_type), self.models.about.kind
        probabilities = self.models.probabilities(texts)
        predictions["label"] = kind.predicted(probabilities)
        predictions["label"][np.isnan(probabilities[:, 0])] = OPEN
        predictions["probability"] = probabilities if self.each else task.sureness(kind, probabilities, np.min)[:, None]
        return predictions

    def labelled(self, rows: list[Row], predictions: np.ndarray) -> list[Row]:
        """Rows with the columns of writing.added. predictions: records, one a row."""
        names, made, kind, kept = added(self.classes, self.each), [], self.models.about.kind, predictions["probability"]
        sure = task.sureness(kind, kept, np.min) if self.each else kept[:, 0]
        for row, label, best, probabilities in zip(rows, kind.named(predictions["label"], self.classes), sure, kept):
            given, values = [""], [None] * len(names)
            if label is not None:
                name = kind.written(label) if best >= np.float32(self.abstain) else None
                values = [name, *(round(float(value), 6) for value in (best, *(probabilities if self.each else ())))]
                given = [None] if name is None else task.names(label) or [name]
            self.counts.update(given)
            made.append(row | dict(zip(names, values)))
        self.done += len(rows)
        return made

    def warning(self, texts: list[str]) -> str | None:
        """One line if these texts are in another script than the pool, or if the tokenizer does not know most of their tokens."""
        if strange := scripts.warning(texts, self.models.about.scripts):
            return strange
        encoder = self.models.encoder
        texts = [text for text in texts[:SAMPLE] if text.strip()]
        unknown = encoder.unknown_share(encoder.tokenise(texts)) if texts else 0
        if unknown <= STRANGE:
            return None
        return f"the tokenizer of {encoder.shown} does not know {unknown:.0%} of the tokens of these texts: do not trust the labels"
