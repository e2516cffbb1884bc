"""One answer per text, or none, from the answers of several annotators."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from stages.core import task
from stages.core.base.errors import Refused, choices
from stages.core.people.records import journal
from stages.core.people.records.journal import CANNOT_SAY, DECIDED, PROGRAM, Answer


@dataclass(frozen=True)
class Resolved:
    labels: dict[str, str]  # key -> a label as people write it; texts without an answer or in conflict are missing
    conflicts: dict[str, dict[str, str]]  # key -> annotator -> label
    answers: dict[str, dict[str, str]]  # key -> annotator -> label, of every text that has an answer

    def several(self) -> dict[str, dict[str, str]]:
        """Of `answers`, the texts that two or more people answered independently. DECIDED sees the others' answers."""
        independent = {key: _of_people(by, DECIDED) for key, by in self.answers.items()}
        return {key: by for key, by in independent.items() if len(by) > 1}

    def by_people(self) -> dict[str, str | None]:
        """key -> the label from people or the data set, None in conflict; texts that only programs answered are missing."""
        labels = self.labels | dict.fromkeys(self.conflicts)
        return {key: label for key, label in labels.items() if key not in self.answers or _of_people(self.answers[key])}


def _of_people(by: Mapping[str, str], but: str = "") -> dict[str, str]:
    return {who: label for who, label in by.items() if who != but and not who.startswith(PROGRAM)}


def renamed(label: str, rename: Mapping[str, str]) -> str:
    """The current name of a class, through any chain of renamings."""
    for _ in rename:
        label = rename.get(label, label)
    return label


def present(label: str, rename: Mapping[str, str], kind: task.Task) -> str:
    """A label as people write it, with the current names of its classes."""
    read = kind.read(renamed(label, rename))  # the name of a former class may be no name of several
    return kind.written(task.renamed(read, {name: renamed(name, rename) for name in task.names(read)}))


def refuse_unknown(label: str, classes: Iterable[str], where: str, kind: task.Task) -> None:
    """Raise Refused for a label that names what is no class; CANNOT_SAY stands alone. A class in other case is only suggested."""
    classes = list(classes)
    read = kind.read(label)
    strange = [label] if read is None else [name for name in task.names(read) if name not in classes]
    if not strange or label == CANNOT_SAY:
        return
    possible, label = [*classes, *filter(None, [kind.nothing]), CANNOT_SAY], strange[0]
    alike = [name for name in possible if name.casefold() == label.casefold()]
    hint = f"possible: {', '.join(possible)}; did you mean {alike[0]}?" if alike else choices(label, possible)
    several = "; write ; between several labels, and - for none of them" if kind.nothing else ""
    raise Refused(
        f"{where}: label = {label}, which is no class; {hint}; answer again, add it to labels.classes, or give its new name in "
        f"labels.rename{several}"
    )


def resolve(
    given: Mapping[str, Mapping[str, Answer]],
    classes: list[str],
    kind: task.Task,
    rename: Mapping[str, str],
    keys: Iterable[str],
    labelled: Container[str] = (),
) -> Resolved:
    """
    given     annotator -> key -> the answer that counts
    rename    old name of a class -> new name
    keys      of the texts in the data set; answers to other texts are ignored
    labelled  keys of those that the data set labels; answers of programs to them are ignored too

    A class outranks CANNOT_SAY. Two classes conflict, unless DECIDED answered. People outrank programs. Raises Refused, naming the
    line, if a label is unknown.
    """
    keys, labels, conflicts = set(keys), {}, {}
    answers: dict[str, dict[str, str]] = {}
    for who, own in given.items():
        for key, answer in own.items():
            if key in keys and not (key in labelled and who.startswith(PROGRAM)):
                label = present(answer.label, rename, kind)
                refuse_unknown(label, classes, f"{journal.FOLDER / who}.csv, line {answer.line:,}", kind)
                answers.setdefault(key, {})[who] = label
    for key, by in answers.items():
        heard = _of_people(by) or by
        named = set(heard.values()) - {CANNOT_SAY}
        if DECIDED in by:
            labels[key] = by[DECIDED]
        elif len(named) > 1:
            conflicts[key] = heard
        else:
            labels[key] = next(iter(named), CANNOT_SAY)
    return Resolved(labels, conflicts, answers)
