"""How the bucketed arm chooses the rows of a stage, by the strategy of params.yaml."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core import strategies, task
from stages.core.arms.fitter import Fitter, SavedModel
from stages.core.base import artifacts, paths, seeding
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.rows import labels, results, rounds
from stages.core.space import sampling


@dataclass(frozen=True)
class Choice:
    """How params.yaml says that a stage chooses its rows."""

    stage: str
    strategy: str  # a file of stages/core/strategies
    amount: int | float  # rows of every bucket, or a share of the pool
    setting: str  # name of `amount` in params.yaml
    after: str | None = None  # the stage before, whose rows, labels and models a strategy may use; None for the first


@dataclass(frozen=True)
class Held:
    """Rows that a stage holds already, apart from those of the stage before."""

    rows: np.ndarray  # int64 [rows]
    labels: np.ndarray  # labels [rows]: labels.OPEN where unknown


def rows_of_stage(choice: Choice, settings: Any, scores: np.ndarray | None = None) -> list[np.ndarray]:
    """The rows that a stage adds, one int64 [rows] a seed: those that people were asked for, or else as `rows_to_add`.

    settings   as there, and .from of labels. Where people label, every seed learns from the rows of all seeds
    """
    seeds, sizes = settings.seeds, np.bincount(artifacts.load_clusters())
    pool_rows = int(sizes.sum())
    asked = rounds.load_asked(choice.stage, pool_rows)
    if choice.after:
        before = rounds.load_labelled(choice.after, seeds, pool_rows)[0]
    else:
        before = rounds.load_asked("prelabelled", pool_rows)
    if len(asked):
        wanted = rounds.wanted(choice.amount, len(sizes), pool_rows)
        if len(asked) < wanted:
            holds = f"{choice.stage} holds {len(asked):,} rows, {choice.setting} asks for {wanted:,}"
            print(f"{holds}: make ask adds {wanted - len(asked):,}")
        return [asked[~np.isin(asked, before)]] * len(seeds)
    held = None if choice.after else Held(before, task.load().none(before.shape, len(labels.classes())))
    picked = rows_to_add(choice, settings, scores, held)
    return [without_repeats(picked)] * len(seeds) if vars(settings)["from"] == "people" else picked


def without_repeats(picked: list[np.ndarray]) -> np.ndarray:
    """int64 [different]: the rows of all seeds, in the order of their first appearance."""
    rows = np.concatenate(picked)
    return rows[sampling.first_copies(rows)]


def rows_to_add(
    choice: Choice, settings: Any, scores: np.ndarray | None, held: Held | None, wanted: int | None = None
) -> list[np.ndarray]:
    """The rows that a stage adds, one int64 [rows] a seed.

    settings   .seeds and .strategies, and for later stages .train and .embed
    scores     float32 [seeds, pool]   how unsure the models of the stage before are; NaN where labelled
    wanted     how many rows, where not as `choice.amount` says

    Raises Refused where the pool has fewer open rows, or the strategy needs labels that were not bought or picks wrong rows.
    """
    buckets, seeds = artifacts.load_clusters(), settings.seeds
    sizes, pool_rows = np.bincount(buckets), len(buckets)
    if choice.after:
        labelled = rounds.load_labelled(choice.after, seeds, pool_rows)
        bought = labels.of_stage(choice.after, seeds, pool_rows)
    else:
        labelled = np.empty((len(seeds), 0), np.int64)
        bought = labels.known(labelled, task.load().none(labelled.shape, len(labels.classes())), pool_rows)
    if held is not None and len(held.rows):
        values = np.stack([np.concatenate([paid.of(rows), held.labels]) for paid, rows in zip(bought, labelled)])
        labelled = np.hstack([labelled, np.tile(held.rows, (len(seeds), 1))])
        bought = labels.known(labelled, values, pool_rows)
    wanted = rounds.wanted(choice.amount, len(sizes), pool_rows) if wanted is None else wanted
    rounds.refuse_unless_open(pool_rows - labelled.shape[1], wanted, choice.setting)
    strategy = strategies.named(choice.strategy)
    if getattr(strategy, "USES_POOL_LABELS", False):
        raise Refused(
            f"params.yaml: {choice.strategy} uses labels of the whole pool, which were not bought; possible for {choice.stage}: "
            f"any other file of stages/core/strategies; to compare with it, name it in arms"
        )
    embedded, fitter = vectors.of_texts(paths.EMBEDDINGS, paths.POOL), Fitter(settings)
    orders, rngs = rounds.random_orders(seeds, pool_rows), seeding.rngs(seeds, f"{results.MAIN}_{choice.stage}")
    picked = []
    for i, (seed, order, rng) in enumerate(zip(seeds, orders, rngs, strict=True)):
        title = f"{results.MAIN} {choice.stage}, seed {seed}, to choose"
        pool = strategies.PoolState(
            vectors=embedded,
            buckets=buckets,
            shares=rounds.shares(choice.amount, sizes),
            order=order,
            labelled=labelled[i],
            labels=bought[i],
            classes=fitter.classes,
            kind=task.load(),
            options=settings.strategies,
            model=SavedModel(rounds.models(choice.after) / str(seed), fitter, title) if choice.after else None,
            train=functools.partial(fitter.fit, title=title),
            scored=None if scores is None else scores[i],
        )
        picked.append(strategies.choose(strategy.pick, pool, wanted, rng))
    return picked
