"""Labels that are one class in two spellings, and labels that look like a slip."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from stages.core.sources.tables import ONE_OF_SEVERAL

NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?")
SIGNS_BETWEEN_LABELS = (",", ";", "|")
_ELEMENT = r"""('[^']*'|"[^"]*"|[^\s,'"\[\]]+)"""
WRITTEN_LIST = re.compile(rf"\[\s*{_ELEMENT}(\s*,\s*{_ELEMENT})+\s*\]")
NO_WORDS = ("", "null", "nan", "n/a", "na", "none", "nil", "#n/a", "<na>", "?", "-", "unknown")


def unified(labels: Iterable[str]) -> dict[str, str]:
    """The name of the class of every label of a source.

    Where all are numbers, 0 and 0.0 are one class, called 0; where all are true or false, True, true and TRUE are, called True.
    A label that stands in one spelling alone keeps it, and so do all others: Pos and pos stay two classes.
    """
    labels = set(labels)
    if all(NUMBER.fullmatch(label) for label in labels):
        name = lambda label: re.sub(r"\.0+\Z", "", label)  # noqa: E731  1.1 and 1.10 may be two versions
    elif {label.lower() for label in labels} <= {"true", "false"}:
        name = str.capitalize
    else:
        return {label: label for label in labels}
    spellings = defaultdict(set)
    for label in labels:
        spellings[name(label)].add(label)
    return {label: name(label) if any(len(each) > 1 for each in spellings.values()) else label for label in labels}


def slips(pool: set[str], holdout: set[str]) -> list[str]:
    """What is likely no class of its own, each as a line to print.

    pool, holdout   labels; of the holdout none where the source has no own
    """
    labels, said = pool | holdout, []
    by_letters = defaultdict(list)
    for label in sorted(labels):
        by_letters[re.sub(r"[\s_-]+", " ", label.casefold()) if not NUMBER.fullmatch(label) else label].append(label)
    for alike in by_letters.values():
        if len(alike) > 1:
            said.append(f"labels {', '.join(alike)} are {len(alike)} classes; if they mean one, spell them alike in the source")
    for label in sorted(labels):
        if label.lower() in NO_WORDS and len(labels) > 2:
            said.append(f"label {label} is a class; if it means that a label is missing, name it in prepare.missing_labels")
    others = labels - {"-1"}
    if "-1" in pool and "-1" not in holdout and others and all(re.fullmatch(r"[0-9]+", label) for label in others):
        said.append(
            "label -1 is a class, though the others count from 0; if it means a missing label, name it in prepare.missing_labels"
        )
    if several := _of_several(labels):
        is_one = f"label {several[0]} looks" if len(several) == 1 else f"{len(several):,} labels, such as {several[0]}, look"
        said.append(f"{is_one} like several labels of one text; a cell is one class as it stands: {ONE_OF_SEVERAL}")
    return said


def _of_several(labels: set[str]) -> list[str]:
    """Labels that are likely several in one cell, in order: lists as Python or JSON writes them, as ["joy", "fear"], and those
    like joy,fear whose parts are classes of their own or stand in other labels too: nobody is taken for two in Berlin, Germany.
    """
    found = []
    for sign in SIGNS_BETWEEN_LABELS:
        parts = {label: [part.strip() for part in label.split(sign)] for label in labels}
        times = Counter(part for each in parts.values() for part in set(each))
        found += [label for label, each in parts.items() if len(set(each)) > 1 and all(part and times[part] > 1 for part in each)]
    return sorted({*found, *filter(WRITTEN_LIST.fullmatch, labels)})
