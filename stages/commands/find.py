"""`make find WORDS="refund chargeback" [STAGE=stage1] [MOST=20]`: add rows that hold one of the words to a round.

For rare classes a start by words beats any other: rows that are marked as found are asked for beside those that a strategy chose.
"""

import re
from collections.abc import Iterable

from stages.commands import waiting
from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal

MOST = 20


def main(words: str = "", stage: str = "", most: str = "") -> None:
    wanted = words.casefold().split()
    if not wanted:
        raise Refused('WORDS= names no word; possible: words that texts of a rare class hold: make find WORDS="refund chargeback"')
    if not re.fullmatch(r"[1-9][0-9]{0,4}|", most):
        raise Refused(f"MOST={most}: possible: a number from 1 to 99999, the most rows to add")
    for note in journal.restore():
        print(note)
    state = Labelling()
    names = [name for name in state.stages if asked.file_of(name).exists()]
    stage = stage or (names[-1] if names else "")
    if stage not in names:
        raise Refused(f"STAGE={stage}: nothing was asked there yet; possible: {', '.join(names) or 'none'}; make ask first")
    ever = {key for name in asked.written() for key in asked.keys(name)} | state.resolved().labels.keys()
    fitting = {key: holds(text.text, wanted) for key, text in state.texts.items() if not text.held and key not in ever}
    best = sorted((key for key in fitting if fitting[key]), key=lambda key: (-len(fitting[key]), keys.chance(key, 0)))
    chosen = best[: int(most or MOST)]
    rows = [row for key in chosen for row in state.rows([key], " ".join(fitting[key]))]
    if rows:
        asked.write(stage, [*asked.read(stage), *rows])
    fits = f"{len(best):,} that hold {' or '.join(wanted)} and were never asked for"
    print(f"{asked.file_of(stage)}: {len(rows):,} rows added, of {fits}")
    waiting.main()


def holds(text: str, words: Iterable[str]) -> list[str]:
    """Those of the words that begin a word of the text."""
    folded = text.casefold()
    return [word for word in words if re.search(rf"(?<!\w){re.escape(word)}", folded)]
