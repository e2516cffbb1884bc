"""How the bucketed arm chooses the rows of a stage, by the strategy of params.yaml."""

import functools
from typing import Any

import numpy as np

from stages.core import strategies
from stages.core.arms.fitter import Fitter, SavedModel
from stages.core.base import artifacts, paths, seeding
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.rows import labels, results, rounds


def rows_asked_or_to_add(
    stage: str, strategy: str, amount: int | float, setting: str, settings: Any, options: Any, **more: Any
) -> list[np.ndarray]:
    """The rows that a stage adds, one int64 [rows] a seed: those that people were asked for, or else those of `rows_to_add`.

    Arguments are as there; settings has `from` of labels too. Where people label, every seed learns from the rows of all.
    """
    seeds, sizes = settings.seeds, np.bincount(artifacts.load_clusters())
    asked, after = rounds.load_asked(stage, sizes.sum()), more.get("after")
    if len(asked):
        wanted = rounds.wanted(amount, len(sizes), sizes.sum())
        if len(asked) < wanted:
            print(f"{stage} holds {len(asked):,} rows, {setting} asks for {wanted:,}: make ask adds {wanted - len(asked):,}")
        before = rounds.load_labelled(after, seeds, sizes.sum())[0] if after else rounds.load_asked("prelabelled", sizes.sum())
        return [asked[~np.isin(asked, before)]] * len(seeds)
    picked = rows_to_add(stage, strategy, amount, setting, settings, options, **more)
    return [first_seen(np.concatenate(picked))] * len(seeds) if vars(settings)["from"] == "people" else picked


def first_seen(rows: np.ndarray) -> np.ndarray:
    """int64 [different]: rows in order, each where it stands first."""
    return rows[np.sort(np.unique(rows, return_index=True)[1])]


def rows_to_add(
    stage: str,
    strategy: str,
    amount: int | float,
    setting: str,
    settings: Any,
    options: Any,
    after: str | None = None,
    scores: np.ndarray | None = None,
    held: np.ndarray | None = None,
    said: np.ndarray | None = None,
    wanted: int | None = None,
) -> list[np.ndarray]:
    """The rows that a stage adds, one int64 [rows] a seed.

    strategy   name of a file of stages/core/strategies
    amount     rows of every bucket, or a share of each; `setting` is its name in params.yaml
    settings   .seeds, and for later stages .train and .embed
    options    as strategies know them
    after      the stage before, whose rows, labels and models a strategy may know; None for the first stage
    scores     float32 [seeds, pool]   how unsure these models are; NaN where labelled
    held       int64 [rows]            rows that the stage has beside those of the stage before
    said       int64 [rows]            their labels, where known
    wanted     how many, where that is not what `amount` comes to

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
    if held is not None and len(held):
        extra = np.tile(held, (len(seeds), 1))
        values = np.tile(np.full(len(held), labels.OPEN) if said is None else said, (len(seeds), 1))
        known = np.stack([paid.of(rows) for paid, rows in zip(bought, labelled)])
        labelled = np.hstack([labelled, extra])
        bought = labels.known(labelled, np.hstack([known, values]), pool_rows)
    wanted = rounds.wanted(amount, len(sizes), pool_rows) if wanted is None else wanted
    rounds.refuse_unless_open(pool_rows - labelled.shape[1], wanted, setting)
    chosen_by = strategies.named(strategy)
    if getattr(chosen_by, "USES_POOL_LABELS", False):
        raise Refused(
            f"params.yaml: {strategy} chooses by labels of the whole pool, which nobody paid for; possible for {stage}: any other "
            f"file of stages/core/strategies; to compare with it, name it in arms"
        )
    embedded, fitter = vectors.of_texts(paths.EMBEDDINGS, paths.POOL), Fitter(settings)
    picked = []
    each = zip(seeds, rounds.random_orders(seeds, pool_rows), seeding.rngs(seeds, f"{results.MAIN}_{stage}"), strict=True)
    for i, (seed, order, rng) in enumerate(each):
        title = f"{results.MAIN} {stage}, seed {seed}, to choose"
        known = strategies.PoolState(
            embedded,
            buckets,
            rounds.shares(amount, sizes),
            order,
            labelled[i],
            bought[i],
            fitter.classes,
            options,
            SavedModel(rounds.models(after) / str(seed), fitter, title) if after else None,
            functools.partial(fitter.fit, title=title),
            None if scores is None else scores[i],
        )
        picked.append(strategies.choose(chosen_by.pick, known, wanted, rng))
    return picked
