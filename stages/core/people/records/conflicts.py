"""From what several people answered to one answer a text, or none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stages.core.base.errors import Refused, choices
from stages.core.people.records import journal
from stages.core.people.records.journal import CANNOT_SAY, DECIDED, Answer


@dataclass(frozen=True)
class Resolved:
    """
    labels      by key: a class, or CANNOT_SAY; nothing of a text that nobody answered or that is disputed
    conflicts   by key: who says what
    said        by key: who says what, of all texts that somebody answered
    """

    labels: dict[str, str]
    conflicts: dict[str, dict[str, str]]
    said: dict[str, dict[str, str]] = field(default_factory=dict)

    def several(self) -> dict[str, dict[str, str]]:
        """Of `said`, the texts that two or more answered, each for oneself: who decides knows what the others say."""
        by_themselves = {key: {who: label for who, label in by.items() if who != DECIDED} for key, by in self.said.items()}
        return {key: by for key, by in by_themselves.items() if len(by) > 1}


def renamed(label: str, rename: Mapping[str, str]) -> str:
    """What a class is called now, through as many renamings as there are."""
    for _ in rename:
        label = rename.get(label, label)
    return label


def refuse_unknown(label: str, classes: Iterable[str], where: str) -> None:
    """Raise Refused for an answer that is neither a class nor CANNOT_SAY. A class in other letters is told, not guessed."""
    classes = list(classes)
    if label in (*classes, CANNOT_SAY):
        return
    possible = (*classes, CANNOT_SAY)
    alike = [name for name in classes if name.casefold() == label.casefold()]
    hint = f"possible: {', '.join(possible)}; did you mean {alike[0]}?" if alike else choices(label, possible)
    raise Refused(
        f"{where}: label = {label}, which is no class; {hint}; answer again, or add it to labels.classes, or tell in "
        f"labels.rename what it is called now"
    )


def resolve(
    given: Mapping[str, Mapping[str, Answer]], classes: list[str], rename: Mapping[str, str], keys: Iterable[str]
) -> Resolved:
    """
    given     annotator -> key -> the answer that counts
    classes   their names
    rename    old name -> new name
    keys      of the texts that are there; answers to others stay as they are, unread

    Who cannot say gives way to who can; two classes are a conflict, unless DECIDED answered. Raises Refused, naming file and
    line, for an answer that is no class.
    """
    labels, conflicts = {}, {}
    keys = set(keys)
    said: dict[str, dict[str, str]] = {}
    for who, answers in given.items():
        for key, answer in answers.items():
            if key in keys:
                label = renamed(answer.label, rename)
                refuse_unknown(label, classes, f"{journal.FOLDER / who}.csv, line {answer.line:,}")
                said.setdefault(key, {})[who] = label
    for key, by in said.items():
        named = {label for label in by.values() if label != CANNOT_SAY}
        if DECIDED in by:
            labels[key] = by[DECIDED]
        elif len(named) > 1:
            conflicts[key] = by
        else:
            labels[key] = next(iter(named), CANNOT_SAY)
    return Resolved(labels, conflicts, said)
