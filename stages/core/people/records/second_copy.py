"""The second copy of people's answers, .gleaner/answers/, outside git: it brings back what git or DVC took away.

They replace a file by an older one when another commit is checked out or an experiment is applied. Lines of one key and one time
are one answer: where file and copy differ in it, the file is right, since a person has corrected it, and the copy follows.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress

from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.people.records import journal
from stages.core.people.records.journal import COPY, FOLDER, Answer, Lines


def restore(known: Callable[[str], bool] | None = None) -> list[str]:
    """Bring back answers that only the second copy holds, and let the copy follow the file; returns notes for people.

    known   whether to bring back a label; None: all. Those of a class that was tried on another branch stay in the copy

    A lost answer stays out if its key has a later one, because it would count again.
    """
    notes = []
    with journal.locked():
        for who in sorted({*journal.annotators(), *journal.annotators(COPY)}):
            file, copy = FOLDER / f"{who}.csv", COPY / f"{who}.csv"
            (kept, half), (copied, _) = journal.read_lines(file), journal.read_lines(copy)
            if half:  # an editor may leave out the last line end
                kept = journal.grown(file, kept, kept.data + half + b"\n")
            lost, following = _compared(kept, copied)
            back = [answer for answer in lost if known is None or known(answer.label)]
            if back:
                journal.add(file, back, copied.columns)
                notes.append(f"{file}: {len(back):,} lost answers are back, from {copy}")
            if strange := sorted({answer.label for answer in lost} - {answer.label for answer in back}):
                notes.append(f"{copy}: {len(lost) - len(back):,} answers stay there: {', '.join(strange)[:80]} is no class now")
            columns = kept.columns or copied.columns
            now = journal.text_of(following, columns)
            if now != journal.text_of(copied.answers, copied.columns):
                with suppress(Refused), artifacts.whole(copy) as part:
                    part.write_text(journal.text_of([], columns, names=True) + now, encoding="utf-8")
    return notes


def _compared(kept: Lines, copied: Lines) -> tuple[list[Answer], list[Answer]]:
    """(answers that only the copy holds, what the copy should hold: the file's lines, and its own before those that came later).

    A line of the copy is a line of the file if key and time are the same; in a file without times, if the key is.
    """
    timed = not kept.columns or "when" in kept.columns
    last = {answer.key: answer.when for answer in kept.answers}
    same: dict[tuple[str, str], deque[Answer]] = defaultdict(deque)
    for answer in kept.answers:
        same[answer.key, answer.when].append(answer)
    alone, before = [], {}
    for answer in copied.answers:
        if found := same[answer.key, answer.when if timed else ""]:
            before[id(found.popleft())], alone = alone, []
        else:
            alone.append(answer)
    following = [each for answer in kept.answers for each in (*before.get(id(answer), ()), answer)] + alone
    own = [answer for several in (*before.values(), alone) for answer in several]
    return [answer for answer in own if answer.when >= last.get(answer.key, "")], following
