"""`make guesses FILE= [MOST_ERROR=0.02] [TAKE=1] [WHO=name] [UNDO=1]`: how good a program's guesses are; take the sure ones.

    make guesses FILE=gpt-x.jsonl           how often they agree with answers, and from which sureness on they may be taken
    make guesses FILE=gpt-x.jsonl TAKE=1    take these for answers of program-gpt-x, where there is no answer yet
    make guesses WHO=gpt-x UNDO=1           take all answers of program-gpt-x back

FILE is labels.guesses if it is left out. Answers of people outrank those of programs. Only rows drawn at random say whether guesses
may be taken: those of labels/holdout.csv and labels/random.csv, once people have answered all rows of the file, because the open
ones may be the hard ones. There, "cannot say" and a conflict count as errors of the program. None of these rows is ever taken.
"""

import math
import re
from bisect import bisect_left
from pathlib import Path

import numpy as np

from stages.commands import waiting
from stages.core.base.errors import Refused, switch
from stages.core.people import finding, program_guesses
from stages.core.people.labelling import Labelling, begin
from stages.core.people.program_guesses import Guess
from stages.core.people.records import asked, journal
from stages.core.reporting.markdown import table
from stages.core.reporting.statistics import ALPHA

MOST_ERROR = "0.02"
THRESHOLDS = (1, 0.9999, 0.999, *(number / 100 for number in range(99, -1, -1)))  # 0: all guesses


def main(file: str = "", most_error: str = "", take: str = "", who: str = "", undo: str = "") -> None:
    most_error = most_error or MOST_ERROR
    if not re.fullmatch(r"0?\.[0-9]{1,6}", most_error) or not 0 < float(most_error) <= 0.5:
        raise Refused(f"MOST_ERROR={most_error}: possible: a share above 0, 0.5 at most, such as {MOST_ERROR}")
    state, undo, take = begin(), switch("UNDO", undo), switch("TAKE", take)
    if undo and who:  # whatever the file holds now
        return take_back(state, name_of(who))
    file = file or state.settings.labels.guesses
    if file == "none":
        raise Refused("FILE= is empty, and so is labels.guesses; possible: a jsonl of guesses: make guesses FILE=gpt-x.jsonl")
    guesses = program_guesses.read(Path(file), state.classes, state.rename, state.kind)
    programs = sorted({guess.program for guess in guesses.values()})
    if len(programs) != 1:
        found = ", ".join(programs)[:200] or "no program"
        raise Refused(f"{file} holds guesses of {found}, possible: one program; write a file for each")
    name = name_of(who or programs[0])
    if undo:
        return take_back(state, name)
    known = {key: guess for key, guess in guesses.items() if key in state.texts}
    print(f"{file}: {len(known):,} guesses; {len(guesses) - len(known):,} more are for texts that are not in the data set now")
    resolved = state.resolved()
    people, counting = resolved.by_people(), set()
    drawn = {asked.file_of(each): set(state.keys_of(each)) for each in asked.FAIR}
    print(by_class(known, people))
    for its_file, rows in drawn.items():
        if left := len(rows - people.keys()):
            print(f"{its_file}: {left:,} of {len(rows):,} rows wait for people; none counts before all are answered")
        else:
            counting |= rows & known.keys()
    fair = sorted(counting)
    sure, right = [known[key].sure or 0 for key in fair], [known[key].label == people[key] for key in fair]
    least, words = threshold(np.array(sure), np.array(right, bool), float(most_error))
    print(words := f"on {len(fair):,} rows that were drawn at random and answered by people: {words}")
    if least is None:
        if take:
            raise Refused(f"TAKE=1 with MOST_ERROR={most_error}: {words}; nothing was taken")
        return None
    closed = {*resolved.labels, *resolved.conflicts}.union(*drawn.values())
    taken = [key for key in known.keys() - closed if (known[key].sure or 0) >= least and not state.texts[key].in_holdout]
    if not take:
        return print(f"TAKE=1 makes {len(taken):,} guesses answers of {name}; UNDO=1 takes them back")
    unasked = sorted(set(taken) - asked.keys_in(asked.written()))
    if unasked:  # if no round asked for them, they would count for stage1, and all later rounds would run again
        asked.add(finding.stage_for(state), state.rows(unasked, dict.fromkeys(unasked, name)))
    journal.append(name, [(key, known[key].label) for key in sorted(taken)])
    of_rounds = f"{len(taken) - len(unasked):,} of them to rows that a round asks for"
    print(f"{len(taken):,} guesses are now answers of {name}, {of_rounds}; UNDO=1 takes them back")
    return waiting.main()


