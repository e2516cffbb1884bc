"""summarise_scores: how unsure the models were before a round, of the pool and of the rows then picked; for report.html.

reads   data/STAGE/scores.npy, data/STAGE/predicted.npy   of the models before the round
        data/STAGE/labelled.npy, data/classes.json
writes  data/map/STAGE/scores.npy      float32 [pool]          mean over the seeds in which the row was open; NaN where in none
        data/map/STAGE/predicted.npy   int16 [pool]            the class that most of these seeds' models predict; -1 for none
        data/map/STAGE/picked_scores.npy, picked_predicted.npy   float32 and int16 [seeds, rows]: the same, seed by seed, of
                                           the rows of labelled.npy; NaN and -1 for those that stages before had labelled
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
    found = score_summary.ScoreSummary(
        score_summary.mean_where_known(scores),
        score_summary.most_frequent(predicted, classes),
        np.take_along_axis(scores, labelled, 1),
        np.take_along_axis(predicted, labelled, 1),
    )
    found.save(stage)
    print(f"summarise_scores {stage}: {np.isfinite(found.scores).sum():,} rows were open, {labelled.shape[1]:,} labelled after it")
