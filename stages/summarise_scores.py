"""summarise_scores: how unsure the models before a round were of the pool and of the picked rows, for report.html.

reads   data/STAGE/scores.npy, data/STAGE/predicted.npy   of the models before the round
        data/STAGE/labelled.npy, data/classes.json
writes  data/map/STAGE/scores.npy             float32 [pool]          mean over the seeds where the row was open; else NaN
        data/map/STAGE/predicted.npy          int16 [pool]            class that most seeds' models predict; -1 for none
        data/map/STAGE/picked_scores.npy      float32 [seeds, rows]   of labelled.npy; NaN for rows of earlier stages
        data/map/STAGE/picked_predicted.npy   int16 [seeds, rows]     of labelled.npy; -1 for none
params  seeds
"""

import numpy as np

from stages.core.base import artifacts, params
from stages.core.rows import labels, rounds, score_summary


def main(stage: str) -> None:
    seeds = params.read("seeds").seeds
    scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, (len(seeds), None), nan=True)
    classes = len(labels.classes())
    predicted = rounds.load_predicted(stage, seeds, scores.shape[1], classes)
    labelled = rounds.load_labelled(stage, seeds, scores.shape[1])
    summary = score_summary.ScoreSummary(
        score_summary.mean_where_known(scores),
        score_summary.most_frequent(predicted, classes),
        np.take_along_axis(scores, labelled, 1),
        np.take_along_axis(predicted, labelled, 1),
    )
    summary.save(stage)
    open_rows = np.isfinite(summary.scores).sum()
    print(f"summarise_scores {stage}: {open_rows:,} rows were open, {labelled.shape[1]:,} labelled after it")