def name_of(program: str) -> str:
    return journal.PROGRAM + re.sub(r"[^\w.-]", "-", program).removeprefix(journal.PROGRAM)[:50]


def take_back(state: Labelling, name: str) -> None:
    print(f"{journal.append(name, [(key, '') for key in journal.answers_of(name)]):,} answers of {name} are taken back")
    answered = state.resolved().answers
    for stage in state.stages:
        asked.drop(stage, {row.key for row in asked.read(stage) if row.found == name} - answered.keys())
    waiting.main()


def by_class(known: dict[str, Guess], people: dict[str, str | None]) -> str:
    """How often guesses of each class agree with all the answers there are, those to rows that a strategy or a search chose too."""
    from scipy.stats import binomtest

    lines = []
    for name in [*sorted({guess.label for guess in known.values()}), None]:
        own = {key: guess.label for key, guess in known.items() if name in (None, guess.label)}
        right = [label == people[key] for key, label in own.items() if key in people]
        low, high = binomtest(sum(right), len(right)).proportion_ci(1 - ALPHA, "exact") if right else (0, 1)
        shown = [f"{np.mean(right):.1%}", f"{low:.1%} to {high:.1%}"] if right else ["", ""]
        lines.append([name or "in all", f"{len(own):,}", f"{len(right):,}", f"{sum(right):,}", *shown])
    return table(lines, ["guess", "guesses", "answered", "agree", "share", "95% interval"], left=1)


def most_wrong(wrong: int, rows: int) -> float:
    """The exact upper bound, at 1 - ALPHA, of a share of errors (Clopper & Pearson 1934)."""
    from scipy.stats import beta

    return float(beta.ppf(1 - ALPHA, wrong + 1, rows - wrong)) if wrong < rows else 1.0


def threshold(sure: np.ndarray, right: np.ndarray, most_error: float) -> tuple[float | None, str]:
    """(the sureness from which on at most `most_error` of the guesses are wrong, or None; why, in words).

    sure    float [rows]   of guesses on rows drawn at random, 0 where it is unknown
    right   bool [rows]

    The best of many thresholds is wrong more often than ALPHA. So they are tried in a fixed order, from the surest down, and the
    first that fails ends it: fixed-sequence testing (Bauer 1991; "Learn then Test", Angelopoulos et al. 2021). Those with too few
    rows to pass are left out, which depends on `sure` alone.
    """
    enough, passed, said = math.log(ALPHA) / math.log(1 - most_error), None, ""
    for least in THRESHOLDS:
        wrong, rows = int((~right[sure >= least]).sum()), int((sure >= least).sum())
        if rows < enough and least:
            continue
        bound = most_wrong(wrong, rows)
        words = f"{f'of guesses with sure >= {least:g}' if least else 'of all guesses'}, {wrong:,} of {rows:,} are wrong"
        if bound > most_error:
            more = bisect_left(range(10**9), True, key=lambda more: most_wrong(wrong, rows + more) <= most_error)
            return passed, said or f"{words}, up to {bound:.2%} may be; it takes {more:,} more such rows without an error"
        passed, said = float(least), f"{words}, at most {bound:.2%} may be: these guesses may be taken"
    return passed, said
