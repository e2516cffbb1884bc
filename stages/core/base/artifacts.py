"""Files that stages exchange, written whole or not at all, checked when read, and never unpickled: remotes are shared."""

import functools
import glob
import json
import os
import re
import reprlib
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

import numpy as np
import psutil

from stages.core.base import memory, paths
from stages.core.base.errors import Refused

MEND = "run `dvc repro` to make it again, or `dvc checkout --force` to bring back the recorded one"
# A broken npy header raises TokenError, OverflowError or TypeError.
BROKEN = (ValueError, OSError, EOFError, OverflowError, TypeError, tokenize.TokenError)


@contextmanager
def whole(path: Path, wanted: int | None = None, again: str = "run `dvc repro` again") -> Iterator[Path]:
    """A temporary file beside `path`. It takes that name when the block succeeds, with the permissions that the umask allows.

    wanted   bytes to be written, for the message, where the caller knows
    again    what to do after the cause is mended

    Raises Refused if the disk is full or the folder cannot be written. `path` then stays as it was.
    """
    path = Path(path)
    host = re.sub(r"\W", "-", os.uname().nodename)
    part = path.with_name(f".{path.name}.{host}-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.glob(f".{glob.escape(path.name)}.{host}-*.part"):
            owner = re.fullmatch(rf"\.{re.escape(path.name)}\.{host}-(\d+)\.part", other.name)
            if owner and not psutil.pid_exists(int(owner[1])):
                other.unlink(missing_ok=True)  # a run that was killed left it; another machine's may be alive
        part.touch()
        by_umask = part.stat().st_mode
        yield part
        part.chmod(by_umask)  # safetensors replaces the file by one that only its owner may read
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):  # a read-only folder; the next run removes the file
            part.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        size = "" if wanted is None else f", {wanted:,} bytes wanted"
        raise Refused(f"{path} cannot be written: {error.strerror or error}{size}; mend that and {again}") from None


@contextmanager
def reading(path: Path, kind: str, broken: tuple[type[Exception], ...] = BROKEN) -> Iterator[None]:
    """Raise Refused, naming the file and the remedy, if the block finds no file or a broken one."""
    try:
        yield
    except FileNotFoundError:
        raise Refused(f"{path} is missing; {MEND}") from None
    except broken as error:
        raise Refused(f"{path} is not a complete {kind} file ({error}); {MEND}") from None


def save(path: Path, array: np.ndarray) -> None:
    """Write one array as npy. The same array gives the same bytes."""
    with whole(path, array.nbytes) as part, part.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


@contextmanager
def filling(path: Path, dtype: type, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """An array on disk for the block to fill, never whole in memory. The file gets its name when the block succeeds."""
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with whole(path, wanted) as part:
        array = np.lib.format.open_memmap(part, "w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with part.open("r+b") as file:  # if a disk fills up under a sparse file, the process dies without a message
                os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
        yield array
        array.flush()


def load(
    path: Path, dtype: type, shape: tuple[int | None, ...], nan: bool = False, within: tuple[int, int | None] | None = None
) -> np.ndarray:
    """A read-only memory map of an array, after its dtype, shape and values were checked.

    shape    one entry per dimension; None allows any length
    nan      whether it may contain NaN (scores: rows already labelled); infinity is never allowed
    within   (low, high) of integers: low <= value < high; a high of None sets no upper limit

    Raises Refused naming the file, what was expected, what was found and how to mend it.
    """
    with reading(path, "npy"):
        # np.load would also open an npz or a pickle, whatever the name.
        array = np.lib.format.open_memmap(path, mode="r")
        if Path(path).stat().st_size != array.offset + array.nbytes:
            raise ValueError("longer than its header says")
    if array.dtype != dtype:
        raise Refused(f"{path}: expected {np.dtype(dtype)}, found {array.dtype}; {MEND}")
    if len(array.shape) != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape)):
        wanted = tuple("any" if want is None else want for want in shape)
        raise Refused(f"{path}: expected shape {wanted}, found {array.shape}; {MEND}")
    if array.dtype.kind == "f":
        for block in memory.in_blocks(array):
            if (np.isinf(block) if nan else ~np.isfinite(block)).any():
                raise Refused(f"{path}: some values are not finite; {MEND}")
    if within and array.size:
        low, high = within
        for value in (array.min(), array.max()):
            if value < low or (high is not None and value >= high):
                possible = f"{low} or more" if high is None else f"{low} to {high - 1}"
                raise Refused(f"{path}: found {value}, possible: {possible}; {MEND}")
    return array


