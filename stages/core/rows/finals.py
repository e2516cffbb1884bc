"""Which learner makes final models."""

from typing import Any

from stages.core.rows.results import NAMES

AUTO, FEW, MANY = "auto", "contrastive", "finetune"
A_CLASS = 50  # labels up to which FEW is at least as good as MANY (docs/training.md)


def trainer(settings: Any, labels: int, classes: int, arm: str = "") -> str:
    """The learner of an arm's final models with so many labels, or none; settings: .train_final of params.yaml."""
    chosen = settings.train_final.trainer
    if chosen != AUTO:
        return chosen
    return FEW if labels <= A_CLASS * classes and arm != NAMES else MANY  # without labels there are thousands of guesses


def why(settings: Any, labels: int, classes: int) -> str:
    """Which learner `auto` took and why, in a sentence; "" where params.yaml names it."""
    if settings.train_final.trainer != AUTO:
        return ""
    few = "are at most" if labels <= A_CLASS * classes else "are more than"
    return f" train_final.trainer: auto took {trainer(settings, labels, classes)}: {labels:,} labels {few} {A_CLASS} a class."
