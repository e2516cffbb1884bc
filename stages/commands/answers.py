"""`make answers FILE=... [WHO=anna WHO_COLUMN= UNDO=1]`: read answers from a table or a labelling tool, or labels you already have.

A table has `label`, and `key` or the texts. If it has both, the key decides, and you are told of texts that differ. It may come
from any spreadsheet: commas, semicolons or tabs, UTF-8 with or without a byte order mark or cp1252, rows and columns in any order.
Exports of Label Studio, doccano, Prodigy and Argilla are recognised (stages/core/people/tools). An empty label is no answer. The
whole file is read, or nothing; reading it twice changes nothing.

    make answers FILE=export.json                       an annotator whom the tool calls 1 becomes label-studio-1
    make answers FILE=export.json WHO="1=anna 2=bob"    or gets the name that you give
    make answers FILE=both.csv WHO_COLUMN=annotator     each row's annotator stands in that column
    make answers FILE=both.csv                          or each annotator has a column: label_anna, label_bob
    make answers FILE=wrong.csv UNDO=1                  take back what a file brought: the answers before count again
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from stages.commands import waiting
from stages.core.base import formulas, keys
from stages.core.base.errors import Refused, choices, switch
from stages.core.people.labelling import Labelling, begin
from stages.core.people.records import conflicts, journal, spreadsheets
from stages.core.people.records.journal import CANNOT_SAY, KEY, KEY_FORM
from stages.core.people.tools import formats
from stages.core.people.tools.exchange import ToolAnswer
from stages.core.sources.tables import ONE_OF_SEVERAL

SHOWN = 5
Own = dict[str, tuple[str, str]]  # of one annotator: key -> (label, when)


def main(file: str = "", who: str = "", undo: str = "", who_column: str = "") -> None:
    if not file:
        raise Refused("FILE= is empty; possible: a table with key (or text) and label: make answers FILE=labels/stage1.csv")
    state = begin()
    if "=" not in who:
        journal.file_of(who or journal.myself())
    tool_answers, tool = formats.read(Path(file), state, who_column)
    name_of = names(who, {answer.who for answer in tool_answers}, tool, file)
    for name in name_of.values():
        journal.file_of(name)
    by_annotator = checked(tool_answers, name_of, state, file, once=tool is None)
    for name, answers in sorted(by_annotator.items()):
        (take_back if switch("UNDO", undo) else add)(name, answers, state.present, file)
    unknown = len({key for answers in by_annotator.values() for key in answers} - state.texts.keys())
    if unknown:
        print(f"{unknown:,} belong to texts that are not in the data set now: they are kept")
    waiting.main()


def add(name: str, answers: Own, present: Callable[[str], str], file: str) -> None:
    """Append the answers that change something. An answer on the page outranks an older one in an export."""
    own = journal.answers_of(name)
    other = {key: one for key, one in answers.items() if key not in own or present(own[key].label) != one[0]}
    new = {key: (label, when) for key, (label, when) in other.items() if not (when and key in own and when < own[key].when)}
    changed = sum(key in own for key in new)
    journal.append(name, [(key, *one) for key, one in new.items()])
    print(f"{file}: {len(answers):,} answers; of {name} {len(new):,} are new, of which {changed:,} change an earlier one")
    if len(other) > len(new):
        print(f"{file}: {len(other) - len(new):,} are older than what {name} answered here since, and are ignored")


def take_back(name: str, answers: Own, present: Callable[[str], str], file: str) -> None:
    """Let the answers before count again, or none. Lines that came from the file have its labels and times, or all one time."""
    given: dict[str, list[journal.Answer]] = {}
    for answer in journal.history(name):
        given.setdefault(answer.key, []).append(answer)
    same = {key: own for key, own in given.items() if answers.get(key, [None])[0] == present(own[-1].label)}
    [(read_at, _)] = Counter(own[-1].when for own in same.values()).most_common(1) or [("", 0)]
    back = {key: own[-2].label if own[1:] else "" for key, own in same.items() if own[-1].when == (answers[key][1] or read_at)}
    journal.append(name, list(back.items()))
    print(f"{file}: {len(back):,} of its {len(answers):,} answers are taken back from {name}; the others do not count now")


def names(who: str, tool_names: set[str], tool: str | None, file: str) -> dict[str, str]:
    """Annotator's name in the tool, "" if it gives none -> name here. who: "", one name, or pairs such as "1=anna 2=bob"."""
    tool_names = tool_names or {""}
    if "=" in who:
        pairs = dict(pair.partition("=")[::2] for pair in who.split())
        if unknown := sorted(pairs.keys() - tool_names):
            known = sorted(name for name in tool_names if name)
            possible = choices(unknown[0], known) if known else "it names none"
            raise Refused(f"WHO={who}: {unknown[0]} is no annotator of {file}; {possible}")
    elif who and len(tool_names) > 1:
        several = ", ".join(sorted(name or "one without a name" for name in tool_names))
        raise Refused(f'WHO={who}: {file} has answers of {several}; leave WHO out, or name each: WHO="1=anna 2=bob"')
    else:
        pairs = dict.fromkeys(tool_names, who) if who else {}
    before = f"{tool}-" if tool else ""
    usual = {name: re.sub(r"[^\w.-]", "-", f"{before}{name}")[:64] if name else journal.myself() for name in tool_names}
    return usual | pairs


