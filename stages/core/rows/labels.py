"""The one door to labels of the pool: it gives labels of bought rows only.

It reads data/answers.npy, data/STAGE/labels.npy, data/holdout_labels.npy and data/classes.json (see collect_answers, buy_labels).
Codes in place of a class number: OPEN (no answer yet; a stage waits for it), NO_CLASS (cannot say), CONFLICT (people disagree).
"""

from pathlib import Path

import numpy as np

from stages.core import task
from stages.core.base import label_codes, paths
from stages.core.base.errors import Refused
from stages.core.rows import rounds

OPEN, NO_CLASS, CONFLICT = label_codes.OPEN, label_codes.NO_CLASS, label_codes.CONFLICT


class Labels:
    """An account that buys labels within a budget and knows those of its bought rows only.

    answers   an array of labels [pool]: see stages/core/task
    budget    rows that may be bought in all
    """

    def __init__(self, answers: np.ndarray, budget: int):
        self._answers, self._budget = answers, budget
        self._bought = np.zeros(len(answers), dtype=bool)

    def buy(self, rows: np.ndarray) -> "Labels":
        """This account after buying `rows`, int64 [rows]; a row costs once. Raises Refused, and buys nothing, over the budget."""
        bought = self._bought.copy()
        bought[rows] = True
        if bought.sum() > self._budget:
            raise Refused(f"{bought.sum():,} labels are wanted, {self._budget:,} are in the budget; a stage overspends: mend it")
        self._bought = bought
        return self

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Labels or codes [rows]. Raises Refused for a row that was not bought."""
        unpaid = rows[~self._bought[rows]]
        if len(unpaid):
            raise Refused(f"label of row {unpaid[0]} of {paths.POOL} was read but never paid for ({len(unpaid)} such rows)")
        return self._answers[rows]

    def without_class(self) -> np.ndarray:
        """int64 [rows]: bought rows whose answer is no class."""
        return np.flatnonzero(self._bought & (task.codes(self._answers) < 0))


def within_budget(rows: int) -> Labels:
    """An account over all answers that may buy this many rows."""
    return Labels(answers(), rows)


def buy_all(labelled: np.ndarray) -> np.ndarray:
    """Labels [seeds, rows] of these rows; each seed has a budget of its own."""
    return np.stack([within_budget(len(rows)).buy(rows).of(rows) for rows in labelled])


def of_stage(stage: str, seeds: list[int], pool_rows: int) -> list[Labels]:
    """One account a seed with what a stage bought. Reads no other labels."""
    labelled = rounds.load_labelled(stage, seeds, pool_rows)
    return known(labelled, load_bought(rounds.folder(stage) / "labels.npy", labelled, len(classes())), pool_rows)


def load_bought(path: Path, labelled: np.ndarray, classes: int) -> np.ndarray:
    """Labels [seeds, rows] of the rows `labelled`, from a file."""
    return task.load().load(path, labelled.shape, classes, CONFLICT)


def known(labelled: np.ndarray, bought: np.ndarray, pool_rows: int) -> list[Labels]:
    """One account a seed that has bought the rows `labelled` and knows only their labels `bought`, both [seeds, rows]."""
    accounts = []
    for rows, values in zip(labelled, bought, strict=True):
        answers = np.full((pool_rows, *values.shape[1:]), OPEN, bought.dtype)
        answers[rows] = values
        accounts.append(Labels(answers, len(rows)).buy(rows))
    return accounts


def whole_pool(reason: str) -> np.ndarray:
    """Labels [pool]: every answer, for descriptions only, never to choose rows or train. Prints the reason."""
    print(f"labels: the whole pool's are read ({reason})")
    return answers()


def answers() -> np.ndarray:
    """Labels [pool], as in data/answers.npy."""
    return task.load().load(paths.ANSWERS, (None,), len(classes()), CONFLICT)


def holdout() -> np.ndarray:
    """Labels [holdout] of holdout.jsonl, for measuring only."""
    return task.load().load(paths.HOLDOUT_LABELS, (None,), len(classes()), CONFLICT)


def classes() -> list[str]:
    """Names of the classes, in the order of their numbers."""
    return task.classes()
