"""buy_labels: the labels of the rows that a stage has chosen, from the one who answers: the data set, or people.

reads   data/STAGE/labelled.npy   int64 [seeds, rows]   all rows chosen up to here
        data/answers.npy          int64 [pool]          what is known of every row
        data/classes.json         names of the classes
writes  data/STAGE/labels.npy     int64 [seeds, rows]   class numbers; -1 waits for an answer, -2 cannot be said, -3 conflict
params  seeds
"""

from stages.core.base import artifacts, params
from stages.core.rows import labels, rounds


def main(stage: str) -> None:
    seeds = params.read("seeds").seeds
    answers = labels.answers()
    labelled = rounds.load_labelled(stage, seeds, len(answers))
    bought = labels.buy_all(labelled)
    artifacts.save(rounds.folder(stage) / "labels.npy", bought)
    print(
        f"buy_labels {stage}: {labelled.shape[1]:,} rows for each of {len(seeds)} seeds, "
        f"{(bought == labels.OPEN).sum():,} unanswered"
    )
