"""What one arm did at one stage: the rows that its models were trained on, and their probabilities on the holdout.

data/results/ARM/STAGE/labelled.npy  int64 [seeds, rows]                 rows of pool.jsonl
data/results/ARM/STAGE/labels.npy    labels [seeds, rows]                of these rows, as the arm bought them
data/results/ARM/STAGE/holdout.npy   float32 [seeds, holdout, classes]   probabilities; seeds as in params, none where
                                     nothing was trained
data/results/ARM/STAGE/history.json  one entry a seed and epoch, of learners with epochs: seed, epoch, loss and more
data/results/ARM/STAGE/about.json    waits_for: number of missing answers; uses_pool_labels: whether rows were chosen by
                                     labels that do not count towards the budget; models: fingerprint of each seed's model,
                                     where models are kept: whoever reads them depends on data/results

Of the bucketed arm, where there is no holdout:
data/results/bucketed/STAGE/pool.npy    int16 [seeds, pool]    predicted classes
data/results/bucketed/STAGE/pool.json   means over the seeds: sure, the highest probability on open rows; cross_validated,
                                        accuracy on labelled rows by models that did not see them, or null
"""

import shutil
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import artifacts
from stages.core.rows import labels, rounds

MAIN, BASELINE, BOUND = "bucketed", "random", "full"  # arms that always run
WHOLE_POOL = "pool"  # the stage of BOUND that has a model of the loop's kind
NAMES = "names"  # an arm with one stage of the same name: a model of what classes are called, no label spent
FINAL = "final"  # takes the place of an arm; its stages are the arms whose last rows it learns from. Also a stage of BOUND
ROOT = Path("data/results")


@dataclass(frozen=True)
class Result:
    labelled: np.ndarray
    bought: np.ndarray
    probabilities: np.ndarray
    waits_for: int = 0
    uses_pool_labels: bool = False
    history: list[dict] = field(default_factory=list)
    models: list[str] = field(default_factory=list)

    def on(self, known: np.ndarray) -> "Result":
        """This result on some rows of the holdout, bool [holdout]."""
        return self if known.all() else replace(self, probabilities=self.probabilities[:, known])

    @property
    def untrained(self) -> "Result":
        """The same rows without models."""
        return replace(self, probabilities=self.probabilities[:0])

    @property
    def labels(self) -> int:
        """Rows with a class, which a seed's model learns from, mean over the seeds; rows in conflict, for example, do not count."""
        return round(float((task.codes(self.bought) >= 0).sum(1).mean()))

    @property
    def given(self) -> int:
        """Labels that these rows have, mean over the seeds: as `labels`, but a row of several has more than one, or none."""
        known = self.bought[task.codes(self.bought) >= 0]
        return round(float(task.of(known).indicator(known, self.probabilities.shape[2]).sum()) / len(self.bought))

    @property
    def trained(self) -> bool:
        """Whether there are models: not where labelling ended before this stage, nor where answers are missing."""
        return len(self.probabilities) > 0


def save(arm: str, stage: str, result: Result) -> None:
    folder = ROOT / arm / stage
    artifacts.save(folder / "labelled.npy", result.labelled)
    artifacts.save(folder / "labels.npy", result.bought)
    artifacts.save(folder / "holdout.npy", result.probabilities)
    artifacts.save_json(folder / "history.json", result.history)
    about = {name: getattr(result, name) for name in ("waits_for", "uses_pool_labels", "models")}
    artifacts.save_json(folder / "about.json", about)


def nothing(holdout_rows: int, classes: int) -> Result:
    """The result of a model that nobody asked for."""
    none = np.empty((1, 0), np.int64)
    return Result(none, task.load().none((1, 0), classes), np.empty((0, holdout_rows, classes), np.float32))


def load(arm: str, stage: str, pool_rows: int, holdout_rows: int, classes: int) -> Result:
    folder = ROOT / arm / stage
    labelled = artifacts.load_labelled(folder / "labelled.npy", None, pool_rows)
    bought = labels.load_bought(folder / "labels.npy", labelled, classes)
    probabilities = artifacts.load(folder / "holdout.npy", np.float32, (None, holdout_rows, classes))
    history = artifacts.load_json(folder / "history.json")
    return Result(labelled, bought, probabilities, **artifacts.load_json(folder / "about.json"), history=history)


def save_unmeasured(stage: str, predicted: Iterable[np.ndarray], sure: Iterable[float], validated: Iterable[float | None]) -> None:
    """Of a stage without holdout; one entry a seed in each argument."""
    known = [value for value in validated if value is not None]
    about = {"sure": round(statistics.fmean(sure), 4), "cross_validated": round(statistics.fmean(known), 4) if known else None}
    artifacts.save(ROOT / MAIN / stage / "pool.npy", np.stack(list(predicted)))
    artifacts.save_json(ROOT / MAIN / stage / "pool.json", about)


def load_unmeasured(stage: str, pool_rows: int, classes: int) -> dict:
    """predicted, sure and cross_validated of a stage with models, where there is no holdout."""
    predicted = artifacts.load(ROOT / MAIN / stage / "pool.npy", np.int16, (None, pool_rows), within=(0, classes))
    return {"predicted": predicted} | artifacts.load_json(ROOT / MAIN / stage / "pool.json")


def wanted(settings: Any) -> list[tuple[str, str]]:
    """(arm, stage) of every result that params.yaml asks for; settings: its .rounds, .random_at, .arms and .train_final."""
    stages = rounds.in_order(settings.rounds)
    of_arms = (
        {BASELINE: settings.random_at, MAIN: stages}
        | dict.fromkeys(settings.arms, stages)
        | {BOUND: [WHOLE_POOL, FINAL], NAMES: [NAMES]}
    )
    named = [(arm, stage) for arm, arm_stages in of_arms.items() for stage in arm_stages]
    for arm in settings.train_final.arms:
        named += [(FINAL, arm), *((FINAL, f"{arm}/{stage}") for stage in before_the_last(settings, arm, of_arms[arm]))]
    return named


def before_the_last(settings: Any, arm: str, stages: list[str]) -> list[str]:
    """Those of an arm's stages that get final models besides the last; settings: .train_final of params.yaml."""
    return stages[:-1] if settings.train_final.stages == "all" and arm != NAMES else []


def of_arm(arm: str, stage: str) -> tuple[str, str]:
    """A result's arm and stage, as named in reports: final models count as stages of the arm whose rows they learn from.

    These are `final` for the last stage and `final-STAGE` for others.
    """
    if arm != FINAL:
        return arm, stage
    of, _, earlier = stage.partition("/")
    return of, f"{FINAL}-{earlier}" if earlier else FINAL


def is_final(stage: str) -> bool:
    """Whether a stage, as named in reports, has final models."""
    return stage.split("-")[0] == FINAL


def forget_all_but(wanted: Iterable[tuple[str, str]], of: str = "*") -> None:
    """Remove results that params.yaml no longer names; DVC's cache still has them.

    wanted   (arm, stage) of the results to keep
    of       the arm to clean, or * for all

    DVC leaves outs of removed stages in place. In a folder that a stage depends on they would change its hash, which a clone
    without them could never match. So that stage calls this.
    """
    wanted = set(wanted)
    for folder in ROOT.glob(f"{of}/*"):
        if (folder.parent.name, folder.name) not in wanted:
            shutil.rmtree(folder)
            print(f"{folder} removed: params.yaml names it no longer")
    for arm in ROOT.glob("*"):
        if not any(arm.iterdir()):
            arm.rmdir()
