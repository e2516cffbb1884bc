"""An arm from its first stage to its last, one seed at a time."""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core import task
from stages.core.arms.fitter import Fitter
from stages.core.base import seeding
from stages.core.rows import labels
from stages.core.strategies import Pick, PoolState, choose

NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Arm:
    """Everything about an arm that is the same for every seed."""

    name: str
    first: Pick  # for the first rows
    then: Pick  # for all later rows
    after: dict[str, str | None]  # stage -> the stage before, in order; None for the first
    budgets: dict[str, int]  # stage -> rows labelled up to it
    fitter: Fitter
    vectors: np.ndarray  # float32 [pool, width]
    buckets: np.ndarray  # int32 [pool]
    options: Any  # as in PoolState
    uses_pool_labels: bool = False  # whether the strategy uses labels without buying them
    shares: dict[str, np.ndarray] | None = None  # stage -> shares as in PoolState; None for equal shares

    def trajectory(self, seed: int, order: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray, list[dict]]]:
        """(stage, rows labelled so far, probabilities on the holdout, epochs) of each stage in turn, for one seed.

        order   int64 [pool]   the random arm's order of the pool for this seed
        """
        labelled, models = {None: NO_ROWS}, {None: None}
        stages = list(self.after)
        for place, (stage, before) in enumerate(self.after.items()):
            title, budget = f"{self.name} {stage}, seed {seed}", self.budgets[stage]
            # A strategy that sees all labels learns nothing from its last choice: it chooses every budget afresh.
            rows, model = (NO_ROWS, None) if self.uses_pool_labels else (labelled[before], models[before])
            new = self.choose(rows, model, budget - len(rows), seed, stage, order)
            labelled[stage] = rows = np.concatenate([rows, new])
            fitted = self.fitter.fit(rows, labels.within_budget(budget).buy(rows), seed, title, model)
            yield stage, rows, self.fitter.on_holdout(fitted, len(rows)), fitted.history(seed)
            needed = [self.after[later] for later in stages[place + 1 :]]
            models = {name: model for name, model in (models | {stage: fitted}).items() if name in needed}

    def choose(self, rows: np.ndarray, model: Any, wanted: int, seed: int, stage: str, order: np.ndarray) -> np.ndarray:
        """int64 [wanted]: the rows that a stage adds to `rows`, with the model of the stage before."""
        title = f"{self.name} {stage}, seed {seed}"
        [rng] = seeding.rngs([seed], f"{self.name}_{stage}")
        visible = np.arange(len(order)) if self.uses_pool_labels else rows
        pool = PoolState(
            vectors=self.vectors,
            buckets=self.buckets,
            shares=self.shares[stage] if self.shares else np.ones(int(self.buckets.max()) + 1),
            order=order,
            labelled=rows,
            labels=labels.within_budget(len(visible)).buy(visible),
            classes=self.fitter.classes,
            kind=task.load(),
            options=self.options,
            model=model,
            train=functools.partial(self.fitter.fit, title=f"{title}, to choose"),
        )
        started = time.perf_counter()
        picked = choose(self.first if model is None else self.then, pool, wanted, rng)
        print(f"{title}: {wanted:,} rows chosen in {time.perf_counter() - started:.1f} s", flush=True)
        return picked
