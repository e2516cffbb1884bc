"""`make find WORDS="refund chargeback" [STAGE=stage1] [MOST=20]`: add rows that contain one of the words to a round.

This is the best start for rare classes. The rows count beside those that a strategy chose.
"""

import re

from stages.commands import waiting
from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.labelling import begin
from stages.core.people.records import asked

MOST = 20


def main(words: str = "", stage: str = "", most: str = "") -> None:
    wanted = words.casefold().split()
    if not wanted:
        raise Refused('WORDS= is empty; possible: words in texts of a rare class: make find WORDS="refund chargeback"')
    if not re.fullmatch(r"[1-9][0-9]{0,4}|", most):
        raise Refused(f"MOST={most}: possible: a number from 1 to 99999, the most rows to add")
    state = begin()
    names = [name for name in state.stages if asked.file_of(name).exists()]
    stage = stage or (names[-1] if names else "")
    if stage not in names:
        raise Refused(f"STAGE={stage}: nothing was asked there yet; possible: {', '.join(names) or 'none'}; make ask first")
    seen = {key for name in asked.written() for key in asked.keys(name)} | state.resolved().labels.keys()
    begins = {word: re.compile(rf"(?<!\w){re.escape(word)}") for word in wanted}  # the beginning of a word is enough
    folded = ((key, state.texts[key].text.casefold()) for key in state.pool_keys() if key not in seen)
    matches = {key: [word for word in wanted if begins[word].search(text)] for key, text in folded}
    best = sorted((key for key in matches if matches[key]), key=lambda key: (-len(matches[key]), keys.chance(key, 0)))
    rows = [row for key in best[: int(most or MOST)] for row in state.rows([key], " ".join(matches[key]))]
    if rows:
        asked.add(stage, rows)
    print(f"{asked.file_of(stage)}: {len(rows):,} rows added, of {len(best):,} unasked rows with {' or '.join(wanted)}")
    waiting.main()
