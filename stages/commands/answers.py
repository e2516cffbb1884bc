"""`make answers FILE=... [WHO=anna]`: read answers that come back from a spreadsheet or a tool, or labels that one has already.

A table has `label`, and `key` or the texts; where it has a key the key decides, and a text that differs is told. It may be
saved by any spreadsheet: with commas, semicolons or tabs, a byte order mark or none, in UTF-8 or cp1252, rows and columns in
any order. Exports of Label Studio, doccano, Prodigy and Argilla are recognised (stages/core/people/tools). An empty label is no
answer. All of it is read or nothing, and reading it twice changes nothing.

    make answers FILE=export.json                       annotators that the tool knows are called after it: label-studio-1
    make answers FILE=export.json WHO="1=anna 2=bob"    their names here
"""

import re
from collections.abc import Mapping
from pathlib import Path

from stages.commands import waiting
from stages.core.base import keys
from stages.core.base.errors import Refused, choices
from stages.core.people.labelling import Labelling
from stages.core.people.records import conflicts, journal, spreadsheets
from stages.core.people.records.journal import CANNOT_SAY, KEY
from stages.core.people.tools import recognise
from stages.core.people.tools.given import Given
from stages.core.sources.tables import ONE_OF_SEVERAL

SHOWN = 5


def main(file: str = "", who: str = "") -> None:
    if not file:
        raise Refused("FILE= names no file; possible: a table with key (or text) and label: make answers FILE=labels/stage1.csv")
    for note in journal.restore():
        print(note)
    state = Labelling()
    if "=" not in who:
        journal.file_of(who or journal.myself())
    given, tool = recognise.read(Path(file), [*state.classes, *state.rename])
    name_of = named(who, {each.who for each in given}, tool, file)
    for name in name_of.values():
        journal.file_of(name)
    answered = answers_of(given, name_of, state, file, once=tool is None)
    for name, answers in sorted(answered.items()):
        mine = journal.current(journal.history(name))
        other = {
            key: (label, when)
            for key, (label, when) in answers.items()
            if key not in mine or conflicts.renamed(mine[key].label, state.rename) != label
        }
        # Of an export that was read before, or late: what was answered here since counts.
        new = {key: (label, when) for key, (label, when) in other.items() if not (when and key in mine and when < mine[key].when)}
        changed = sum(key in mine for key in new)
        journal.append(name, [(key, *each) for key, each in new.items()])
        print(f"{file}: {len(answers):,} answers; of {name} {len(new):,} are new, of which {changed:,} change an earlier one")
        if len(other) > len(new):
            print(f"{file}: {len(other) - len(new):,} are older than what {name} answered here since, and are passed over")
    strange = len({key for answers in answered.values() for key in answers} - state.texts.keys())
    if strange:
        print(f"{strange:,} are to texts that are not in the data set now: they are kept")
    waiting.main()


def named(who: str, told: set[str], tool: str | None, file: str) -> dict[str, str]:
    """What annotators are called here, by what their tool calls them; "" is the one of whom it does not tell.

    who   one name, or pairs such as "1=anna 2=bob", or nothing
    """
    told = told or {""}
    if "=" in who:
        pairs = dict(pair.partition("=")[::2] for pair in who.split())
        if strange := sorted(pairs.keys() - told):
            known = sorted(name for name in told if name)
            raise Refused(
                f"WHO={who}: {strange[0]} is no annotator of {file}; {choices(strange[0], known) if known else 'it names none'}"
            )
    elif who and len(told) > 1:
        several = ", ".join(sorted(name or "one without a name" for name in told))
        raise Refused(f'WHO={who}: {file} has answers of {several}; leave WHO out, or tell who is who: WHO="1=anna 2=bob"')
    else:
        pairs = dict.fromkeys(told, who) if who else {}
    usual = {name: re.sub(r"[^\w.-]", "-", f"{tool}-{name}")[:64] if name else journal.myself() for name in told}
    return usual | pairs


def answers_of(
    given: list[Given], name_of: Mapping[str, str], state: Labelling, file: str, once: bool
) -> dict[str, dict[str, tuple[str, str]]]:
    """Annotator -> key -> (label, when); what is odd is printed.

    once   whether one text may have one label alone; else the later answer of an annotator counts

    Raises Refused, naming the rows, for a label that is no class, or a broken key.
    """
    answered: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in name_of.values()}
    where, wrong, edited, silent = {}, [], [], 0
    for each in sorted(given, key=lambda each: each.when):
        if not each.labels:
            silent += 1
            continue
        who, key = name_of[each.who], each.key or keys.key(spreadsheets.uncell(each.text))
        answers = answered[who]
        try:
            label = checked(each, key, state, file)
            if once and key in answers and answers[key][0] != label:
                rows = f"{where[key].replace('row', 'rows')} and {each.where.removeprefix('row ')}"
                raise Refused(f"{file}, {rows}: one text has two labels, {answers[key][0]} and {label}; keep one")
        except Refused as refusal:
            wrong.append(str(refusal))
            continue
        answers[key], where[key] = (label, each.when), each.where
        if each.text and key in state.texts and differs(each.text, state.texts[key].text):
            edited.append(each.where)
    if wrong:
        more = f" (and {len(wrong) - SHOWN:,} more)" if len(wrong) > SHOWN else ""
        raise Refused("; ".join(wrong[:SHOWN]) + more + "; nothing was read")
    if edited:
        print(f"{file}: {len(edited):,} texts differ from those asked for, the first in {edited[0]}: the key decides")
    if silent and not once:
        print(f"{file}: {silent:,} records without an answer are passed over")
    return answered


def checked(each: Given, key: str, state: Labelling, file: str) -> str:
    """The class that an answer names."""
    if not KEY.fullmatch(key):
        raise Refused(f"{file}, {each.where}: key = {key[:60]!r}, possible: t and 24 hexadecimal digits; bring it back")
    if len(each.labels) > 1:
        found = f"{len(each.labels)} labels ({', '.join(each.labels[:5])})"
        raise Refused(f"{file}, {each.where}: {found}, possible: one; {ONE_OF_SEVERAL}")
    label = conflicts.renamed(as_class(each.labels[0], state.classes), state.rename)
    conflicts.refuse_unknown(label, state.classes, f"{file}, {each.where}")
    return label


def as_class(label: str, classes: list[str]) -> str:
    """A cell's label; the sign before what would be a formula is taken off."""
    return label if label in classes or label == CANNOT_SAY else spreadsheets.uncell(label)


def differs(cell: str, text: str) -> bool:
    """Whether a cell holds another text than the one that was written there; blanks and case, and what was cut, do not count."""
    cell = spreadsheets.uncell(cell)
    return keys.key(cell) != keys.key(text) and keys.key(cell) != keys.key(spreadsheets.uncell(spreadsheets.cell(text)))
