"""What the page shows and does, for all its windows: hands out rows and takes answers.

Each time it reads what is new in labels/, so other windows, programs and spreadsheets may write there meanwhile. Memory alone holds
which window has which row, so that two windows never get the same one.
"""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from stages.core import task
from stages.core.base import params, paths
from stages.core.base.errors import Refused
from stages.core.people import finding, label_errors
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.background import Background, Choosing
from stages.core.people.records import asked, effort, journal
from stages.core.people.records.journal import DECIDED, Answer

READ = (params.PATH, paths.CLASSES, paths.POOL, paths.HOLDOUT, paths.SOURCE_LABELS, paths.SOURCE_HOLDOUT_LABELS, paths.CLUSTERS)
MOST_AT_ONCE = 9
SECONDS_HELD = 120  # a window that is silent for longer loses its rows
PACE_OF = 50  # the last answers
SHOWN = 200  # earlier answers at once

Own = dict[str, Answer]  # key -> the current answer of one annotator


@dataclass(frozen=True)
class Queue:
    name: str | None  # of the round; "conflicts" for DECIDED; None if nothing is open
    rows: list[str]  # all its keys
    open: list[str]  # the unanswered ones, in order


class Desk:
    """One per server; several threads may call its methods.

    choosing   asks for the next rows when every row is answered
    clock      seconds that never go back
    doubting   finds the answers that a model doubts
    """

    def __init__(self, choosing: Choosing, clock: Callable[[], float] = time.monotonic, doubting: Background | None = None):
        self.choosing, self.clock = choosing, clock
        self.doubting = doubting or Background(lambda: label_errors.listed(Labelling()))
        self.lock = threading.RLock()
        self.held: dict[tuple[str, str], tuple[str, float]] = {}  # (owner of the queue, key) -> (window, since)
        self.seen: tuple | None = None  # state of the files that `known` was read from
        self.known: Labelling | None = None

    def state(self) -> Labelling:
        """Classes, texts and settings, read again when their files change. While DVC rebuilds these files, the earlier state."""
        now = tuple(map(journal.version, READ))
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

    def show(self, who: str, window: str, at_once: int = 1, guess: bool = False, again: bool = False, key: str = "") -> dict:
        """What a window shows now.

        at_once   rows of one bucket side by side
        guess     whether to show guesses, the model's and those of labels.guesses, before the answer
        again     also hand out rows that others have answered, to measure agreement
        key       an answered text to show again, instead of new rows
        """
        with self.lock:
            state = self.state()
            own = state.answers_of(who)
            queue = self._queue(state, who, own, again)
            if key:
                keys = [state.text(key).key]
            else:
                keys = self._hand_out(who if again else "", window, state, queue.open, min(max(at_once, 1), MOST_AT_ONCE))
            asked_for = asked.read(queue.name) if queue.name in state.stages else []
            found = {row.key: row.found for row in asked_for if row.by_hand}
            rows = [self._row(state, who, own, each) | {"found": found.get(each, "")} for each in keys]
            if not again and who != DECIDED:
                twins = state.twins([*queue.open, *keys])  # of the whole round at once, which takes as long as of one row
                alike = {each: [{"key": twin, "text": state.texts[twin].text} for twin in twins.get(each, [])] for each in keys}
                rows = [row | {"alike": alike[row["key"]]} for row in rows]
            if guess:
                predicted = state.predicted(queue.name or "")
                for row in rows:
                    row["guess"] = state.guess(predicted, state.texts[row["key"]])
                    row["program"] = state.program_guess(row["key"])
            return {
                "who": who,
                "classes": state.classes,
                "none": state.kind.nothing,
                "guide": state.guide,
                "for_all": state.settings.labels.alike == "auto",
                "round": queue.name,
                "answered": len(queue.rows) - len(queue.open),
                "asked": len(queue.rows),
                "seconds_left": _seconds_left(journal.history(who), len(queue.open)),
                "elsewhere": len(queue.open) if queue.open and not keys else 0,
                "rows": rows,
                "choosing": self.choosing.status(),
            }

    def answer(self, who: str, key: str, label: str, at: str = "") -> dict:
        """Write one answer as Labelling.answer does; returns the answer before, and what was guessed in round `at`.

        key   of the text, and then, with blanks between, of near-duplicates that get the same answer if they are as far as it is
        """
        key, *alike = key.split() or [""]
        with self.lock:
            state = self.state()
            own, program = state.answers_of(who), state.program_guess(key) if at else ""
            before, near = own.get(key), state.twins([state.text(key).key]).get(key, []) if alike else []
            if before:  # those that were answered with it, whoever answered them since
                same = [twin for twin in alike if twin in own and own[twin].label == before.label and twin in state.texts]
                near += [twin for twin in same if not state.is_fair(twin)]
            twins = [twin for twin in dict.fromkeys(near) if twin in alike]
            state.answer(who, key, label, twins)
            self.held = {place: holder for place, holder in self.held.items() if place[1] not in (key, *twins)}
            return {
                "key": key,
                "label": state.present(label),
                "alike": twins,
                "before": state.present(before.label) if before else "",
                "guess": state.guess(state.predicted(at), state.texts[key]),
                "program": program,
            }

    def hold(self, window: str) -> dict:
        """A visible window keeps its rows; returns which they still are."""
        with self.lock:
            now = self.clock()
            own = [place for place, (by, since) in self.held.items() if by == window and now - since < SECONDS_HELD]
            self.held |= {place: (window, now) for place in own}
            return {"held": [key for _, key in own]}

    def earlier(self, who: str, words: str = "") -> dict:
        """An annotator's answers, the last first, whose text contains `words` or whose label, or one of them, is that."""
        with self.lock:
            state, wanted = self.state(), words.casefold().strip()
            rows = []
            for answer in sorted(state.answers_of(who).values(), key=lambda answer: -answer.line):
                text = state.texts.get(answer.key)
                label = state.present(answer.label)
                names = map(str.casefold, [label, *task.names(state.kind.read(label))])
                if text and (wanted in text.text.casefold() or wanted in names):
                    rows.append({"key": answer.key, "text": text.text, "label": label, "when": answer.when})
            return {"rows": rows[:SHOWN], "all": len(rows)}

    def choose(self, who: str) -> dict:
        """Start choosing the next rows, unless it is going on or a row is still open."""
        with self.lock:
            if who != DECIDED and self._queue(self.state(), "", {}, False).name is None:
                self.choosing.start()
            return self.choosing.status()

    def find(self, who: str, way: str, what: str) -> dict:
        """The best unasked rows for the words, the text or the class `what`; other windows go on meanwhile."""
        with self.lock:
            state = self.state()
            among = finding.unasked(state)
        found, of = finding.best(state, way, what, among, finding.MOST)
        return {"rows": [{"key": key, "text": state.texts[key].text} for key in found], "of": of}

    def add(self, who: str, way: str, what: str, keys: str, at: str) -> dict:
        """Ask for rows that `find` gave, by their keys, in the round `at`, or in the newest where that is no stage."""
        with self.lock:
            state, wanted = self.state(), set(keys.split())
            stage = finding.stage_for(state, at if at in state.stages else "")
            among = [key for key in finding.unasked(state) if key in wanted]
        found, _ = finding.best(state, way, what, among, len(wanted))
        asked.add(stage, state.rows(found, found))
        return {"added": len(found), "stage": stage}

    def doubt(self, who: str) -> dict:
        """Start looking for doubtful answers, unless that is going on."""
        self.doubting.start()
        return self.doubting.status()

    def doubts(self, who: str) -> dict:
        """The doubtful answers of an annotator, or of all for DECIDED, that nobody has checked since; the worst first.

        `likelier` is the model's class, which the page shows after the answer, or the answer with one label set or taken back.
        """
        with self.lock:
            state = self.state()
            own = state.answers_of(who)
            confirmed = label_errors.confirmed(state.present)
            doubts = [doubt for doubt in self.doubting.result or [] if who == DECIDED or doubt.key in own]
            rows = []
            for doubt in label_errors.worst(doubts):
                label = state.present(own[doubt.key].label) if doubt.key in own else None
                unchanged = label == (None if who == DECIDED else doubt.label)
                if unchanged and doubt.key in state.texts and doubt.key not in confirmed:
                    rows.append({"key": doubt.key, "label": doubt.label, "likelier": doubt.likelier})
            return self.doubting.status() | {"rows": rows}

    def _queue(self, state: Labelling, who: str, own: Own, again: bool) -> Queue:
        resolved = state.resolved()
        if who == DECIDED:
            settled = [key for key in own if key in state.texts]
            return Queue("conflicts" if resolved.conflicts else None, [*settled, *resolved.conflicts], list(resolved.conflicts))
        for name in state.round_names:
            if again:
                unanswered = [key for key in state.keys_of(name) if key not in own and not state.texts[key].source]
            else:
                unanswered = state.open_keys(name, resolved)
            if unanswered:
                found = {row.key for row in asked.read(name) if row.found}
                unanswered.sort(key=lambda key: key not in found)  # what somebody looked for comes next
                return Queue(name, state.keys_of(name), unanswered)
        return Queue(None, [], [])

    def _hand_out(self, owner: str, window: str, state: Labelling, unanswered: list[str], at_once: int) -> list[str]:
        """Up to `at_once` keys of one bucket that no other window holds."""
        now = self.clock()
        for (queue, key), (by, since) in list(self.held.items()):
            if now - since >= SECONDS_HELD or (by == window and queue == owner):
                del self.held[queue, key]
        free = [key for key in unanswered if (owner, key) not in self.held]
        bucket = self._bucket(state, free[0]) if free else None
        keys = list(islice((key for key in free if self._bucket(state, key) == bucket), at_once))
        self.held |= {(owner, key): (window, now) for key in keys}
        return keys

    def _bucket(self, state: Labelling, key: str) -> int | None:
        text = state.texts[key]
        try:
            return None if text.in_holdout else int(state.buckets[text.row])
        except (Refused, IndexError):  # DVC is rebuilding the buckets
            return None

    def _row(self, state: Labelling, who: str, own: Own, key: str) -> dict:
        text = state.texts[key]
        label = state.present(own[key].label) if key in own else ""
        row = {"key": key, "text": text.text, "group": text.group, "bucket": self._bucket(state, key), "label": label}
        row["in_holdout"] = text.in_holdout
        if who == DECIDED:
            others = {name: state.answers_of(name).get(key) for name in journal.annotators() if name != who}
            labels = {name: state.present(answer.label) for name, answer in others.items() if answer}
            row["answers"] = labels or ({"the source": text.source} if text.source else {})
            heard = state.resolved().conflicts.get(key, {}).values()
            row["agreed"], row["disputed"] = map(sorted, state.shared(heard))
        return row


def _seconds_left(history: list[Answer], rows: int) -> int | None:
    """How long these rows take at the pace of the annotator's last answers; None if too few have a time."""
    gaps = [gap for gap in effort.gaps(history[-PACE_OF:]) if gap]  # answers of one second came from a file
    return round(statistics.median(gaps) * rows) if len(gaps) >= 3 else None
