"""Rows of new texts with what the model says of them, chunk by chunk."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stages.core.base import memory
from stages.core.new_texts.checkpoint import NO_TEXT, Checkpoint
from stages.core.new_texts.reading import Row
from stages.core.new_texts.writing import added
from stages.core.prediction import scripts
from stages.core.prediction.ensemble import Ensemble

LOOKED_AT = 1_000  # texts, for what share of them the tokenizer does not know
STRANGE = 0.5  # share of the tokens


@dataclass
class Predicting:
    """
    models    what is asked
    abstain   rows whose best class has a lower probability are left open
    each      whether every class's probability stands in a row, or that of the best alone
    found     how many rows were given each class; None: left open; "": without a text
    """

    models: Ensemble
    abstain: float
    each: bool
    found: Counter = field(default_factory=Counter)

    @property
    def classes(self) -> list[str]:
        return self.models.about.classes

    @property
    def kept(self) -> int:
        """Probabilities that are kept of a row."""
        return len(self.classes) if self.each else 1

    def rows(self, chunks: Iterator[tuple[list[Row], list[str]]], journal: Checkpoint | None = None) -> Iterator[list[Row]]:
        """The same chunks, their rows labelled; what stands in the journal is not asked for again, what is new is added to it."""
        new: list[tuple[list[Row], list[str]]] = []
        for rows, texts in chunks:
            said = journal.take(len(rows)) if journal else None
            if said is None:
                new.append((rows, texts))
                if len(new) == self.models.chunks_at_once:
                    yield from self.asked(new, journal)
                    new = []
            else:
                yield self.labelled(rows, said)
        if new:
            yield from self.asked(new, journal)

    def asked(self, chunks: list[tuple[list[Row], list[str]]], journal: Checkpoint | None) -> Iterator[list[Row]]:
        """The models are asked about all of the chunks at once, so that many processes may share in them."""
        said = self.say([text for _, texts in chunks for text in texts])
        start = 0
        for rows, _ in chunks:
            part = said[start : start + len(rows)]
            start += len(rows)
            if journal:
                journal.add(part)
            yield self.labelled(rows, part)
        memory.give_back()

    def say(self, texts: list[str]) -> np.ndarray:
        """Records as in Checkpoint, one a text; a text of blanks alone is not asked about."""
        said = np.zeros(len(texts), np.dtype([("label", "<i4"), ("probability", "<f4", (self.kept,))]))
        said["label"] = NO_TEXT
        filled = [row for row, text in enumerate(texts) if text.strip()]
        if filled:
            probabilities = self.models.probabilities([texts[row] for row in filled])
            said["label"][filled] = probabilities.argmax(1)
            said["probability"][filled] = probabilities if self.each else probabilities.max(1, keepdims=True)
        return said

    def labelled(self, rows: list[Row], said: np.ndarray) -> list[Row]:
        """Rows with the columns of writing.added. said   records, one a row."""
        best = said["probability"].max(1)
        sure = best >= np.float32(self.abstain)
        names, made = added(self.classes, self.each), []
        for row, label, top, is_sure, each in zip(rows, said["label"].tolist(), best, sure, said["probability"]):
            if label == NO_TEXT:
                values: list[Any] = [None] * len(names)
                self.found[""] += 1
            else:
                name = self.classes[label] if is_sure else None
                values = [name, *(round(float(value), 6) for value in (top, *(each if self.each else ())))]
                self.found[name] += 1
            made.append(row | dict(zip(names, values)))
        return made

    def warning(self, texts: list[str]) -> str | None:
        """One line where these texts are in another script than the pool, or where the tokenizer does not know most of them."""
        if strange := scripts.warning(texts, self.models.about.scripts):
            return strange
        model = self.models.encoder
        texts = [text for text in texts[:LOOKED_AT] if text.strip()]
        unknown = model.unknown_share(model.tokenise(texts)) if texts else 0
        if unknown <= STRANGE:
            return None
        return (
            f"the tokenizer of {model.shown} does not know {unknown:.0%} of the tokens of these texts: do not believe their labels"
        )
