"""outlook: what the models before a round thought of the pool and of the rows that the round then picked, for the page of report.

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
from stages.core.base.errors import run
from stages.core.rows import labels, outlook, rounds


def main(stage: str) -> None:
    seeds = params.read("seeds").seeds
    scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, (len(seeds), None), nan=True)
    classes = len(labels.classes())
    predicted = rounds.load_predicted(stage, seeds, scores.shape[1], classes)
    labelled = rounds.load_labelled(stage, seeds, scores.shape[1])
    found = outlook.Outlook(
        outlook.mean_where_known(scores),
        outlook.most_frequent(predicted, classes),
        np.take_along_axis(scores, labelled, 1),
        np.take_along_axis(predicted, labelled, 1),
    )
    found.save(stage)
    print(f"outlook {stage}: {np.isfinite(found.scores).sum():,} rows were open, {labelled.shape[1]:,} labelled after it")


if __name__ == "__main__":
    run(main)
