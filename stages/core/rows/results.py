"""What one arm did at one stage: the rows its models were trained on and what they say of the holdout.

data/results/ARM/STAGE/labelled.npy  int64 [seeds, rows]                  rows of pool.jsonl that the stage holds
data/results/ARM/STAGE/holdout.npy   float32 [seeds, holdout, classes]   probabilities; seeds as in params, none where
                                     nothing was trained
data/results/ARM/STAGE/history.json  one entry a seed and epoch, of learners that have epochs: seed, epoch, loss and more
data/results/ARM/STAGE/about.json    waits_for: answers that are missing; uses_pool_labels: whether rows were chosen by labels
                                     that are not counted
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stages.core.base import artifacts

MAIN, BASELINE, BOUND = "bucketed", "random", "full"  # the arms that are always there
WHOLE_POOL = "pool"  # the only stage of BOUND
ROOT = Path("data/results")


@dataclass(frozen=True)
class Result:
    labelled: np.ndarray
    probabilities: np.ndarray
    waits_for: int = 0
    uses_pool_labels: bool = False
    history: list[dict] = field(default_factory=list)

    @property
    def labels(self) -> int:
        """Rows labelled for each seed."""
        return self.labelled.shape[1]

    @property
    def trained(self) -> bool:
        """Whether there are models: not where labelling had been found sufficient before, nor where answers are missing."""
        return len(self.probabilities) > 0


def save(arm: str, stage: str, result: Result) -> None:
    folder = ROOT / arm / stage
    artifacts.save(folder / "labelled.npy", result.labelled)
    artifacts.save(folder / "holdout.npy", result.probabilities)
    artifacts.save_json(folder / "history.json", result.history)
    artifacts.save_json(folder / "about.json", {"waits_for": result.waits_for, "uses_pool_labels": result.uses_pool_labels})


def load(arm: str, stage: str, pool_rows: int, holdout_rows: int, classes: int) -> Result:
    folder = ROOT / arm / stage
    labelled = artifacts.load_labelled(folder / "labelled.npy", None, pool_rows)
    probabilities = artifacts.load(folder / "holdout.npy", np.float32, (None, holdout_rows, classes))
    history = artifacts.load_json(folder / "history.json")
    return Result(labelled, probabilities, **artifacts.load_json(folder / "about.json"), history=history)


def forget_all_but(wanted: Iterable[tuple[str, str]]) -> None:
    """Remove the results of arms and stages that params.yaml no longer names; DVC's cache has them still.

    They are outs of stages that are no more, so DVC leaves them where they are. As part of the folder that report depends on
    they would count in its hash, which a clone, where they are not, could never match.
    """
    wanted = set(wanted)
    for folder in ROOT.glob("*/*"):
        if (folder.parent.name, folder.name) not in wanted:
            shutil.rmtree(folder)
            print(f"report: {folder} removed: params.yaml names it no longer")
    for arm in ROOT.glob("*"):
        if not any(arm.iterdir()):
            arm.rmdir()
