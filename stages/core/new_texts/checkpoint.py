"""What a model has said so far, in a file beside the one that is being made: a run that was stopped goes on from there.

OUT.part   one line of JSON, which says of which model and texts it is; then for every row int32 class number, -1 where it has
           no text, and float32 [1] probability of that class or [classes] of each
"""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

import numpy as np

from stages.core.base.errors import Refused

SIGN = "gleaner predictions"
NO_TEXT = -1


class Checkpoint:
    """Open for one run at a time, as a context; closed, it stays for the next one, until it is `forgotten`.

    path    OUT.part
    about   what the predictions depend on; those of anything else are thrown away
    each    probabilities kept of a row: 1, or the number of classes

    Raises Refused where another run is at work on it, or where the file is something else.
    """

    def __init__(self, path: Path, about: dict, each: int):
        self.path, self.kind = path, np.dtype([("label", "<i4"), ("probability", "<f4", (each,))])
        self.head = (json.dumps({"kind": SIGN, "each": each, **about}, sort_keys=True) + "\n").encode()
        self.found = 0  # rows that an earlier run left
        self.begun_anew = False

    def __enter__(self) -> "Checkpoint":
        self.file = self.path.open("a+b")
        try:
            self._open()
        except BaseException:
            self.file.close()
            raise
        return self

    def _open(self) -> None:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"{self.path} is in use: another run is making the same file; wait for it, or give another OUT") from None
        self.file.seek(0)
        head = self.file.readline(2**16)
        if head == self.head:
            whole = (os.fstat(self.file.fileno()).st_size - len(head)) // self.kind.itemsize
            self.found = whole
            self.file.truncate(len(head) + whole * self.kind.itemsize)  # the last row may have been cut short
        else:
            if head and SIGN.encode() not in head:
                raise Refused(f"{self.path} stands in the way and is none of the files that are left when labelling stops; move it")
            self.begun_anew = bool(head)
            self.file.truncate(0)
            self.file.write(self.head)
            self.file.flush()
        self.file.seek(len(self.head))
        self.left = self.found

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()

    def take(self, rows: int) -> np.ndarray | None:
        """What an earlier run said of the next rows, records [rows], all of them or None: then the rest is thrown away.

        So a chunk is always asked about as a whole, and what is said of it does not depend on where a run was stopped.
        """
        if self.left < rows:
            self.file.truncate(self.file.tell())
            self.left = 0
            return None
        self.left -= rows
        return np.frombuffer(self.file.read(rows * self.kind.itemsize), self.kind)

    def add(self, said: np.ndarray) -> None:
        """Keep what was said of the rows that follow, once all that was there is taken."""
        self.file.write(said.tobytes())
        self.file.flush()
        os.fsync(self.file.fileno())

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