def checked(tool_answers: list[ToolAnswer], name_of: Mapping[str, str], state: Labelling, file: str, once: bool) -> dict[str, Own]:
    """Annotator -> their answers. Prints what is unusual.

    once   whether a text may have only one label in the file; otherwise the later answer of an annotator counts

    Raises Refused, naming the rows, for a label that is no class, or a broken key.
    """
    by_annotator: dict[str, Own] = {name: {} for name in name_of.values()}
    places, wrong, edited, without = {}, [], [], 0
    for answer in sorted(tool_answers, key=lambda answer: answer.when):
        if not (answer.whole if state.kind.nothing else answer.labels):
            without += 1
            continue
        who, key = name_of[answer.who], answer.key or keys.key(formulas.unguarded(answer.text))
        own = by_annotator[who]
        try:
            label = label_of(answer, key, state, f"{file}, {answer.where}")
            if once and key in own and own[key][0] != label:
                rows = f"{places[key].replace('row', 'rows')} and {answer.where.removeprefix('row ')}"
                raise Refused(f"{file}, {rows}: one text has two labels, {own[key][0]} and {label}; keep one")
        except Refused as refusal:
            wrong.append(str(refusal))
            continue
        own[key], places[key] = (label, answer.when), answer.where
        if answer.text and key in state.texts and differs(answer.text, state.texts[key].text):
            edited.append(answer.where)
    if wrong:
        more = f" (and {len(wrong) - SHOWN:,} more)" if len(wrong) > SHOWN else ""
        raise Refused("; ".join(wrong[:SHOWN]) + more + "; nothing was read")
    if edited:
        print(f"{file}: {len(edited):,} texts differ from those asked for, the first in {edited[0]}: the key decides")
    if without and not once:
        none = f"; give a text that has none of the labels the label {state.kind.nothing}" if state.kind.nothing else ""
        print(f"{file}: {without:,} records without an answer are ignored{none}")
    return by_annotator


def label_of(answer: ToolAnswer, key: str, state: Labelling, where: str) -> str:
    """What an answer says, as people write it, with the present names of its classes."""
    if not KEY.fullmatch(key):
        raise Refused(f"{where}: key = {key[:60]!r}, possible: {KEY_FORM}; restore it")
    if len(answer.labels) > 1 and not state.kind.nothing:
        found = f"{len(answer.labels)} labels ({', '.join(answer.labels[:5])})"
        raise Refused(f"{where}: {found}, possible: one; {ONE_OF_SEVERAL}")
    names = (label if label in (*state.classes, CANNOT_SAY) else formulas.unguarded(label) for label in answer.labels)
    label = state.present("; ".join(names) or state.kind.nothing)
    conflicts.refuse_unknown(label, state.classes, where, state.kind)
    return label


def differs(cell: str, text: str) -> bool:
    """Whether a cell holds another text than was written there, apart from blanks, case and what was cut."""
    cell = formulas.unguarded(cell)
    return keys.key(cell) not in (keys.key(text), keys.key(formulas.unguarded(spreadsheets.cell(text))))
