"""Files between stages: npy, json and jsonl, written whole or not at all, checked when read.

Nothing is ever unpickled: artifacts arrive from shared remotes.
"""

import functools
import json
import os
import reprlib
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.base import memory, paths
from stages.core.base.errors import Refused

MEND = "run `dvc repro` to make it again, or `dvc checkout --force` to bring back the recorded one"


@contextmanager
def whole(path: Path, wanted: int | None = None, again: str = "run `dvc repro` again") -> Iterator[Path]:
    """A temporary name beside `path`, moved to it only when the block ends well, with the mode that the umask gives.

    wanted   bytes that will be written, where known, for the message
    again    what to do once that is mended

    Raises Refused where the disk is full or the folder cannot be written; `path` is then as it was.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.part"):
            left.unlink()  # of a run that was killed
        part.touch()
        by_umask = part.stat().st_mode
        yield part
        part.chmod(by_umask)  # a library may put a file of its own there: safetensors' is for its owner's eyes only
        os.replace(part, path)
    except OSError as error:
        _forget(part)
        size = "" if wanted is None else f", {wanted:,} bytes wanted"
        raise Refused(f"{path} cannot be written: {error.strerror or error}{size}; mend that and {again}") from None
    except BaseException:
        _forget(part)
        raise


def _forget(part: Path) -> None:
    with suppress(OSError):  # a read-only folder; what is left is cleared by the next run
        part.unlink(missing_ok=True)


def save(path: Path, array: np.ndarray) -> None:
    """Write one array as npy; the same array gives the same bytes."""
    with whole(path, array.nbytes) as part, part.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


@contextmanager
def filling(path: Path, dtype: type, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """An array on disk to be filled in the block, never whole in memory; it gets its name when the block ends well."""
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with whole(path, wanted) as part:
        array = np.lib.format.open_memmap(part, "w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with part.open("r+b") as file:  # the file is sparse: a disk that fills up later would kill the process without a word
                os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
        yield array
        array.flush()


def load(
    path: Path,
    dtype: type,
    shape: tuple[int | None, ...],
    nan: bool = False,
    within: tuple[int, int | None] | None = None,
) -> np.ndarray:
    """An array memory-mapped read-only, after its dtype, shape and values were checked.

    shape    one entry a dimension; None where any length will do
    nan      whether NaN may stand in it (scores: rows already labelled); infinity never may
    within   (low, high) of integers: low <= value < high; None for high where there is no end

    Raises Refused naming the file, what was expected, what was found and how to mend it.
    """
    try:
        # Not np.load: it opens an npz or a pickle too, whatever the name.
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise Refused(f"{path} is missing; {MEND}") from None
    # TokenError, OverflowError and TypeError come from broken headers.
    except (ValueError, OSError, EOFError, OverflowError, TypeError, tokenize.TokenError) as error:
        raise Refused(f"{path} is not a complete npy file ({error}); {MEND}") from None
    if Path(path).stat().st_size != array.offset + array.nbytes:
        raise Refused(f"{path} is not a complete npy file (longer than its header says); {MEND}")
    if array.dtype != dtype:
        raise Refused(f"{path}: expected {np.dtype(dtype)}, found {array.dtype}; {MEND}")
    if len(array.shape) != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape)):
        wanted = tuple("any" if want is None else want for want in shape)
        raise Refused(f"{path}: expected shape {wanted}, found {array.shape}; {MEND}")
    if array.dtype.kind == "f":
        for block in memory.in_blocks(array):
            bad = np.isinf(block) if nan else ~np.isfinite(block)
            if bad.any():
                raise Refused(f"{path}: some values are not finite; {MEND}")
    if within and array.size:
        low, high = within
        for value in (array.min(), array.max()):
            if value < low or (high is not None and value >= high):
                possible = f"{low} or more" if high is None else f"{low} to {high - 1}"
                raise Refused(f"{path}: found {value}, possible: {possible}; {MEND}")
    return array


def load_labelled(path: Path, seeds: int | None, pool_rows: int) -> np.ndarray:
    """Rows of pool.jsonl, int64 [seeds, rows], as from `load`; Refused, too, where one stands twice in a seed.

    seeds       how many there are; None where any number will do
    pool_rows   rows of the pool
    """
    labelled = load(path, np.int64, (seeds, None), within=(0, pool_rows))
    for number, rows in enumerate(labelled, start=1):
        times = np.bincount(rows, minlength=1)
        if times.max() > 1:
            raise Refused(
                f"{path}: row {times.argmax()} stands {times.max()} times for seed number {number}, possible: once; {MEND}"
            )
    return labelled


def load_clusters(pool_rows: int | None = None) -> np.ndarray:
    """Bucket of each row of the pool, int32 [pool], as from `load`; Refused, too, where a number up to the largest is missing.

    pool_rows   rows of the pool, where the caller knows them
    """
    clusters = load(paths.CLUSTERS, np.int32, (pool_rows,), within=(0, None))
    numbers = np.unique(clusters)
    missing = np.flatnonzero(numbers != np.arange(len(numbers)))
    if len(missing):
        raise Refused(
            f"{paths.CLUSTERS}: no row is in bucket {missing[0]}, but one is in {numbers[-1]}, possible: every number up to the "
            f"largest; {MEND}"
        )
    return clusters


def save_json(path: Path, content: Any) -> None:
    with whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def save_plot(name: str, rows: list[dict[str, Any]]) -> None:
    """Write data/plots/NAME.json, which DVC puts into a script element of the plots page as it is.

    After every "<", in values and in keys, stands a zero-width space: no text or class name can end the script ("</script>"),
    hide its end ("<!--", "<script") or be markup where Vega shows the source, and on the page it looks as written.
    """
    harmless = json.dumps(rows).replace("<", "<\N{ZERO WIDTH SPACE}")  # json has no "<" outside of strings
    save_json(paths.PLOTS / f"{name}.json", json.loads(harmless))


def load_json(path: Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(f"{path} is missing; {MEND}") from None
    except ValueError as error:
        raise Refused(f"{path} is not a complete json file ({error}); {MEND}") from None


def load_record(path: Path, **kinds: type) -> dict:
    """A json object in which certain names stand for values of certain types; others may stand beside them.

    Raises Refused where one of them is missing or of another type.
    """
    record = load_json(path)
    for name, kind in kinds.items():
        value = record.get(name) if isinstance(record, dict) else None
        if type(value) is not kind:  # not isinstance: true is no number
            raise Refused(f"{path}: {name} = {reprlib.repr(value)}, expected {kind.__name__}; {MEND}")
    return record


def save_jsonl(path: Path, rows: Iterable[dict]) -> None:
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def load_jsonl(path: Path) -> Iterator[dict]:
    """Rows of a jsonl file, one at a time."""
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield json.loads(line.decode("utf-8"))
                except ValueError as error:
                    raise Refused(f"{path}, line {number}: {error}; {MEND}") from None
    except FileNotFoundError:
        raise Refused(f"{path} is missing; {MEND}") from None


class Texts:
    """The texts of pool.jsonl or holdout.jsonl, read anew each time that they are gone through: never all in memory."""

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
    """All of them in memory."""
    return list(iter(Texts(path)))  # a list asks for the length first, which would be one more pass


def pool_rows() -> int:
    """Number of rows of the pool."""
    return sum(1 for _ in load_jsonl(paths.POOL))
