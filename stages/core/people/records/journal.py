"""People's answers: labels/answers/ANNOTATOR.csv. Lines are only ever added.

    key,label,when
    t76d81909f941334c44312a0b,positive,2026-11-25T19:04:27Z

The last line for a key counts. Its label is a class, CANNOT_SAY, or empty, which takes the answer back. A script may write such a
file too; `when` may be missing and other columns are ignored. The answers of the annotator DECIDED settle conflicts.

.gleaner/answers/ holds a second copy of the lines, outside git. When git or DVC replaces a file by an older one, `restore` brings
the missing lines back.
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
KEY, KEY_FORM = re.compile(r"t[0-9a-f]{24}"), "t and 24 hexadecimal digits"
WHO = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True)
class Answer:
    """One line of a file; `line` is its number, from 1."""

    key: str
    label: str
    when: str
    line: int

    @property
    def cells(self) -> tuple[str, str, str]:
        return self.key, self.label, self.when


def file_of(who: str) -> Path:
    """Raises Refused for a name that no file can have."""
    if not WHO.fullmatch(who):
        raise Refused(f"WHO={who!r}: possible: letters, digits, . - and _, up to 64, such as WHO=anna; choose such a name")
    return FOLDER / f"{who}.csv"


def myself() -> str:
    """The annotator where none is named: the account's name."""
    try:
        name = re.sub(r"[^\w.-]", "-", getpass.getuser()).lstrip("_.-")[:64]
    except (OSError, KeyError):
        name = ""
    return name or "me"


def annotators() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.csv") if WHO.fullmatch(file.stem))


def lines(file: Path) -> tuple[list[Answer], list[str]]:
    """(the whole lines of an annotator's file, oldest first; a note on every line that is ignored).

    Raises Refused if the file cannot be read, or its first line does not name the columns.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}; fix that, then try again") from None
    whole, end, half = data.rpartition(b"\n")
    text = (whole + end).decode("utf-8-sig", errors="replace")  # a broken label is no class, and is refused later
    notes = []
    if half:
        number = text.count("\n") + 1
        notes.append(f"{file}, line {number:,}: half a line is ignored; if it is whole, end it with a line break")
    rows = [next(csv.reader([line.rstrip("\r")]), []) for line in text.split("\n")[:-1]]  # an open quote ends with its line
    if not rows:
        return [], notes
    header = [cell.strip().lower() for cell in rows[0]]
    if not {"key", "label"} <= set(header):
        raise Refused(f"{file}, line 1: found {','.join(header)[:80]}, possible: key,label,when; add that line")
    places = [header.index(name) if name in header else None for name in ("key", "label", "when")]
    answers = []
    for number, cells in enumerate(rows[1:], start=2):
        key, label, when = ("" if place is None else cells[place].strip() if place < len(cells) else None for place in places)
        if None not in (label, when) and KEY.fullmatch(key or ""):
            answers.append(Answer(key, label, when, number))
        elif any(cells):
            notes.append(f"{file}, line {number:,}: {','.join(cells)[:60]!r} is no key and label, and is ignored")
    return answers, notes


def current(answers: Iterable[Answer]) -> dict[str, Answer]:
    """key -> the answer that counts; keys whose answer was taken back are missing."""
    last = {answer.key: answer for answer in answers}
    return {key: answer for key, answer in last.items() if answer.label}


def history(who: str) -> list[Answer]:
    """All answers of one annotator, oldest first, with those that were changed or taken back later."""
    return lines(file_of(who))[0]


def answers_of(who: str) -> dict[str, Answer]:
    """key -> the answer of one annotator that counts."""
    return current(history(who))


def append(who: str, given: Iterable[tuple[str, ...]], now: datetime | None = None) -> int:
    """Add answers to an annotator's file and return their number. They are on disk when this returns.

    given   (key, label), or (key, label, when) for answers given earlier

    Raises Refused if the file cannot be written, or for a key or label that it cannot hold.
    """
    when = stamp(now or datetime.now(UTC))
    added = [Answer(key, label, next(iter(earlier), "") or when, 0) for key, label, *earlier in given]
    for answer in added:
        if not KEY.fullmatch(answer.key) or answer.label != answer.label.strip() or re.search(r"[\r\n]", answer.label):
            raise Refused(f"{answer.key!r}, {answer.label!r} is no key and label; a key is {KEY_FORM}")
    file = file_of(who)
    with locked():
        _add(file, added)
        with suppress(OSError, Refused):  # the answer itself is safe; only its second copy failed
            _add(COPY / file.name, added)
    return len(added)


def stamp(moment: datetime) -> str:
    """A time as the files hold it: UTC, in seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def restore() -> list[str]:
    """Bring back lines that only the second copy holds, and copy all others; returns a note on each repaired file.

    A lost line stays out if its key has a later one, because it would count again.
    """
    notes = []
    with locked():
        for name in sorted({file.name for folder in (FOLDER, COPY) for file in folder.glob("*.csv") if WHO.fullmatch(file.stem)}):
            (kept, _), (copied, _) = lines(FOLDER / name), lines(COPY / name)
            last = {answer.key: answer.when for answer in kept}
            lost = [answer for answer in _missing(copied, kept) if answer.when >= last.get(answer.key, "")]
            if lost:
                _add(FOLDER / name, lost)
                notes.append(f"{FOLDER / name}: {len(lost):,} lost answers are back, from {COPY / name}")
            with suppress(OSError, Refused):
                _add(COPY / name, _missing(kept, copied))
    return notes


def _missing(wanted: list[Answer], present: list[Answer]) -> list[Answer]:
    """The wanted lines that are not present, repeats counted."""
    counts = Counter(answer.cells for answer in present)
    missing = []
    for answer in wanted:
        counts[answer.cells] -= 1
        missing += [answer] if counts[answer.cells] < 0 else []
    return missing


def _add(file: Path, added: list[Answer]) -> None:
    """Open, append, sync and close: every time, because git and DVC replace files."""
    if not added:
        return
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(answer.cells for answer in added)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666), "rb+", buffering=0) as out:
            length = os.fstat(out.fileno()).st_size
            start = os.pread(out.fileno(), len(HEADER), 0).decode(errors="replace")
            if HEADER.startswith(start) and length < len(HEADER):
                before = HEADER[length:]  # the file is new, or its first line was cut short
            else:
                before = "" if os.pread(out.fileno(), 1, length - 1) == b"\n" else "\n"
            left = (before + text.getvalue()).encode()
            while left:
                left = left[out.write(left) :]
            os.fsync(out.fileno())
        if not length:  # the name of a new file must survive a power failure too
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}; fix that and answer again") from None


@contextmanager
def locked() -> Iterator[None]:
    """Nobody else writes answers, or reads all of them, during the block. A disk that cannot be written needs no lock."""
    try:
        LOCK.parent.mkdir(parents=True, exist_ok=True)
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
    """sha256 of the names and contents of all csv files below `root`: tells later whether they changed."""
    total = hashlib.sha256()
    for file in sorted(root.rglob("*.csv")):
        with suppress(OSError):
            total.update(file.relative_to(root).as_posix().encode(errors="surrogateescape") + b"\0")
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
