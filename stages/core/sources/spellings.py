"""Labels that spell one class in two ways, and labels that look like slips."""

import functools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from stages.core.sources.tables import ONE_OF_SEVERAL

NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?")
SIGNS_BETWEEN_LABELS = (",", ";", "|")
_ELEMENT = r"""('[^']*'|"[^"]*"|[^\s,'"\[\]]+)"""
WRITTEN_LIST = re.compile(rf"\[\s*{_ELEMENT}(\s*,\s*{_ELEMENT})+\s*\]")
NO_WORDS = ("", "null", "nan", "n/a", "na", "none", "nil", "#n/a", "<na>", "?", "-", "unknown")


@functools.cache
def visible(label: str) -> str:
    """The label in Unicode form NFC, without characters that do not show, such as zero-width spaces and soft hyphens."""
    shown = "".join(letter for letter in label if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", shown).strip()


def unified(labels: Iterable[str]) -> dict[str, str]:
    """The class name of each label of a source.

    Labels that look the same, see `visible`, are one class. If all labels are numbers, 0 and 0.0 are one class, named 0. If all are
    true or false, True, true and TRUE are one, named True. A class with one spelling keeps it: Pos and pos are two classes.
    """
    labels = set(labels)
    alike = Counter(map(visible, labels))
    form = {label: visible(label) if alike[visible(label)] > 1 else label for label in labels}
    forms = set(form.values())
    if all(NUMBER.fullmatch(label) for label in forms):
        name_of = {label: re.sub(r"\.0+\Z", "", label) for label in forms}  # not 1.10, which may be a version
    elif {label.lower() for label in forms} <= {"true", "false"}:
        name_of = {label: label.capitalize() for label in forms}
    else:
        name_of = {}
    several = len(set(name_of.values())) < len(name_of)
    return {label: name_of[form[label]] if several else form[label] for label in labels}


def slips(pool: set[str], holdout: set[str]) -> list[str]:
    """Lines to print about labels, of `pool` and of a holdout if the source has one, that are probably no class of their own."""
    labels, lines = pool | holdout, []
    hint = "if it means a missing label, add it to prepare.missing_labels"
    by_letters = defaultdict(list)
    for label in sorted(labels):
        letters = unicodedata.normalize("NFKC", visible(label)).casefold()
        by_letters[label if NUMBER.fullmatch(label) else re.sub(r"[\s_-]+", " ", letters)].append(label)
    for alike in by_letters.values():
        if len(alike) > 1:
            lines.append(f"labels {', '.join(alike)} are {len(alike)} classes; if they mean one, spell them alike in the source")
    for label in sorted(labels):
        if label.lower() in NO_WORDS and len(labels) > 2:
            lines.append(f"label {label} is a class; {hint}")
    others = labels - {"-1"}
    if "-1" in pool and "-1" not in holdout and others and all(re.fullmatch(r"[0-9]+", label) for label in others):
        lines.append(f"label -1 is a class, although the others count from 0; {hint}")
    if several := _of_several(labels):
        what = f"label {several[0]} looks" if len(several) == 1 else f"{len(several):,} labels, such as {several[0]}, look"
        lines.append(f"{what} like several labels of one text; each cell counts as one class: {ONE_OF_SEVERAL}")
    return lines


def _of_several(labels: set[str]) -> list[str]:
    """Labels that probably combine several, in order.

    These are lists as Python or JSON writes them, as ["joy", "fear"], and labels like joy,fear if each part is a class or occurs
    in another label too. So "Berlin, Germany" is one label.
    """
    found = set(filter(WRITTEN_LIST.fullmatch, labels))
    for sign in SIGNS_BETWEEN_LABELS:
        parts_of = {label: {part.strip() for part in label.split(sign)} for label in labels}
        times = Counter(part for parts in parts_of.values() for part in parts)
        found |= {label for label, parts in parts_of.items() if len(parts) > 1 and all(part and times[part] > 1 for part in parts)}
    return sorted(found)
