"""select_stageN: choose m more rows a bucket by the models' scores, unless enough is labelled.

reads   data/AFTER/labelled.npy, data/AFTER/labels.npy, data/budgets/AFTER.json
        data/AFTER/predicted.npy, data/STAGE/predicted.npy   int16 [seeds, pool]     for sufficient.rule: agreement
        data/STAGE/scores.npy                                float32 [seeds, pool]   higher is less sure; NaN where labelled
        data/clusters.npy, data/embeddings/pool.npy, data/pool.jsonl, data/classes.json
        data/asked/STAGE.npy                                 where people label: the rows they were asked for
        data/AFTER/models, data/encoder, data/names          for strategies that need more of the models than scores
writes  data/STAGE/labelled.npy      int64 [seeds, rows]     those of AFTER, then the new ones
        data/budgets/STAGE.json      how many they are, and whether labelling has ended
        data/STAGE/selected.jsonl    the new rows as text
params  rounds.STAGE, select_stageN, strategies, sufficient, train, embed, seeds, labels.from

select_stageN.by names the strategy, a file of stages/core/strategies. Rows that people were asked for are taken as they are.
"""

from typing import Any

import numpy as np

from stages.core.arms import bucketed
from stages.core.base import artifacts, params
from stages.core.rows import labels, rounds, stopping


def main(stage: str) -> None:
    settings = params.read(f"rounds.{stage}", "select_stageN", "strategies", "sufficient", "train", "embed", "seeds", "labels.from")
    this, by = getattr(settings, stage), settings.select_stageN.by
    clusters = artifacts.load_clusters()
    labelled = rounds.load_labelled(this.after, settings.seeds, len(clusters))
    shape = labelled.shape[0], len(clusters)
    scores = artifacts.load(rounds.folder(stage) / "scores.npy", np.float32, shape, nan=True)
    ended = ended_before(stage, this.after, scores, settings)
    if ended["ended_after"]:
        rounds.save_labelled(stage, labelled, this.after, **ended)
        rounds.save_selected(stage, [], [], clusters, scores)
        print(f"select_stageN {stage}: nothing chosen, {ended['ended_after']} was {ended['ended_because']}")
        return

    picked = bucketed.rows_of_stage(bucketed.Choice(stage, by, this.m, f"rounds.{stage}.m", this.after), settings, scores)
    rounds.save_labelled(stage, np.hstack([labelled, np.stack(picked)]), this.after, **ended)
    rounds.save_selected(stage, settings.seeds, picked, clusters, scores)
    print(f"select_stageN {stage}: {len(picked[0]):,} more rows by {by} for each of {len(picked)} seeds")


def ended_before(stage: str, after: str, scores: np.ndarray, settings: Any) -> dict:
    """Whether labelling ended before this stage: ended_after, ended_because and kappas, as a budget holds them."""
    budget = rounds.load_budget(after)
    ended = {key: budget[key] for key in ("ended_after", "ended_because", "kappas")}
    if ended["ended_after"]:
        return ended
    if np.isnan(scores).all():
        return ended | {"ended_after": after, "ended_because": "waiting for answers"}
    rule = settings.sufficient
    if rule.rule == "none":
        return ended
    classes, rows = len(labels.classes()), stopping.sample(scores.shape[1])
    before, now = (rounds.load_predicted(name, settings.seeds, scores.shape[1], classes) for name in (after, stage))
    if (before == rounds.NOT_PREDICTED).all():  # `now` is of the first models
        return ended
    ended["kappas"] = [*budget["kappas"], [stopping.kappa(*models) for models in zip(before[:, rows], now[:, rows])]]
    print(f"select_stageN {stage}: kappa of the last two models {', '.join(map(str, ended['kappas'][-1]))}")
    if stopping.enough(ended["kappas"], now, classes, rule.kappa, rule.comparisons):
        return ended | {"ended_after": after, "ended_because": "sufficient"}
    return ended
