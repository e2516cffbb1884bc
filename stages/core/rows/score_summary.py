"""How unsure the models before a round were of the pool, for report.html: data/map/STAGE/, as in stages/summarise_scores.py."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stages.core.base import artifacts, paths
from stages.core.rows.rounds import NOT_PREDICTED

ROOT = paths.MAP


@dataclass(frozen=True)
class ScoreSummary:
    scores: np.ndarray  # float32 [pool]: NaN where no seed had the row open
    predicted: np.ndarray  # int16 [pool]: class numbers, or NOT_PREDICTED
    picked_scores: np.ndarray  # float32 [seeds, rows]: rows as in labelled.npy of the stage; NaN for those of earlier stages
    picked_predicted: np.ndarray  # int16 [seeds, rows]

    def save(self, stage: str) -> None:
        for name, array in vars(self).items():
            artifacts.save(ROOT / stage / f"{name}.npy", array)


def load(stage: str, pool_rows: int, seeds: int, classes: int) -> ScoreSummary:
    predicted = {"dtype": np.int16, "within": (NOT_PREDICTED, classes)}
    return ScoreSummary(
        artifacts.load(ROOT / stage / "scores.npy", np.float32, (pool_rows,), nan=True),
        artifacts.load(ROOT / stage / "predicted.npy", shape=(pool_rows,), **predicted),
        artifacts.load(ROOT / stage / "picked_scores.npy", np.float32, (seeds, None), nan=True),
        artifacts.load(ROOT / stage / "picked_predicted.npy", shape=(seeds, None), **predicted),
    )


def forget_all_but(stages: Iterable[str]) -> None:
    """Remove summaries of rounds that params.yaml no longer names, as results.forget_all_but does."""
    for folder in ROOT.glob("*/"):
        if folder.name not in set(stages):
            shutil.rmtree(folder)
            print(f"{folder} removed: params.yaml names it no longer")


def mean_where_known(scores: np.ndarray) -> np.ndarray:
    """float32 [pool]: mean over the seeds without NaN; NaN where all are. scores float32 [seeds, pool]."""
    known = np.isfinite(scores)
    counts = known.sum(0)
    sums = np.where(known, scores, 0).sum(0, dtype=np.float64)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0).astype(np.float32)


def most_frequent(predicted: np.ndarray, classes: int) -> np.ndarray:
    """int16 [pool]: the class that most seeds predict, the lower one of a tie, or NOT_PREDICTED. predicted int16 [seeds, pool]"""
    votes = np.stack([(predicted == number).sum(0) for number in range(classes)])
    return np.where(votes.any(0), votes.argmax(0), NOT_PREDICTED).astype(np.int16)
