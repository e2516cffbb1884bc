"""How the bucketed arm chooses the rows of a stage, by the strategy of params.yaml."""

import functools
from typing import Any

import numpy as np

from stages.core import strategies
from stages.core.arms.bench import Bench, Kept
from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.rows import labels, results, rounds


def rows_to_add(
    stage: str,
    strategy: str,
    amount: int | float,
    setting: str,
    settings: Any,
    options: Any,
    after: str | None = None,
    scores: np.ndarray | None = None,
) -> list[np.ndarray]:
    """The rows that a stage adds, one int64 [rows] a seed.

    strategy   name of a file of stages/core/strategies
    amount     rows of every bucket, or a share of each; `setting` is its name in params.yaml
    settings   .seeds, and for later stages .train and .embed
    options    as strategies know them
    after      the stage before, whose rows, labels and models a strategy may know; None for the first stage
    scores     float32 [seeds, pool]   how unsure these models are; NaN where labelled

    Raises Refused where the pool has fewer open rows, the strategy needs labels that nobody bought, or gives other rows than
    it should.
    """
    buckets = artifacts.load_clusters()
    sizes, pool_rows = np.bincount(buckets), len(buckets)
    seeds = settings.seeds
    if after is None:
        labelled = np.empty((len(seeds), 0), np.int64)
        bought = [labels.Labels(np.full(pool_rows, labels.OPEN), budget=0)] * len(seeds)
    else:
        labelled, bought = rounds.load_labelled(after, seeds, pool_rows), labels.of_stage(after, seeds, pool_rows)
    wanted = rounds.wanted(amount, len(sizes), pool_rows)
    rounds.refuse_unless_open(pool_rows - labelled.shape[1], wanted, setting)
    chosen_by = strategies.named(strategy)
    if getattr(chosen_by, "USES_POOL_LABELS", False):
        raise Refused(
            f"params.yaml: {strategy} chooses by labels of the whole pool, which nobody paid for; possible for {stage}: any other "
            f"file of stages/core/strategies; to compare with it, name it in arms"
        )
    embedded, bench = vectors.of_texts(artifacts.EMBEDDINGS, artifacts.POOL), Bench(settings)
    picked = []
    each = zip(seeds, rounds.random_orders(seeds, pool_rows), artifacts.rngs(seeds, f"{results.MAIN}_{stage}"), strict=True)
    for i, (seed, order, rng) in enumerate(each):
        title = f"{results.MAIN} {stage}, seed {seed}, to choose"
        known = strategies.Known(
            embedded,
            buckets,
            rounds.shares(amount, sizes),
            order,
            labelled[i],
            bought[i],
            bench.classes,
            options,
            Kept(rounds.models(after) / str(seed), bench, title) if after else None,
            functools.partial(bench.fit, title=title),
            None if scores is None else scores[i],
        )
        picked.append(strategies.choose(chosen_by.pick, known, wanted, rng))
    return picked