def load_labelled(path: Path, seeds: int | None, pool_rows: int) -> np.ndarray:
    """int64 [seeds, rows] of pool.jsonl (None: any number of seeds), as from `load`. Also refuses a row twice for one seed."""
    labelled = load(path, np.int64, (seeds, None), within=(0, pool_rows))
    for number, rows in enumerate(labelled, start=1):
        times = np.bincount(rows, minlength=1)
        if times.max() > 1:
            raise Refused(
                f"{path}: row {times.argmax()} appears {times.max()} times for seed number {number}, possible: once; {MEND}"
            )
    return labelled


def load_clusters(pool_rows: int | None = None) -> np.ndarray:
    """int32 [pool] (of `pool_rows`, if known): bucket of each row, as from `load`. Also refuses a bucket number without rows."""
    clusters = load(paths.CLUSTERS, np.int32, (pool_rows,), within=(0, None))
    numbers = np.unique(clusters)
    missing = np.flatnonzero(numbers != np.arange(len(numbers)))
    if len(missing):
        found = f"bucket {missing[0]} has no row, but bucket {numbers[-1]} has"
        raise Refused(f"{paths.CLUSTERS}: {found}; possible: every number up to the largest; {MEND}")
    return clusters


def save_json(path: Path, content: Any) -> None:
    with whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def save_plot(name: str, rows: list[dict[str, Any]]) -> None:
    """Write data/plots/NAME.json, which DVC copies unchanged into a script element of the plots page.

    A zero-width space follows every "<" in keys and values. So no text or class name can end the script ("</script>"), hide its
    end ("<!--", "<script") or act as markup, and the page still shows it as written.
    """
    harmless = json.dumps(rows).replace("<", "<\N{ZERO WIDTH SPACE}")  # json uses "<" in strings only
    save_json(paths.PLOTS / f"{name}.json", json.loads(harmless))


def load_json(path: Path) -> Any:
    with reading(path, "json"):
        return json.loads(Path(path).read_text(encoding="utf-8"))


def load_record(path: Path, **kinds: type) -> dict:
    """A json object with entries of these names and types, and maybe others. Raises Refused if one is missing or of another."""
    record = load_json(path)
    for name, kind in kinds.items():
        value = record.get(name) if isinstance(record, dict) else None
        if type(value) not in (get_args(kind) or [kind]):  # isinstance would take true for a number
            raise Refused(f"{path}: {name} = {reprlib.repr(value)}, expected {getattr(kind, '__name__', kind)}; {MEND}")
    return record


def save_jsonl(path: Path, rows: Iterable[dict]) -> None:
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def load_jsonl(path: Path) -> Iterator[dict]:
    """Rows of a jsonl file, one at a time."""
    with reading(path, "jsonl", broken=()), Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line.decode("utf-8"))
            except ValueError as error:
                raise Refused(f"{path}, line {number}: {error}; {MEND}") from None


class Texts:
    """The texts of pool.jsonl or holdout.jsonl. Every iteration reads the file again, so they are never all in memory."""

    def __init__(self, path: Path):
        self.path = path

    def __len__(self) -> int:
        return self._rows

    @functools.cached_property
    def _rows(self) -> int:
        return sum(1 for _ in load_jsonl(self.path))

    def __iter__(self) -> Iterator[str]:
        for row in load_jsonl(self.path):
            try:
                yield row["text"]
            except (KeyError, TypeError):
                raise Refused(f"{self.path}: a row has no text; {MEND}") from None


def texts(path: Path) -> list[str]:
    """All texts, in memory."""
    return list(iter(Texts(path)))  # list(Texts(path)) would read the file twice, first for the length


def pool_rows() -> int:
    """Number of rows of the pool."""
    return len(Texts(paths.POOL))
