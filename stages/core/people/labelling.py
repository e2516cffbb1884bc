"""Where labelling stands now: what was asked, what was answered, and what a person does next.

All is read from labels/, as it is at this moment, and from what prepare made of the texts; not from what the last `dvc repro`
saw of labels/. The commands ask, answers, find and waiting, and the page, stand on this.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from stages.core.base import artifacts, keys, params, paths
from stages.core.base.errors import Refused, choices, short
from stages.core.people.records import asked, conflicts, journal
from stages.core.people.records.journal import Answer
from stages.core.rows import rounds
from stages.core.settings import rules

Run = Callable[[str], None]


@dataclass(frozen=True)
class Text:
    """A text that can be asked for.

    row      of pool.jsonl, or of holdout.jsonl where `held`
    source   the label that it has in the data, or None
    """

    key: str
    text: str
    group: str
    row: int
    held: bool
    source: str | None


class Labelling:
    """What is read in data/ is read once; what is read in labels/ each time it is asked for, since others write there."""

    def __init__(self) -> None:
        self.settings = rules.checked(params.load())
        if self.settings.labels.source != "people":
            raise Refused(
                "params.yaml: labels.from = dataset: the labels stand in the data, and nobody is asked; "
                "set it to people, as make repro WITH=params/people.yaml does"
            )
        self.stages = rounds.in_order(self.settings.rounds)
        self.rename = self.settings.labels.rename

    @cached_property
    def classes(self) -> list[str]:
        return artifacts.load_json(paths.CLASSES)

    @cached_property
    def texts(self) -> dict[str, Text]:
        """By key, those of the holdout first."""
        found = {}
        sides = (
            (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS, True),
            (paths.POOL, paths.SOURCE_LABELS, False),
        )
        for path, labels, held in sides:
            numbers = artifacts.load(labels, np.int64, (None,), within=(-1, len(self.classes)))
            for row, (line, number) in enumerate(zip(artifacts.load_jsonl(path), numbers, strict=True)):
                key, source = keys.key(line["text"]), self.classes[number] if number >= 0 else None
                found.setdefault(key, Text(key, line["text"], line.get("group") or "", row, held, source))
        return found

    @property
    def guide(self) -> str:
        """The guidelines, Markdown; nothing where there are none. Raises Refused where their file cannot be read."""
        file = self.settings.labels.guide
        try:
            return "" if file == "none" else Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Refused(f"params.yaml: labels.guide = {file}: {short(error)}; name a text file in UTF-8, or none") from None

    @cached_property
    def buckets(self) -> np.ndarray:
        """int32 [pool]"""
        return artifacts.load_clusters()

    def text(self, key: str) -> Text:
        """Raises Refused for a key of no text."""
        if key not in self.texts:
            raise Refused(f"key = {key[:60]}: no text of the data set; possible: those of labels/*.csv")
        return self.texts[key]

    def predicted(self, name: str) -> np.ndarray | None:
        """int16 [seeds, pool]: what the models before a round predict; None where none has spoken of it, or it is made anew."""
        if name not in self.stages:
            return None
        try:
            return rounds.load_predicted(name, self.settings.seeds, len(self.key_of_row()), len(self.classes))
        except Refused:
            return None

    def guess(self, predicted: np.ndarray | None, text: Text) -> str | None:
        """The class that most seeds' models predict, of what `predicted` gave; none of a row that measures the model."""
        if predicted is None or text.held:
            return None
        said = Counter(int(number) for number in predicted[:, text.row] if number != rounds.NOT_PREDICTED)
        return self.classes[said.most_common(1)[0][0]] if said else None

    @property
    def names(self) -> list[str]:
        """All that can be asked for, in the order in which it is."""
        random = [asked.RANDOM] if self.settings.random_at else []
        return [asked.HOLDOUT, *self.stages, *random]

    def keys_of(self, name: str) -> list[str]:
        """Keys of a round, of the texts that are there."""
        return [key for key in asked.keys(name) if key in self.texts]

    def resolved(self) -> conflicts.Resolved:
        """What people say now; of what they do not, the source."""
        given = {who: journal.current(journal.history(who)) for who in journal.annotators()}
        found = conflicts.resolve(given, self.classes, self.rename, self.texts)
        source = {key: text.source for key, text in self.texts.items() if text.source and key not in found.conflicts}
        return conflicts.Resolved(source | found.labels, found.conflicts, found.said)

    def open_keys(self, name: str, found: conflicts.Resolved | None = None) -> list[str]:
        """Keys of a round that nobody has answered, in order."""
        found = found or self.resolved()
        return [key for key in self.keys_of(name) if key not in found.labels and key not in found.conflicts]

    def progress(self, name: str) -> tuple[int, int]:
        """(answered, asked for) of a round; what cannot be said, and what is disputed, is answered too."""
        return len(self.keys_of(name)) - len(self.open_keys(name)), len(self.keys_of(name))

    def open_round(self) -> str | None:
        """The first round that waits for an answer; None where none does."""
        found = self.resolved()
        return next((name for name in self.names if self.open_keys(name, found)), None)

    def next_open(self, name: str | None = None, who: str | None = None) -> Text | None:
        """The next text to be answered, of a round or of the first that waits; None where all of it is answered.

        who   an annotator who answers what others have answered too: the first text that this one has not
        """
        name = name or self.open_round()
        if name is None:
            return None
        if who is None:
            left = self.open_keys(name)
        else:
            mine = journal.current(journal.history(who))
            left = [key for key in self.keys_of(name) if key not in mine]
        return self.texts[left[0]] if left else None

    def answer(self, who: str, key: str, label: str) -> None:
        """Write one answer: a class, journal.CANNOT_SAY, or nothing, which takes the last one back. It is on disk on return.

        Raises Refused for a key that was never asked for, and for a label that is no class.
        """
        self.text(key)
        if label:
            conflicts.refuse_unknown(label, self.classes, f"WHO={who}, {key}")
        journal.append(who, [(key, label)])

    def history(self, who: str) -> list[tuple[Answer, Text | None]]:
        """What an annotator answered, oldest first, with the texts, where they are there still."""
        return [(answer, self.texts.get(answer.key)) for answer in journal.history(who)]

    def rows(self, some: Iterable[str], found: str = "") -> list[asked.Row]:
        """Keys as rows of a round's file."""
        keep = self.settings.labels.keep_text
        rows = []
        for key in some:
            text = self.texts[key]
            bucket = "" if text.held else str(self.buckets[text.row])
            rows.append(asked.Row(key, text.text if keep else "", text.group if keep else "", bucket, found))
        return rows

    def key_of_row(self) -> list[str]:
        """Key of every row of the pool."""
        return [key for key, text in self.texts.items() if not text.held]

    def refuse_unless_named(self, name: str) -> str:
        if name not in self.names:
            raise Refused(f"STAGE={name}: no such round; {choices(name, self.names)}")
        return name


def selects(stage: str) -> str:
    """The DVC stage that proposes a round's rows."""
    return "select_stage1" if stage == rounds.FIRST else f"select_stageN@{stage}"
