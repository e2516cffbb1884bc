"""select_stage1: choose the first rows to label, n of every bucket.

reads   data/clusters.npy           int32 [pool]            bucket of each row
        data/embeddings/pool.npy    vectors; a strategy gets the mean of their layers
        data/pool.jsonl, data/classes.json
        data/asked/stage1.npy, data/asked/prelabelled.npy   where people label: rows they were asked for, rows with labels before
writes  data/stage1/labelled.npy    int64 [seeds, rows]     rows of pool.jsonl
        data/budgets/stage1.json    how many they are
        data/stage1/predicted.npy   labels [seeds, pool]    -1 everywhere: there is no model yet
        data/stage1/selected.jsonl  the same rows as text
params  select_stage1, strategies, seeds, labels.from

select_stage1.pick names the strategy, a file of stages/core/strategies; one that needs a model takes the random arm's rows here.
A bucket of fewer than n rows gives all it has, and the others more. Rows that people were asked for are taken as they are;
prelabelled rows come first and cost nothing.
"""

import numpy as np

from stages.core import task
from stages.core.arms import bucketed
from stages.core.base import artifacts, params
from stages.core.rows import rounds


def main() -> None:
    settings = params.read("select_stage1", "strategies", "seeds", "labels.from")
    first = settings.select_stage1
    clusters = artifacts.load_clusters()
    prelabelled = rounds.load_asked("prelabelled", len(clusters))
    picked = bucketed.rows_of_stage(bucketed.Choice(rounds.FIRST, first.pick, first.n, "select_stage1.n"), settings)
    rounds.save_labelled(rounds.FIRST, np.hstack([np.tile(prelabelled, (len(picked), 1)), np.stack(picked)]))
    no_model = task.load().no_predictions((len(picked), len(clusters)), len(task.classes()))
    artifacts.save(rounds.folder(rounds.FIRST) / "predicted.npy", no_model)
    rounds.save_selected(rounds.FIRST, settings.seeds, picked, clusters, scores=None)
    print(f"select_stage1: {len(picked[0]):,} of {len(clusters):,} rows by {first.pick} for each of {len(picked)} seeds")
