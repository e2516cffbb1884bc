"""The one door to labels of the pool: it knows which rows were bought, and answers for no other.

data/answers.npy          int64 [pool]         class number that the source, or people, give each row
data/STAGE/labels.npy     int64 [seeds, rows]  the same for the rows of data/STAGE/labelled.npy, and for no more
data/holdout_labels.npy   int64 [holdout]      class number of each row of holdout.jsonl
data/classes.json         names of the classes, in the order of their numbers

In place of a class number stands OPEN where nobody has answered yet, NO_CLASS where none can be said and CONFLICT where two
people disagree; only the first makes a stage wait.
"""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts, label_codes, paths
from stages.core.base.errors import Refused
from stages.core.rows import rounds

OPEN, NO_CLASS, CONFLICT = label_codes.OPEN, label_codes.NO_CLASS, label_codes.CONFLICT


class Labels:
    """Class numbers of the rows that were bought, and of no others; no more can be bought than the budget allows.

    answers   int64 [pool]   what each row would be answered
    budget    rows that may be bought in all
    """

    def __init__(self, answers: np.ndarray, budget: int):
        self._answers, self._budget = answers, budget
        self._bought = np.zeros(len(answers), dtype=bool)

    def buy(self, rows: np.ndarray) -> "Labels":
        """The same, with the labels of `rows`, int64 [rows], bought too; a row costs once.

        Raises Refused where the budget does not allow it: nothing is bought then.
        """
        bought = self._bought.copy()
        bought[rows] = True
        if bought.sum() > self._budget:
            raise Refused(
                f"{bought.sum():,} labels were asked for, {self._budget:,} are in the budget; a stage asks for rows unpaid"
            )
        self._bought = bought
        return self

    def of(self, rows: np.ndarray) -> np.ndarray:
        """int64 [rows]: class numbers, or OPEN, NO_CLASS, CONFLICT. Raises Refused for a row that was not bought."""
        unpaid = rows[~self._bought[rows]]
        if len(unpaid):
            raise Refused(f"label of row {unpaid[0]} of {paths.POOL} was asked for but never paid for ({len(unpaid)} such rows)")
        return self._answers[rows]


def within_budget(rows: int) -> Labels:
    """All answers that there are, of which so many rows can be bought."""
    return Labels(answers(), rows)


def buy_all(labelled: np.ndarray) -> np.ndarray:
    """The labels of these rows, int64 [seeds, rows], each seed within a budget of its own; in the same shape."""
    return np.stack([within_budget(len(rows)).buy(rows).of(rows) for rows in labelled])


def of_stage(stage: str, seeds: list[int], pool_rows: int) -> list[Labels]:
    """What a labelling stage bought, one a seed: nothing else is read."""
    labelled = rounds.load_labelled(stage, seeds, pool_rows)
    return known(labelled, load_bought(rounds.folder(stage) / "labels.npy", labelled, len(classes())), pool_rows)


def load_bought(path: Path, labelled: np.ndarray, number: int) -> np.ndarray:
    """Labels of the rows `labelled`, int64 [seeds, rows], in the same shape; of so many classes."""
    return artifacts.load(path, np.int64, labelled.shape, within=(CONFLICT, number))


def known(labelled: np.ndarray, bought: np.ndarray, pool_rows: int) -> list[Labels]:
    """One account a seed that has bought these rows, int64 [seeds, rows], and knows their labels `bought` alone."""
    accounts = []
    for rows, values in zip(labelled, bought, strict=True):
        answers = np.full(pool_rows, OPEN, np.int64)
        answers[rows] = values
        accounts.append(Labels(answers, len(rows)).buy(rows))
    return accounts


def whole_pool(reason: str) -> np.ndarray:
    """int64 [pool]: every answer, to describe with, never to choose rows or to train; `reason` is printed."""
    print(f"labels: the whole pool's are read ({reason})")
    return answers()


def answers() -> np.ndarray:
    """int64 [pool], as in data/answers.npy."""
    return artifacts.load(paths.ANSWERS, np.int64, (None,), within=(CONFLICT, len(classes())))


def holdout() -> np.ndarray:
    """int64 [holdout]: class numbers of holdout.jsonl, for measuring alone; where one is negative, nothing is measured by it."""
    return artifacts.load(paths.HOLDOUT_LABELS, np.int64, (None,), within=(CONFLICT, len(classes())))


def classes() -> list[str]:
    """Names of the classes, in the order of their numbers."""
    return artifacts.load_json(paths.CLASSES)
