"""What one arm did at one stage: the rows its models were trained on and what they say of the holdout.

data/results/ARM/STAGE/labelled.npy  int64 [seeds, rows]                  rows of pool.jsonl that a model was trained on
data/results/ARM/STAGE/holdout.npy   float32 [seeds, holdout, classes]   probabilities; seeds as in params, none where
                                     labelling had been found sufficient before
data/results/ARM/STAGE/history.json  one entry a seed and epoch, of trainers that have epochs: seed, epoch, loss and more
data/results/ARM/STAGE/about.json    sufficient_since: stage or null; uses_pool_labels: whether rows were chosen by labels
                                     that are not counted
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stages.core import artifacts


@dataclass(frozen=True)
class Result:
    labelled: np.ndarray
    probabilities: np.ndarray
    sufficient_since: str | None = None
    uses_pool_labels: bool = False
    history: list[dict] = field(default_factory=list)

    @property
    def labels(self) -> int:
        """Rows labelled for each seed."""
        return self.labelled.shape[1]


def _folder(arm: str, stage: str) -> Path:
    return Path("data/results") / arm / stage


def save(arm: str, stage: str, result: Result) -> None:
    artifacts.save(_folder(arm, stage) / "labelled.npy", result.labelled)
    artifacts.save(_folder(arm, stage) / "holdout.npy", result.probabilities)
    artifacts.save_json(_folder(arm, stage) / "history.json", result.history)
    about = {"sufficient_since": result.sufficient_since, "uses_pool_labels": result.uses_pool_labels}
    artifacts.save_json(_folder(arm, stage) / "about.json", about)


def load(arm: str, stage: str, pool_rows: int, holdout_rows: int, classes: int) -> Result:
    labelled = artifacts.load_labelled(_folder(arm, stage) / "labelled.npy", None, pool_rows)
    probabilities = artifacts.load(_folder(arm, stage) / "holdout.npy", np.float32, (None, holdout_rows, classes))
    history = artifacts.load_json(_folder(arm, stage) / "history.json")
    return Result(labelled, probabilities, **artifacts.load_json(_folder(arm, stage) / "about.json"), history=history)
