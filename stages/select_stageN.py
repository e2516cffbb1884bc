"""select_stageN: choose m more rows a bucket by their scores, unless the last models show that enough is labelled.

reads   data/AFTER/labelled.npy, data/budgets/AFTER.json
        data/AFTER/predicted.npy, data/STAGE/predicted.npy   int16 [seeds, pool]     for sufficient.rule: agreement
        data/STAGE/scores.npy                                float32 [seeds, pool]   higher is less sure; NaN where labelled
        data/clusters.npy, data/pool.jsonl                   buckets and texts
        data/classes.json                                    how many there are, to see that what is predicted can be
        data/embeddings.npy                                  for by: recluster
writes  data/STAGE/labelled.npy      int64 [seeds, rows]     those of AFTER, then the new ones
        data/budgets/STAGE.json      how many they are, and whether enough was enough
        data/STAGE/selected.jsonl    the new rows as text
params  rounds.STAGE, select_stageN, sufficient, seeds
"""

import numpy as np

from stages.core import artifacts, rounds, selection, settings, vectors
from stages.core.errors import run


def main(stage: str) -> None:
    params = settings.read(f"rounds.{stage}", "select_stageN", "sufficient", "seeds")
    after, by = getattr(params, stage).after, params.select_stageN.by
    clusters = artifacts.load_clusters()
    labelled = rounds.load_labelled(after, params.seeds, len(clusters))
    scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, (len(params.seeds), len(clusters)), nan=True)
    classes = len(artifacts.load_json(artifacts.CLASSES))
    before, predicted = (rounds.load_predicted(each, params.seeds, len(clusters), classes) for each in (after, stage))

    since, kappa = rounds.load_budget(after)["sufficient_since"], None
    if since is None and params.sufficient.rule == "agreement":
        kappa = [agreement(*models) for models in zip(before, predicted)]
        # One decision for all seeds: every seed keeps the same budget, and seeds stay paired with the random arm's.
        since = after if all(k is not None and k >= params.sufficient.kappa for k in kappa) else None
    if since:
        rounds.save_labelled(stage, labelled, after, since, kappa)
        rounds.save_selected(stage, [], [], clusters, scores)
        print(f"select_stageN {stage}: nothing labelled, {since} was sufficient")
        return

    m = selection.per_bucket(getattr(params, stage).m, clusters)
    total = int(m.sum())
    rounds.refuse_unless_open(len(clusters) - labelled.shape[1], total, f"rounds.{stage}.m")
    embedded = vectors.load(artifacts.EMBEDDINGS, artifacts.POOL) if by == "recluster" else None
    even = selection.apportion(total, np.ones(len(m)), np.full(len(m), total))  # bands are as many as buckets, but all alike
    picked = []
    for i, rng in enumerate(artifacts.rngs(params.seeds, f"select_{stage}")):
        if by == "buckets":
            picked.append(selection.highest_per_bucket(scores[i], clusters, m))
        elif by == "bands":
            picked.append(selection.random_per_band(scores[i], len(m), even, rng))
        else:
            picked.append(selection.highest_reclustered(scores[i], embedded, total, rng))
    rounds.save_labelled(stage, np.hstack([labelled, np.stack(picked)]), after, None, kappa)
    rounds.save_selected(stage, params.seeds, picked, clusters, scores)
    print(f"select_stageN {stage}: {len(picked[0]):,} more rows by {by} for each of {len(picked)} seeds, kappa {kappa}")


def agreement(before: np.ndarray, now: np.ndarray) -> float | None:
    """Cohen's kappa of two models on the rows that both predicted; None where the first is no model.

    before, now   int16 [pool]   predicted class, -1 where none

    As a stopping rule: Bloodgood & Vijay-Shanker 2009, "A Method for Stopping Active Learning Based on Stabilizing
    Predictions and the Need for User-Adjustable Stopping" (CoNLL). Two models that name one class for every
    row agree wholly (1), where kappa is undefined.
    """
    from sklearn.metrics import cohen_kappa_score

    both = (before != rounds.NOT_PREDICTED) & (now != rounds.NOT_PREDICTED)
    if not both.any():
        return None
    if len(np.unique(np.concatenate([before[both], now[both]]))) == 1:
        return 1.0
    return round(float(cohen_kappa_score(before[both], now[both])), 4)


if __name__ == "__main__":
    run(main)
