"""People's answers: labels/answers/ANNOTATOR.csv. Lines are only ever added.

    key,label,when
    t76d81909f941334c44312a0b,positive,2026-11-25T19:04:27Z

The last line for a key counts. Its label is a class, CANNOT_SAY, or empty, which takes the answer back. A script or a person may
write such a file too: columns may come in any order, others may stand beside them, and `when` may be missing. A line may also be
corrected in place. The answers of the annotator DECIDED settle conflicts; those of a PROGRAM count where people gave none.

.gleaner/answers/ holds a second copy of the lines, outside git; second_copy.py brings lost ones back from it.
"""

import csv
import fcntl
import getpass
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from stages.core.base.errors import Refused

FOLDER, COPY = Path("labels/answers"), Path(".gleaner/answers")
LOCK = Path(".gleaner/labels.lock")
CANNOT_SAY = "?"
DECIDED = "decided"
PROGRAM = "program-"  # the name of an annotator that is a program begins so
COLUMNS = ("key", "label", "when")
KEY, KEY_FORM = re.compile(r"t[0-9a-f]{24}"), "t and 24 hexadecimal digits"
WHO = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True)
class Answer:
    """One line of a file; `line` is its number, from 1, and `others` are its cells in further columns."""

    key: str
    label: str
    when: str
    line: int
    others: dict[str, str] = field(default_factory=dict, compare=False)


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


def annotators(folder: Path = FOLDER) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.csv") if WHO.fullmatch(file.stem))


@dataclass(frozen=True)
class Lines:
    """The whole lines of a file that were read so far; a file mostly grows."""

    data: bytes = b""
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()


_known: dict[Path, Lines] = {}


def lines(file: Path) -> tuple[list[Answer], list[str]]:
    """(the whole lines of an annotator's file, oldest first; a note on every line that is ignored).

    Raises Refused if the file cannot be read, or its first line does not name the columns.
    """
    read, half = read_lines(file)
    notes = list(read.notes)
    if half:
        number = read.data.count(b"\n") + 1
        notes.append(f"{file}, line {number:,}: half a line is ignored; if it is whole, end it with a line break")
    return list(read.answers), notes


def read_lines(file: Path) -> tuple[Lines, bytes]:
    """(the whole lines, the rest): reads what was added since the last call, or all if anything else changed."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Lines(), b""
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}; fix that, then try again") from None
    whole, end, half = data.rpartition(b"\n")
    whole += end
    before = _known.get(file, Lines())
    if not whole.startswith(before.data):
        before = Lines()
    if whole != before.data:
        before = _known[file] = grown(file, before, whole)
    return before, half


def grown(file: Path, before: Lines, whole: bytes) -> Lines:
    """`before` with the lines that `whole` has more; `file` is for messages."""
    text = whole[len(before.data) :].decode("utf-8-sig", errors="replace")  # a broken label is no class, and is refused later
    new, delimiter, columns = text.split("\n")[:-1], before.delimiter, before.columns
    if not before.data:
        delimiter, columns = _header(new.pop(0), file)
    answers, notes = list(before.answers), list(before.notes)
    for number, line in enumerate(new, start=before.data.count(b"\n") + (1 if before.data else 2)):
        cells = next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])  # an open quote ends with its line
        row = dict(zip(columns, map(str.strip, cells)))
        if "label" in row and KEY.fullmatch(row.get("key", "")) and ("when" in row or "when" not in columns):
            key, label, when = row.pop("key"), row.pop("label"), row.pop("when", "")
            answers.append(Answer(key, label, when, number, row))
        elif any(cells):
            notes.append(f"{file}, line {number:,}: {','.join(cells)[:60]!r} is no key and label, and is ignored")
    return Lines(whole, delimiter, columns, tuple(answers), tuple(notes))


def _header(line: str, file: Path) -> tuple[str, tuple[str, ...]]:
    """(the delimiter, names of the columns in lower case) of a file's first line; a spreadsheet may have saved semicolons."""
    delimiter = max(",;\t", key=line.count)
    columns = tuple(cell.strip().lower() for cell in next(csv.reader([line.rstrip("\r")], delimiter=delimiter), []))
    if not {"key", "label"} <= set(columns):
        raise Refused(f"{file}, line 1: found {line[:80].strip()}, possible: {','.join(COLUMNS)}; add that line")
    return delimiter, columns


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
        columns = add(file, added)
        with suppress(OSError, Refused):  # the answer itself is safe; only its second copy failed
            add(COPY / file.name, added, columns)
    return len(added)


def version(file: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file does; None without a file."""
    with suppress(OSError):
        found = file.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return None


def stamp(moment: datetime) -> str:
    """A time as the files hold it: UTC, in seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of(answers: Iterable[Answer], columns: tuple[str, ...], delimiter: str = ",", names: bool = False) -> str:
    """Lines of a file; `names`: below their names."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="", extrasaction="ignore", delimiter=delimiter, lineterminator="\n")
    if names:
        table.writeheader()
    table.writerows(each.others | {"key": each.key, "label": each.label, "when": each.when} for each in answers)
    return text.getvalue()


def add(file: Path, added: list[Answer], columns: tuple[str, ...] = COLUMNS) -> tuple[str, ...]:
    """Open, append, sync and close: every time, because git and DVC replace files. Returns the columns, given for a new file."""
    if not added:
        return columns
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666), "rb+", buffering=0) as out:
            length = os.fstat(out.fileno()).st_size
            start, delimiter = os.pread(out.fileno(), 2**16, 0).decode("utf-8-sig", errors="replace"), ","
            header = text_of([], columns or COLUMNS, names=True)
            if header.startswith(start) and length < len(header.encode()):
                before, columns = header[len(start) :], columns or COLUMNS  # the file is new, or its first line was cut short
            else:
                before = "" if os.pread(out.fileno(), 1, length - 1) == b"\n" else "\n"
                delimiter, columns = _header(start.partition("\n")[0], file)
            left = (before + text_of(added, columns, delimiter)).encode()
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
    return columns


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
            total.update(_sha256(file, version(file)))
    return total.hexdigest()


@lru_cache(maxsize=1024)
def _sha256(file: Path, version: tuple) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()
