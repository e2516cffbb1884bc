"""The one door to labels of the pool: it knows which rows were paid for and refuses all others.

Today the answers stand in data/pool.jsonl. A person's answers can come through the same door later.
"""

import functools
from pathlib import Path

import numpy as np

from stages.core import artifacts
from stages.core.errors import Refused


class Labels:
    """Class numbers of pool rows, for the rows paid for.

    values   int64 [pool]   class number of each row
    paid     int64 [rows]   rows of pool.jsonl whose label was bought
    """

    def __init__(self, values: np.ndarray, paid: np.ndarray):
        self._values = values
        self._paid = np.zeros(len(values), dtype=bool)
        self._paid[paid] = True

    def of(self, rows: np.ndarray) -> np.ndarray:
        """int64 [rows]: class numbers. Raises Refused for a row that was not paid for."""
        unpaid = rows[~self._paid[rows]]
        if len(unpaid):
            raise Refused(
                f"label of row {unpaid[0]} of {artifacts.POOL} was asked for but never paid for ({len(unpaid)} such rows)"
            )
        return self._values[rows]


def paid_for(rows: np.ndarray) -> Labels:
    """Labels of these rows of the pool and of no other."""
    return Labels(_numbers(artifacts.POOL), rows)


def whole_pool(reason: str) -> np.ndarray:
    """int64 [pool]: every label, for upper bounds and descriptions, never for choosing rows; `reason` is printed."""
    print(f"labels: the whole pool's are read ({reason})")
    return _numbers(artifacts.POOL)


def holdout() -> np.ndarray:
    """int64 [holdout]: class numbers of test.jsonl, for measuring alone."""
    return _numbers(artifacts.HOLDOUT)


def classes() -> list[str]:
    return artifacts.load_json(artifacts.CLASSES)


def _numbers(path: Path) -> np.ndarray:
    return _read(path, Path.cwd())  # the benchmarks go from one folder to the next


@functools.cache  # every seed of a stage asks for the same file
def _read(path: Path, _folder: Path) -> np.ndarray:
    number = {name: i for i, name in enumerate(classes())}
    try:
        values = np.array([number[row["label"]] for row in artifacts.load_jsonl(path)], dtype=np.int64)
    except KeyError as error:
        raise Refused(f"{path}: label {error} is not in {artifacts.CLASSES}; {artifacts.MEND}") from None
    values.setflags(write=False)
    return values
