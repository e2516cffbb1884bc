"""What the page shows and does, for all its windows: rows are handed out, answers are taken, and nothing of it is kept here.

What is known of answers is read from labels/ each time, so that other windows, other programs and a spreadsheet may write there
meanwhile. Kept in memory alone: which window has which row before it, so that two windows are not handed the same.
"""

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from stages.core.base import params, paths
from stages.core.base.errors import Refused
from stages.core.people import label_errors
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.choosing import Choosing
from stages.core.people.labelling_page.doubting import Doubting
from stages.core.people.records import asked, conflicts, journal
from stages.core.people.records.journal import Answer

READ = (
    params.PATH,
    paths.CLASSES,
    paths.POOL,
    paths.HOLDOUT,
    paths.SOURCE_LABELS,
    paths.SOURCE_HOLDOUT_LABELS,
    paths.CLUSTERS,
)
MOST_AT_ONCE = 9
SECONDS_HELD = 120  # a window that is not heard of for so long gives its rows back
SECONDS_OF_A_PAUSE = 300  # a longer time between two answers was no thinking
PACE_OF = 50  # answers, the last ones
SHOWN = 200  # earlier answers at once


@dataclass(frozen=True)
class Queue:
    """
    name    the round; conflicts for what is to be decided; None where nothing waits
    rows    keys of all that it asks for
    left    those of them that wait for an answer, in order
    """

    name: str | None
    rows: list[str]
    left: list[str]


