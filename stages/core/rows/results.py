"""What one arm did at one stage: the rows its models were trained on and what they say of the holdout.

data/results/ARM/STAGE/labelled.npy  int64 [seeds, rows]                  rows of pool.jsonl that the stage holds
data/results/ARM/STAGE/labels.npy    int64 [seeds, rows]                  their labels, as the arm bought them
data/results/ARM/STAGE/holdout.npy   float32 [seeds, holdout, classes]   probabilities; seeds as in params, none where
                                     nothing was trained
data/results/ARM/STAGE/history.json  one entry a seed and epoch, of learners that have epochs: seed, epoch, loss and more
data/results/ARM/STAGE/about.json    waits_for: answers that are missing; uses_pool_labels: whether rows were chosen by labels
                                     that are not counted

and of the bucketed arm where no row is held out
data/results/bucketed/STAGE/pool.npy    int16 [seeds, pool]    class that the models predict
data/results/bucketed/STAGE/pool.json   sure: mean highest probability on open rows; cross_validated: accuracy on the labelled
                                        rows by models that did not see them, or null; means over the seeds
"""

import shutil
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.base import artifacts
from stages.core.rows import labels, rounds

MAIN, BASELINE, BOUND = "bucketed", "random", "full"  # the arms that are always there
WHOLE_POOL = "pool"  # the only stage of BOUND
FINAL = "final"  # in place of an arm; its stages are the arms whose last rows it was trained on
ROOT = Path("data/results")


@dataclass(frozen=True)
class Result:
    labelled: np.ndarray
    bought: np.ndarray
    probabilities: np.ndarray
    waits_for: int = 0
    uses_pool_labels: bool = False
    history: list[dict] = field(default_factory=list)

    def on(self, known: np.ndarray) -> "Result":
        """The same with the probabilities of these rows of the holdout alone, bool [holdout]."""
        return self if known.all() else replace(self, probabilities=self.probabilities[:, known])

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
    artifacts.save(folder / "labels.npy", result.bought)
    artifacts.save(folder / "holdout.npy", result.probabilities)
    artifacts.save_json(folder / "history.json", result.history)
    artifacts.save_json(folder / "about.json", {"waits_for": result.waits_for, "uses_pool_labels": result.uses_pool_labels})


def load(arm: str, stage: str, pool_rows: int, holdout_rows: int, classes: int) -> Result:
    folder = ROOT / arm / stage
    labelled = artifacts.load_labelled(folder / "labelled.npy", None, pool_rows)
    bought = labels.load_bought(folder / "labels.npy", labelled, classes)
    probabilities = artifacts.load(folder / "holdout.npy", np.float32, (None, holdout_rows, classes))
    history = artifacts.load_json(folder / "history.json")
    return Result(labelled, bought, probabilities, **artifacts.load_json(folder / "about.json"), history=history)


def save_unmeasured(stage: str, predicted: Iterable[np.ndarray], sure: Iterable[float], validated: Iterable[float | None]) -> None:
    """One entry a seed of each."""
    known = [value for value in validated if value is not None]
    about = {"sure": round(statistics.fmean(sure), 4), "cross_validated": round(statistics.fmean(known), 4) if known else None}
    artifacts.save(ROOT / MAIN / stage / "pool.npy", np.stack(list(predicted)))
    artifacts.save_json(ROOT / MAIN / stage / "pool.json", about)


def load_unmeasured(stage: str, pool_rows: int, classes: int) -> dict:
    """predicted, sure and cross_validated of a stage that has models, where no row is held out."""
    predicted = artifacts.load(ROOT / MAIN / stage / "pool.npy", np.int16, (None, pool_rows), within=(0, classes))
    return {"predicted": predicted} | artifacts.load_json(ROOT / MAIN / stage / "pool.json")


def wanted(settings: Any) -> list[tuple[str, str]]:
    """(arm, stage) of all results that params.yaml names; settings: .rounds, .random_at, .arms and .train_final of it."""
    stages = rounds.in_order(settings.rounds)
    of_arms = {BASELINE: settings.random_at, MAIN: stages} | dict.fromkeys(settings.arms, stages) | {BOUND: [WHOLE_POOL]}
    named = [(arm, stage) for arm, arm_stages in of_arms.items() for stage in arm_stages]
    return named + [(FINAL, arm) for arm in settings.train_final.arms]


def forget_all_but(wanted: Iterable[tuple[str, str]], of: str = "*") -> None:
    """Remove the results of arms and stages that params.yaml no longer names; DVC's cache has them still.

    wanted   (arm, stage) of those that it names
    of       the arm to look at, or all

    They are outs of stages that are no more, so DVC leaves them where they are. As part of a folder that a stage depends on
    they would count in its hash, which a clone, where they are not, could never match: that stage calls this.
    """
    wanted = set(wanted)
    for folder in ROOT.glob(f"{of}/*"):
        if (folder.parent.name, folder.name) not in wanted:
            shutil.rmtree(folder)
            print(f"{folder} removed: params.yaml names it no longer")
    for arm in ROOT.glob("*"):
        if not any(arm.iterdir()):
            arm.rmdir()
