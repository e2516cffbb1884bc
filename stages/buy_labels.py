"""buy_labels: the labels of the rows that a stage has chosen, from the data set or from people.

reads   data/STAGE/labelled.npy   int64 [seeds, rows]   all rows chosen up to here
        data/answers.npy          labels [pool]         what is known of every row
        data/classes.json         names of the classes
writes  data/STAGE/labels.npy     labels [seeds, rows]  see stages/core/task; -1 waits for an answer, -2 cannot be said, -3 conflict
params  seeds
"""

from stages.core import task
from stages.core.base import artifacts, params
from stages.core.rows import labels, rounds


def main(stage: str) -> None:
    seeds = params.read("seeds").seeds
    labelled = rounds.load_labelled(stage, seeds, len(labels.answers()))
    bought = labels.buy_all(labelled)
    artifacts.save(rounds.folder(stage) / "labels.npy", bought)
    waiting = (task.codes(bought) == labels.OPEN).sum()
    print(f"buy_labels {stage}: {labelled.shape[1]:,} rows for each of {len(seeds)} seeds, {waiting:,} unanswered")
