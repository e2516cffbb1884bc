"""What people answered: labels/answers/ANNOTATOR.csv, to which lines are only ever added.

    key,label,when
    t76d81909f941334c44312a0b,positive,2026-11-25T19:04:27Z

The last line for a key counts. Its label is a class, CANNOT_SAY, or nothing: then the answer is taken back. A script may write
such a file too; `when` is for people alone, and other columns are passed over. The answers of the annotator DECIDED settle what
others disagree on.

.gleaner/answers/ holds the same lines once more, outside git: a command of git or DVC that puts an older file in place of a
newer one takes nothing from there, and `restore` brings back what is missing.
"""

import csv
import fcntl
import getpass
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stages.core.base.errors import Refused

FOLDER, COPY = Path("labels/answers"), Path(".gleaner/answers")
LOCK = Path(".gleaner/labels.lock")
CANNOT_SAY = "?"
DECIDED = "decided"
HEADER = "key,label,when\n"
KEY = re.compile(r"t[0-9a-f]{24}")
WHO = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True)
class Answer:
    """One line of a file; `line` is its number, from 1."""

    key: str
    label: str
    when: str
    line: int

    @property
    def same(self) -> tuple[str, str, str]:
        """What two lines have in common that say one thing, wherever they stand."""
        return self.key, self.label, self.when


def file_of(who: str) -> Path:
    """Raises Refused for a name that can be no file's."""
    if not WHO.fullmatch(who):
        raise Refused(f"WHO={who!r}: possible: letters, digits, . - and _, up to 64, such as WHO=anna; name the annotator so")
    return FOLDER / f"{who}.csv"


def myself() -> str:
    """Who answers where nobody is named: the name of the account."""
    try:
        name = re.sub(r"[^\w.-]", "-", getpass.getuser()).lstrip("_.-")[:64]
    except (OSError, KeyError):
        name = ""
    return name or "me"


def annotators() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.csv") if WHO.fullmatch(file.stem))


def lines(file: Path) -> tuple[list[Answer], list[str]]:
    """All whole lines of an annotator's file, oldest first, and a word on each that is none.

    Raises Refused where the first line does not name the columns.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}; mend that, then go on") from None
    whole, end, half = data.rpartition(b"\n")
    text = (whole + end).decode("utf-8-sig", errors="replace")  # a label that is broken is no class, and is told as such
    said = []
    if half:
        number = text.count("\n") + 1
        said.append(f"{file}, line {number:,}: half a line is passed over; if it is whole, end it with a line break")
    rows = [next(csv.reader([line.rstrip("\r")]), []) for line in text.split("\n")[:-1]]  # one by one: a half quote ends there
    if not rows:
        return [], said
    header = [cell.strip().lower() for cell in rows[0]]
    if not {"key", "label"} <= set(header):
        raise Refused(f"{file}, line 1: found {','.join(header)[:80]}, possible: key,label,when; put it there")
    places = [header.index(name) for name in ("key", "label", "when") if name in header]
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        key, label, when = *(cells[place].strip() if place < len(cells) else None for place in places), *[""][: 3 - len(places)]
        if None not in (label, when) and KEY.fullmatch(key or ""):
            found.append(Answer(key, label, when, number))
        elif any(cells):
            said.append(f"{file}, line {number:,}: {','.join(cells)[:60]!r} is no key and label, and is passed over")
    return found, said


def current(found: Iterable[Answer]) -> dict[str, Answer]:
    """By key the line that counts; none where an answer was taken back."""
    last = {answer.key: answer for answer in found}
    return {key: answer for key, answer in last.items() if answer.label}


def history(who: str) -> list[Answer]:
    """What one annotator answered, oldest first, with what was changed and taken back later."""
    return lines(file_of(who))[0]


def append(who: str, given: Iterable[tuple[str, ...]], now: datetime | None = None) -> int:
    """Add answers (key, label), or (key, label, when) where they were given earlier, to an annotator's file; how many there were.
    They are on disk when this returns.

    Raises Refused where the file cannot be written, or a key or label cannot stand in it.
    """
    when = stamp(now or datetime.now(UTC))
    added = [Answer(key, label, next(iter(then), "") or when, 0) for key, label, *then in given]
    for answer in added:
        if not KEY.fullmatch(answer.key) or answer.label != answer.label.strip() or re.search(r"[\r\n]", answer.label):
            raise Refused(f"{answer.key!r}, {answer.label!r} is no key and label; a key is t and 24 hexadecimal digits")
    file = file_of(who)
    with locked():
        _add(file, added)
        with suppress(OSError, Refused):  # the answer is kept; what failed is the copy
            _add(COPY / file.name, added)
    return len(added)


def stamp(moment: datetime) -> str:
    """A time as it is written: UTC, in seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def restore() -> list[str]:
    """Bring back into labels/answers what stands in the copy alone, and keep a copy of all else; a word on each file mended.

    A line that was followed by a later one for its key stays out: it would count again.
    """
    said = []
    with locked():
        for name in sorted({file.name for folder in (FOLDER, COPY) for file in folder.glob("*.csv") if WHO.fullmatch(file.stem)}):
            (kept, _), (copied, _) = lines(FOLDER / name), lines(COPY / name)
            last = {answer.key: answer.when for answer in kept}
            lost = [answer for answer in _missing(copied, kept) if answer.when >= last.get(answer.key, "")]
            if lost:
                _add(FOLDER / name, lost)
                said.append(f"{FOLDER / name}: {len(lost):,} answers that were lost are back, from {COPY / name}")
            with suppress(OSError, Refused):
                _add(COPY / name, _missing(kept, copied))
    return said


def _missing(there: list[Answer], here: list[Answer]) -> list[Answer]:
    counts = Counter(answer.same for answer in here)
    missing = []
    for answer in there:
        counts[answer.same] -= 1
        missing += [answer] if counts[answer.same] < 0 else []
    return missing


def _add(file: Path, added: list[Answer]) -> None:
    """Open, append, sync, close: every time, since git and DVC put new files in the place of old ones."""
    if not added:
        return
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(answer.same for answer in added)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            length = os.fstat(opened).st_size
            begin = os.pread(opened, len(HEADER), 0).decode(errors="replace")
            if HEADER.startswith(begin) and length < len(HEADER):
                before = HEADER[length:]  # a new file, or one whose first line was cut short
            else:
                before = "" if os.pread(opened, 1, length - 1) == b"\n" else "\n"
            left = (before + text.getvalue()).encode()
            while left:
                left = left[os.write(opened, left) :]
            os.fsync(opened)
        finally:
            os.close(opened)
        if not length:
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}; mend that and answer again") from None


@contextmanager
def locked() -> Iterator[None]:
    """Nobody else writes answers, or reads all of them, in the block. A disk that cannot be written needs no lock."""
    with suppress(OSError):
        LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        opened = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def digest(root: Path = FOLDER.parent) -> str:
    """sha256 over the names and contents of all csv files below `root`: what a reader saw, to be held against what is there."""
    told = hashlib.sha256()
    for file in sorted(root.rglob("*.csv")):
        with suppress(OSError):
            told.update(file.relative_to(root).as_posix().encode(errors="surrogateescape") + b"\0")
            told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()
