"""Which learner makes final models."""

from typing import Any

import numpy as np

from stages.core import task
from stages.core.rows.results import NAMES

AUTO, FEW, MANY = "auto", "contrastive", "finetune"
LEAST, MOST = 8, 50  # labels a class at which FEW beats the loop's model and MANY (docs/training.md)
ENOUGH = 13  # labels a class above which MANY beats the loop's model where FEW is refused: texts with several labels


def trainer(settings: Any, labels: int, classes: int, arm: str = "") -> str:
    """The learner of an arm's final models, or none; settings: .train and .train_final of params.yaml.

    labels   as of Result.given
    """
    chosen = settings.train_final.trainer
    if chosen != AUTO:
        task.refuse("params.yaml: train_final.trainer = ", chosen, task.load())
        return chosen
    if arm == NAMES or labels > bounds()[1] * classes:  # without labels there are thousands of guesses
        return MANY
    return FEW if labels >= bounds()[0] * classes else settings.train.trainer


def bounds() -> tuple[float, int]:
    """(least, most) labels a class with which `auto` takes FEW: never where it is refused."""
    return (np.inf, ENOUGH) if FEW in task.load().refuses else (LEAST, MOST)


def why(settings: Any, labels: int, classes: int) -> str:
    """Which learner `auto` took and why, in a sentence; "" where params.yaml names it."""
    if settings.train_final.trainer != AUTO:
        return ""
    each, (least, most) = labels / classes, bounds()
    few = f"at most {most}" if least > most else f"fewer than {least}"
    what = "labels of these texts" if least > most else "labels"  # elsewhere in the report a label is a labelled text
    size = f"more than {most}" if each > most else f"{least} to {most}" if each >= least else few
    return f" train_final.trainer: auto took {trainer(settings, labels, classes)}, since {labels:,} {what} are {size} a class."
