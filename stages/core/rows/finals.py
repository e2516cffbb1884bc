"""Which learner makes final models."""

from typing import Any

from stages.core import task
from stages.core.rows.results import NAMES

AUTO, FEW, MANY = "auto", "contrastive", "finetune"
LEAST, MOST = 8, 50  # labels a class at which FEW beats the loop's model and MANY (docs/training.md)


def trainer(settings: Any, labels: int, classes: int, arm: str = "") -> str:
    """The learner of an arm's final models with so many labels, or none; settings: .train and .train_final of params.yaml."""
    chosen = settings.train_final.trainer
    if chosen != AUTO:
        task.refuse("params.yaml: train_final.trainer = ", chosen, task.load())
        return chosen
    if arm == NAMES or labels > MOST * classes:  # without labels there are thousands of guesses
        return MANY
    return FEW if labels >= LEAST * classes and FEW not in task.load().refuses else settings.train.trainer


def why(settings: Any, labels: int, classes: int) -> str:
    """Which learner `auto` took and why, in a sentence; "" where params.yaml names it."""
    if settings.train_final.trainer != AUTO:
        return ""
    each = labels / classes
    size = f"fewer than {LEAST}" if each < LEAST else f"{LEAST} to {MOST}" if each <= MOST else f"more than {MOST}"
    if each <= MOST and FEW in task.load().refuses:
        size = f"at most {MOST}"
    return f" train_final.trainer: auto took {trainer(settings, labels, classes)}, since {labels:,} labels are {size} a class."
