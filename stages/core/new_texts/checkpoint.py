"""Predictions made so far, kept beside the file that is being written, so that a run that was stopped can be continued.

OUT.part   one line of JSON that names the model and the texts; then for every row its label as stages/core/task has it, OPEN if the
           row has no text, and float32 [1] probability as in writing, or [classes] of all classes
"""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

import numpy as np

from stages.core.base.errors import Refused

SIGN = "gleaner predictions"


def record_type(labels: np.ndarray, probabilities: int) -> np.dtype:
    """Of what is kept of one row: a label as in `labels`, and so many probabilities."""
    return np.dtype([("label", labels.dtype, labels.shape[1:]), ("probability", "<f4", (probabilities,))])


class Checkpoint:
    """A context, open for one run at a time. The file stays for the next run until `delete`.

    path    OUT.part
    about   what the predictions depend on; predictions made for anything else are discarded
    kind    from record_type

    Raises Refused if another run has it open, or if the file is something else.
    """

    def __init__(self, path: Path, about: dict, kind: np.dtype):
        self.path, self.kind = path, kind
        self.head = (json.dumps({"kind": SIGN, "bytes": kind.itemsize, **about}, sort_keys=True) + "\n").encode()
        self.found = 0  # rows that an earlier run left
        self.discarded = False  # whether an earlier run's predictions were made for something else

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
            raise Refused(f"{self.path} is in use: another run writes the same file; wait for it, or give another OUT") from None
        self.file.seek(0)
        head = self.file.readline(2**16)
        if head == self.head:
            self.found = (os.fstat(self.file.fileno()).st_size - len(head)) // self.kind.itemsize
            self.file.truncate(len(head) + self.found * self.kind.itemsize)  # the last row may be incomplete
        else:
            if head and SIGN.encode() not in head:
                raise Refused(f"{self.path} is in the way, and is not a checkpoint that `make predict` left; move it")
            self.discarded = bool(head)
            self.file.truncate(0)
            self.file.write(self.head)
            self.file.flush()
        self.file.seek(len(self.head))
        self.left = self.found

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()

    def take(self, rows: int) -> np.ndarray | None:
        """The next rows' predictions of an earlier run, records [rows]; None, and the rest is discarded, if it left fewer.

        So the model always predicts whole chunks, and predictions do not depend on where a run was stopped.
        """
        if self.left < rows:
            self.file.truncate(self.file.tell())
            self.left = 0
            return None
        self.left -= rows
        return np.frombuffer(self.file.read(rows * self.kind.itemsize), self.kind)

    def add(self, predictions: np.ndarray) -> None:
        """Keep the predictions of the next rows, after all earlier ones were taken."""
        self.file.write(predictions.tobytes())
        self.file.flush()
        os.fsync(self.file.fileno())

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
