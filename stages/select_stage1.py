"""select_stage1: draw the first rows to label, n from every bucket.

reads   data/pool.jsonl                texts alone
        data/embeddings.npy            float32 [pool, width]        for pick: typical
        data/reduced.npy               float32 [pool, dimensions]   for pick: central
        data/clusters.npy              int32 [pool]                 bucket of each row
writes  data/stage1/labelled.npy       int64 [seeds, rows]          rows of pool.jsonl
        data/budgets/stage1.json       how many they are
        data/stage1/predicted.npy      int16 [seeds, pool]          -1 everywhere: no model has spoken yet
        data/stage1/selected.jsonl     the same rows as text
params  select_stage1, seeds
"""

import numpy as np

from stages.core import artifacts, rounds, selection, settings, typicality, vectors
from stages.core.errors import run


def main() -> None:
    params = settings.read("select_stage1", "seeds")
    pick = params.select_stage1.pick
    clusters = artifacts.load_clusters()
    settings.refuse_budget_over(len(clusters))
    sizes, n = np.bincount(clusters), selection.per_bucket(params.select_stage1.n, clusters)
    rounds.refuse_unless_open(len(clusters), int(n.sum()), "select_stage1.n")
    rngs = artifacts.rngs(params.seeds, "select_stage1")
    if pick == "typical":
        embedded = vectors.load(artifacts.EMBEDDINGS, artifacts.POOL)
        picked = [typicality.typical_per_bucket(embedded, clusters, n, rng) for rng in rngs]
    elif pick == "central":
        reduced = artifacts.load(artifacts.REDUCED, np.float32, (len(clusters), None))
        picked = [selection.central_per_bucket(reduced, clusters, n)] * len(params.seeds)
    else:
        picked = [selection.random_per_bucket(clusters, n, rng) for rng in rngs]

    rounds.save_labelled("stage1", np.stack(picked))
    rounds.save_selected("stage1", params.seeds, picked, clusters, scores=None)
    no_model = np.full((len(params.seeds), len(clusters)), rounds.NOT_PREDICTED, dtype=np.int16)
    artifacts.save(rounds.folder("stage1") / "predicted.npy", no_model)
    for bucket in np.flatnonzero(sizes < n):
        print(f"select_stage1: bucket {bucket} has {sizes[bucket]} rows, fewer than n = {n[bucket]}: all are taken")
    print(f"select_stage1: {len(picked[0]):,} of {len(clusters):,} rows for each of {len(picked)} seeds")


if __name__ == "__main__":
    run(main)
