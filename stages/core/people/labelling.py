"""The state of labelling at this moment: what was asked, and what was answered.

It is read from labels/ and from what prepare made of the texts, not from what the last `dvc repro` saw.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np

from stages.core import task
from stages.core.base import artifacts, keys, label_codes, params, paths
from stages.core.base.errors import Refused, short
from stages.core.encoding import vectors
from stages.core.people import program_guesses
from stages.core.people.alike import Alike
from stages.core.people.records import asked, conflicts, journal, second_copy
from stages.core.rows import rounds
from stages.core.settings import rules


@dataclass(frozen=True)
class Text:
    """A text of the pool or the holdout."""

    key: str
    text: str
    group: str
    row: int  # its line in pool.jsonl, or in holdout.jsonl if `in_holdout`
    in_holdout: bool
    source: str | None  # its label in the data set, as people write it


def begin() -> "Labelling":
    """The state at the start of a command, which first restores lost answers."""
    state = Labelling()
    for note in second_copy.restore(state.knows if paths.CLASSES.exists() else None):
        print(note)
    return state


class Labelling:
    """Reads files of data/ once, and those of labels/ each time, because others write there."""

    def __init__(self) -> None:
        self.settings = rules.checked(params.load())
        if self.settings.labels.source != "people":
            raise Refused(
                "params.yaml: labels.from = dataset: the data set has the labels, and nobody is asked; set it to people, as "
                "make repro WITH=params/people.yaml does"
            )
        self.stages = rounds.in_order(self.settings.rounds)
        self.rename = self.settings.labels.rename
        self._read: dict[str, journal.Lines] = {}  # annotator -> what of their file is in the next two
        self._given: dict[str, dict[str, journal.Answer]] = {}
        self._resolved: conflicts.Resolved | None = None

    @cached_property
    def classes(self) -> list[str]:
        return task.classes()

    @cached_property
    def kind(self) -> task.Task:
        return task.load()

    def knows(self, label: str) -> bool:
        """Whether an answer may say so: classes, by their former names too, CANNOT_SAY, or nothing."""
        return {*self.classes, *self.rename, journal.CANNOT_SAY}.issuperset(task.names(self.kind.read(label)))

    def present(self, label: str) -> str:
        """A label as people write it, with the current names of its classes."""
        return conflicts.present(label, self.rename, self.kind)

    def shared(self, labels: Iterable[str]) -> tuple[set, set]:
        """As Task.shared, of labels as people write them; CANNOT_SAY has no say."""
        return self.kind.shared([self.kind.read(label) for label in labels if label != journal.CANNOT_SAY])

    @cached_property
    def texts(self) -> dict[str, Text]:
        """key -> text, the holdout's first."""
        texts = {}
        for path, labels in ((paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS), (paths.POOL, paths.SOURCE_LABELS)):
            given = self.kind.named(self.kind.load(labels, (None,), len(self.classes), label_codes.OPEN), self.classes)
            for row, (line, label) in enumerate(zip(artifacts.load_jsonl(path), given, strict=True)):
                key, source = keys.key(line["text"]), self.kind.written(label) or None
                texts.setdefault(key, Text(key, line["text"], line.get("group") or "", row, path == paths.HOLDOUT, source))
        return texts

    @property
    def guide(self) -> str:
        """The guidelines in Markdown, or "". Raises Refused if their file cannot be read."""
        file = self.settings.labels.guide
        try:
            return "" if file == "none" else Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Refused(f"params.yaml: labels.guide = {file}: {short(error)}; name a text file in UTF-8, or none") from None

    @cached_property
    def alike(self) -> Alike | None:
        """Finds near-duplicates in the pool; None if labels.alike is off. While there are no vectors it compares texts only."""
        if self.settings.labels.alike in ("off", False):
            return None
        points = None
        with suppress(Refused):
            points = vectors.of_texts(paths.EMBEDDINGS, paths.POOL)
        texts = [self.texts[key].text for key in self.pool_keys()]
        return Alike(texts, points, self.settings.labels.alike_cosine)

    @cached_property
    def buckets(self) -> np.ndarray:
        """int32 [pool]"""
        return artifacts.load_clusters()

    def text(self, key: str) -> Text:
        """Raises Refused for an unknown key."""
        if key not in self.texts:
            raise Refused(f"key = {key[:60]}: no text of the data set; possible: those of labels/*.csv")
        return self.texts[key]

    def predicted(self, name: str) -> np.ndarray | None:
        """Labels [seeds, pool]: the predictions of the models before a round; None if there are none for this pool.

        What classes are called names one class a text, which is no answer where there may be several.
        """
        if name not in self.stages or (name == rounds.FIRST and self.kind.nothing):
            return None
        try:
            if name == rounds.FIRST:  # by what the classes are called
                return artifacts.load(paths.NAMED, np.int16, (len(self.pool_keys()),), within=(-1, len(self.classes)))[None]
            return rounds.load_predictions(name, self.settings.seeds, len(self.pool_keys()), len(self.classes))
        except Refused:
            return None

    def guess(self, predicted: np.ndarray | None, text: Text) -> str | None:
        """What most seeds predict, as people write it. None for the holdout, which measures the model."""
        if predicted is None or text.in_holdout:
            return None
        said = self.kind.named(predicted[:, text.row], self.classes)
        votes = Counter(self.kind.written(label) for label in said if label is not None)
        return votes.most_common(1)[0][0] if votes else None

    def program_guess(self, key: str) -> str:
        """What the program of `labels.guesses` says, or "". Rows drawn at random get none: programs are measured on them."""
        file = self.settings.labels.guesses
        if file == "none" or self.is_fair(key):
            return ""
        try:
            return str(program_guesses.read(Path(file), self.classes, self.rename, self.kind).get(key, ""))
        except Refused as refusal:  # shown in its place, so that people can go on
            return str(refusal)

    @property
    def round_names(self) -> list[str]:
        """Everything that people can be asked for, in the order in which they are."""
        random = [asked.RANDOM] if self.settings.random_at else []
        return [asked.HOLDOUT, *self.stages, *random]

    def keys_of(self, name: str) -> list[str]:
        """The keys of a round whose texts are in the data set."""
        return [key for key in asked.keys(name) if key in self.texts]

    def pool_keys(self) -> list[str]:
        """The key of every row of the pool."""
        return [key for key, text in self.texts.items() if not text.in_holdout]

    def needs_holdout(self) -> bool:
        """Whether the holdout has a text without a label of the data set."""
        return any(text.in_holdout and text.source is None for text in self.texts.values())

    def answers_of(self, who: str) -> dict[str, journal.Answer]:
        """key -> the answer of one annotator that counts."""
        self.resolved()
        return self._given.get(who, {})

    def resolved(self) -> conflicts.Resolved:
        """The answers of people; where they gave none, the labels of the data set. Looks again only at texts with new answers."""
        read = {who: journal.read_lines(journal.file_of(who))[0] for who in journal.annotators()}
        grown = all(who in read and read[who].data.startswith(before.data) for who, before in self._read.items())
        if not self._resolved or not grown:
            source = {key: text.source for key, text in self.texts.items() if text.source}
            self._read, self._given, self._resolved = {}, {}, conflicts.Resolved(source, {}, {})
        given, changed = dict(self._given), set()
        for who, now in read.items():
            if new := now.answers[len(self._read[who].answers) if who in self._read else 0 :]:
                given[who] = journal.current([*given.get(who, {}).values(), *new])
                changed |= {answer.key for answer in new} & self.texts.keys()
        part = {who: {key: own[key] for key in changed if key in own} for who, own in given.items()}
        labelled = {key for key in changed if self.texts[key].source}
        part = conflicts.resolve(part, self.classes, self.kind, self.rename, changed, labelled)
        for name, new in vars(part).items():
            known = getattr(self._resolved, name)
            for key in changed:
                known.pop(key, None)
            known |= new
        self._resolved.labels.update(
            {key: self.texts[key].source for key in changed - part.answers.keys() if self.texts[key].source}
        )
        self._read, self._given = read, given
        return self._resolved

    def open_keys(self, name: str, resolved: conflicts.Resolved | None = None) -> list[str]:
        """The unanswered keys of a round, in order. Texts in conflict count as answered; of a fair sample, only people answer."""
        resolved = resolved or self.resolved()
        answered = resolved.by_people() if name in asked.FAIR else resolved.labels.keys() | resolved.conflicts.keys()
        return [key for key in self.keys_of(name) if key not in answered]

    def usable(self, name: str, resolved: conflicts.Resolved) -> set[str]:
        """Keys of a round that have a class or may get one, without those that `make find` added. A text in conflict may get one;
        but where all others are answered by CANNOT_SAY, other texts are wanted.
        """
        keys = {row.key for row in asked.read(name) if row.key in self.texts and not row.found}
        usable = {key for key in keys if resolved.labels.get(key) != journal.CANNOT_SAY}
        return usable if usable - resolved.conflicts.keys() else set()

    def open_round(self) -> str | None:
        """The first round with an unanswered text."""
        resolved = self.resolved()
        return next((name for name in self.round_names if self.open_keys(name, resolved)), None)

    def twins(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """key -> keys of its near-duplicates that are as far as it is: not answered, or by the same people with the same labels.

        Only a row that a stage asked for has any. Holdout and random arm are fair samples, so their rows neither have nor are any.
        """
        if self.alike is None:
            return {}
        resolved, key_of_row, fair = self.resolved(), self.pool_keys(), asked.keys_in(asked.FAIR)
        open_to = asked.keys_in(self.stages) - fair
        rows = {key: self.texts[key].row for key in keys if key in open_to and not self.texts[key].in_holdout}
        near = self.alike.twins(rows.values())
        twins = {key: [key_of_row[twin] for twin in near[row]] for key, row in rows.items()}

        def standing(key: str) -> tuple:
            return key in fair, resolved.answers.get(key), resolved.labels.get(key)

        return {key: [twin for twin in twins[key] if standing(twin) == standing(key)] for key in twins}

    def is_fair(self, key: str) -> bool:
        """Whether the row was drawn at random. Raises Refused for an unknown key."""
        return self.text(key).in_holdout or key in asked.keys_in(asked.FAIR)

    def answer(self, who: str, key: str, label: str, twins: Sequence[str] = ()) -> None:
        """Write one answer: a label as people write it, or "", which takes the last one back. It is on disk when this returns.

        twins   get the same answer. They join the round of `key` before they do, and leave it after theirs was taken back: a label
                that no round asked for would count for stage1

        Raises Refused for an unknown key, and for a label that is no class.
        """
        self.text(key)
        if label:
            conflicts.refuse_unknown(label, self.classes, f"WHO={who}, {key}", self.kind)
            label = self.present(label)
            already = asked.keys_in(self.stages) if twins else ()
            if new := [twin for twin in twins if twin not in already]:
                marks = dict.fromkeys(new, asked.ALIKE)
                asked.add(next(name for name in self.stages if key in asked.keys(name)), self.rows(new, marks))
        journal.append(who, [(each, label) for each in (key, *twins)])
        if twins and not label:
            answered = self.resolved().answers
            for name in self.stages:
                like = {row.key for row in asked.read(name) if row.key in twins and row.found == asked.ALIKE}
                asked.drop(name, like - answered.keys())

    def rows(self, some_keys: Iterable[str], found: Mapping[str, str] = MappingProxyType({})) -> list[asked.Row]:
        """Rows of a round's file. `found`: key -> how a person found the row."""
        keep, rows = self.settings.labels.keep_text, []
        for key in some_keys:
            text = self.texts[key]
            known = not text.in_holdout and text.row < len(self.buckets)  # buckets may be older than the pool
            bucket = str(self.buckets[text.row]) if known else ""
            rows.append(asked.Row(key, text.text if keep else "", text.group if keep else "", bucket, found.get(key, "")))
        return rows