class Desk:
    """One a server; its methods may be called from several threads.

    choosing   asks for the next rows, where all is answered
    clock      seconds that never go back
    doubting   finds the answers that are to be looked at again
    """

    def __init__(self, choosing: Choosing, clock: Callable[[], float] = time.monotonic, doubting: Doubting | None = None):
        self.choosing, self.clock = choosing, clock
        self.doubting = doubting or Doubting()
        self.lock = threading.RLock()
        self.held: dict[tuple[str, str], tuple[str, float]] = {}  # (whose queue, key) -> (window, since)
        self.seen: tuple | None = None  # of the files of `known`, when they were read
        self.known: Labelling | None = None

    def state(self) -> Labelling:
        """Classes, texts and settings, read anew when one of their files was written. While DVC makes them, those of before."""
        now = tuple(_stamp(path) for path in READ)
        if now != self.seen:
            try:
                state = Labelling()
                _ = state.texts
            except Refused:
                if self.known is None:
                    raise
                return self.known
            self.known, self.seen = state, now
        return self.known

    def show(
        self, who: str, window: str, at_once: int = 1, guess: bool = False, again: bool = False, key: str = ""
    ) -> dict[str, Any]:
        """What a window shows now.

        at_once   rows of one bucket side by side
        guess     whether the model's guess comes along before there is an answer
        again     hand out what others have answered too, so that agreement can be measured
        key       a text that was answered, to be looked at again; nothing else is handed out then
        """
        with self.lock:
            state, mine = self.state(), self._mine(who)
            queue = self._queue(state, who, mine, again)
            whose = who if again else ""
            if key:
                keys = [state.text(key).key]
            else:
                keys = self._hand_out(whose, window, state, queue.left, min(max(at_once, 1), MOST_AT_ONCE))
            return {
                "who": who,
                "classes": state.classes,
                "guide": state.guide,
                "round": queue.name,
                "answered": len(queue.rows) - len(queue.left),
                "asked": len(queue.rows),
                "seconds_left": _seconds_left(journal.history(who), len(queue.left)),
                "elsewhere": len(queue.left) if queue.left and not keys else 0,
                "rows": [self._row(state, queue, who, mine, each, guess) for each in keys],
                "choosing": self.choosing.told(),
            }

    def answer(self, who: str, key: str, label: str, at: str = "") -> dict[str, Any]:
        """Write one answer, as Labelling.answer does; what it was before, and what the model of the round `at` guesses."""
        with self.lock:
            state = self.state()
            before = self._mine(who).get(key)
            state.answer(who, key, label)
            for place in [place for place in self.held if place[1] == key]:
                del self.held[place]
            return {
                "key": key,
                "label": label,
                "before": conflicts.renamed(before.label, state.rename) if before else "",
                "guess": state.guess(state.predicted(at), state.texts[key]),
            }

    def hold(self, window: str) -> dict[str, Any]:
        """A window that is looked at keeps its rows; which they are still."""
        with self.lock:
            now = self.clock()
            mine = [place for place, (by, since) in self.held.items() if by == window and now - since < SECONDS_HELD]
            self.held |= {place: (window, now) for place in mine}
            return {"held": [key for _, key in mine]}

    def earlier(self, who: str, words: str = "") -> dict[str, Any]:
        """What an annotator answered, the last first; of texts and labels that hold `words`."""
        with self.lock:
            state, wanted = self.state(), words.casefold().strip()
            rows = []
            for answer in sorted(self._mine(who).values(), key=lambda answer: -answer.line):
                text = state.texts.get(answer.key)
                label = conflicts.renamed(answer.label, state.rename)
                if text and (wanted in text.text.casefold() or wanted == label.casefold()):
                    rows.append({"key": answer.key, "text": text.text, "label": label, "when": answer.when})
            return {"rows": rows[:SHOWN], "all": len(rows)}

    def choose(self, who: str) -> dict[str, Any]:
        """Begin to choose the next rows, unless it goes on already or something waits for an answer still."""
        with self.lock:
            if self._queue(self.state(), "", {}, False).name is None and who != journal.DECIDED:
                self.choosing.begin()
            return self.choosing.told()

    def doubt(self, who: str) -> dict[str, Any]:
        """Begin to look for doubtful answers, unless that goes on already."""
        self.doubting.begin()
        return self.doubting.told()

    def doubts(self, who: str) -> dict[str, Any]:
        """The doubtful ones of an annotator's answers, or of all where it is DECIDED, that were not looked at since; the worst
        first. `likelier` is what the model would say, to be told when there is an answer.
        """
        with self.lock:
            state, mine = self.state(), self._mine(who)
            meant = label_errors.looked_at_twice(state.rename)

            def waits(doubt: label_errors.Doubt) -> bool:
                if who == journal.DECIDED:
                    return doubt.key not in mine
                return doubt.key in mine and conflicts.renamed(mine[doubt.key].label, state.rename) == doubt.label

            whose = [doubt for doubt in self.doubting.found if who == journal.DECIDED or doubt.key in mine]
            left = [
                doubt for doubt in label_errors.worst(whose) if waits(doubt) and doubt.key in state.texts and doubt.key not in meant
            ]
            return self.doubting.told() | {"rows": [{"key": doubt.key, "likelier": doubt.likelier} for doubt in left]}

    def _queue(self, state: Labelling, who: str, mine: Mapping[str, Answer], again: bool) -> Queue:
        found = state.resolved()
        if who == journal.DECIDED:
            settled = [key for key in mine if key in state.texts]
            return Queue("conflicts" if found.conflicts else None, [*settled, *found.conflicts], list(found.conflicts))
        rows: list[str] = []
        for name in state.names:
            rows = state.keys_of(name)
            if again:
                left = [key for key in rows if key not in mine and not state.texts[key].source]
            else:
                left = state.open_keys(name, found)
            if left:
                return Queue(name, rows, left)
        return Queue(None, [], [])

    def _hand_out(self, whose: str, window: str, state: Labelling, left: list[str], at_once: int) -> list[str]:
        """Keys of at most `at_once` rows of one bucket that no other window has before it."""
        now = self.clock()
        self.held = {
            place: (by, since)
            for place, (by, since) in self.held.items()
            if now - since < SECONDS_HELD and not (by == window and place[0] == whose)
        }
        free = [key for key in left if (whose, key) not in self.held]
        bucket = self._bucket(state, free[0]) if free else None
        some = []
        for key in free:
            if len(some) == at_once:
                break
            if self._bucket(state, key) == bucket:
                some.append(key)
        self.held |= {(whose, key): (window, now) for key in some}
        return some

    def _bucket(self, state: Labelling, key: str) -> int | None:
        text = state.texts[key]
        try:
            return None if text.held else int(state.buckets[text.row])
        except (Refused, IndexError):  # being made anew
            return None

    def _row(self, state: Labelling, queue: Queue, who: str, mine: Mapping[str, Answer], key: str, guess: bool) -> dict[str, Any]:
        text, found = state.texts[key], {}
        if queue.name in state.stages:
            found = {row.key: row.found for row in asked.read(queue.name)}
        row = {
            "key": key,
            "text": text.text,
            "group": text.group,
            "bucket": self._bucket(state, key),
            "found": found.get(key, ""),
            "label": conflicts.renamed(mine[key].label, state.rename) if key in mine else "",
        }
        if who == journal.DECIDED:
            given = {name: journal.current(journal.history(name)) for name in journal.annotators() if name != who}
            said = {name: conflicts.renamed(by[key].label, state.rename) for name, by in given.items() if key in by}
            row["said"] = said or ({"the source": text.source} if text.source else {})
        if guess:
            row["guess"] = state.guess(state.predicted(queue.name or ""), text)
        return row

    def _mine(self, who: str) -> dict[str, Answer]:
        return journal.current(journal.history(who))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _seconds_left(history: list[Answer], rows: int) -> int | None:
    """How long so many rows take at the pace of an annotator's last answers; None where too few tell it."""
    times = []
    for answer in history[-PACE_OF:]:
        try:
            times.append(datetime.fromisoformat(answer.when))
        except ValueError:  # of a script, which needs no time
            continue
    try:
        gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(times)]
    except TypeError:  # some with a zone and some without
        return None
    gaps = [gap for gap in gaps if 0 < gap < SECONDS_OF_A_PAUSE]
    return round(statistics.median(gaps) * rows) if len(gaps) >= 3 else None
