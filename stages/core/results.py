"""What the models of one arm and stage say of the holdout: all that the report needs of them.

data/results/ARM/STAGE/holdout.npy   float32 [seeds, holdout, classes]   probabilities; seeds as in params, none where
                                     labelling had been found sufficient before
data/results/ARM/STAGE/about.json    labels: rows a seed; sufficient_since: stage or null
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.core import artifacts


@dataclass(frozen=True)
class Result:
    probabilities: np.ndarray
    labels: int
    sufficient_since: str | None


def _folder(arm: str, stage: str) -> Path:
    return Path("data/results") / arm / stage


def save(arm: str, stage: str, result: Result) -> None:
    artifacts.save(_folder(arm, stage) / "holdout.npy", result.probabilities)
    artifacts.save_json(_folder(arm, stage) / "about.json", {"labels": result.labels, "sufficient_since": result.sufficient_since})


def load(arm: str, stage: str, holdout_rows: int, classes: int) -> Result:
    probabilities = artifacts.load(_folder(arm, stage) / "holdout.npy", np.float32, (None, holdout_rows, classes))
    return Result(probabilities, **artifacts.load_json(_folder(arm, stage) / "about.json"))
