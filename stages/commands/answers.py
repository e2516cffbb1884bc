"""`make answers FILE=... [WHO=anna]`: read answers that come back in a table, or labels that one has already.

A table has `label`, and `key` or the texts; where it has a key the key decides, and a text that differs is told. It may be
saved by any spreadsheet: with commas, semicolons or tabs, a byte order mark or none, in UTF-8 or cp1252, rows and columns in
any order. An empty label is no answer. All of it is read or nothing, and reading it twice changes nothing.
"""

from pathlib import Path

from stages.commands import waiting
from stages.commands.labelling import Labelling
from stages.core.base import keys
from stages.core.base.errors import Refused, run, short
from stages.core.people import asked, journal, resolve
from stages.core.people.journal import CANNOT_SAY, KEY
from stages.core.sources import files, names
from stages.core.sources.splits import LABEL_COLUMNS, TEXT_COLUMNS
from stages.core.sources.tables import Table, cells, matching

SHOWN = 5


def main(file: str = "", who: str = "") -> None:
    if not file:
        raise Refused("FILE= names no file; possible: a table with key (or text) and label: make answers FILE=labels/stage1.csv")
    for note in journal.restore():
        print(note)
    who, state = who or journal.myself(), Labelling()
    journal.file_of(who)
    given = read(Path(file), state)
    mine = journal.current(journal.history(who))
    new = {key: label for key, label in given.items() if key not in mine or mine[key].label != label}
    changed = sum(key in mine for key in new)
    journal.append(who, new.items())
    print(f"{file}: {len(given):,} answers; of {who} {len(new):,} are new, of which {changed:,} change an earlier one")
    strange = sum(key not in state.texts for key in given)
    if strange:
        print(f"{strange:,} are to texts that are not in the data set now: they are kept")
    waiting.main()


def read(file: Path, state: Labelling) -> dict[str, str]:
    """Label by key; what is odd is printed. Raises Refused, naming the row, for a label that is no class, or a broken key."""
    table, notes = opened(file)
    for note in notes:
        print(f"{file}: {note}")
    label_column, text_column = (column_of(table, guesses) for guesses in (LABEL_COLUMNS, TEXT_COLUMNS))
    if label_column is None or not ("key" in table.columns or text_column):
        raise Refused(f"{file} has columns {', '.join(table.columns)[:200]}, possible: label, and key or text; name them so")
    labels = cells(table, label_column, str(file), listed=True)
    texts = cells(table, text_column, str(file)) if text_column else [None] * len(labels)
    its_keys = cells(table, "key", str(file)) if "key" in table.columns else [keys.key(asked.uncell(text or "")) for text in texts]
    given, where, wrong, edited = {}, {}, [], []
    for number, (key, text, label) in enumerate(zip(its_keys, texts, labels), start=1):
        label = as_class((label or "").strip(), state.classes)
        if not label:
            continue
        key = (key or "").strip()
        try:
            if not KEY.fullmatch(key):
                raise Refused(f"{file}, row {number:,}: key = {key[:60]!r}, possible: t and 24 hexadecimal digits; bring it back")
            label = resolve.renamed(label, state.rename)
            resolve.refuse_unknown(label, state.classes, f"{file}, row {number:,}")
            if given.get(key, label) != label:
                both = f"{given[key]} and {label}"
                raise Refused(f"{file}, rows {where[key]:,} and {number:,}: one text has two labels, {both}; keep one")
        except Refused as refusal:
            wrong.append(str(refusal))
        given[key], where[key] = label, number
        if text and key in state.texts and differs(text, state.texts[key].text):
            edited.append(number)
    if wrong:
        more = f" (and {len(wrong) - SHOWN:,} more)" if len(wrong) > SHOWN else ""
        raise Refused("; ".join(wrong[:SHOWN]) + more + "; nothing was read")
    if edited:
        print(f"{file}: {len(edited):,} texts differ from those asked for, the first in row {edited[0]:,}: the key decides")
    return given


def opened(file: Path) -> tuple[Table, list[str]]:
    """The table of a file, its columns in small letters, and what is to be told of it."""
    suffix, packed = names.suffixes(file)
    if suffix in ("", ".csv", ".tsv", ".txt") and not packed:
        if not file.is_file():
            raise Refused(f"FILE={file}: no such file; possible: {names.POSSIBLE}")
        return asked.opened(file)
    try:
        table = files.READERS[suffix](file, "auto")
    except (ValueError, OSError, NotImplementedError) as error:
        raise Refused(f"FILE={file} cannot be read: {short(error)}; possible: {names.POSSIBLE}") from None
    return asked.in_small_letters(table), table.notes


def column_of(table: Table, guesses: tuple[str, ...]) -> str | None:
    """The column of one of these names; Refused where two could be meant."""
    found = matching("auto", guesses, table)
    return found[0] if found else None


def as_class(label: str, classes: list[str]) -> str:
    """A cell's label; the sign before what would be a formula is taken off."""
    return label if label in classes or label == CANNOT_SAY else asked.uncell(label)


def differs(cell: str, text: str) -> bool:
    """Whether a cell holds another text than the one that was written there; blanks and case, and what was cut, do not count."""
    cell = asked.uncell(cell)
    return keys.key(cell) != keys.key(text) and keys.key(cell) != keys.key(asked.uncell(asked.cell(text)))


if __name__ == "__main__":
    run(main)
