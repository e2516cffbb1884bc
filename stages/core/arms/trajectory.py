"""An arm's way from the first stage to the last, one seed at a time."""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core.arms.fitter import Fitter
from stages.core.base import seeding
from stages.core.rows import labels
from stages.core.strategies import Pick, PoolState, choose

NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Arm:
    """All that is the same for every seed of one arm.

    first      `pick` of the strategy that takes the first rows
    then       `pick` of the strategy that takes all others
    after      the stage that each follows, in order; None for the first
    budgets    rows labelled up to each stage
    fitter      fits and tries models
    vectors    float32 [pool, width]
    buckets    int32 [pool]
    options    as strategies know them
    shares     of every stage, as strategies know them; all buckets alike where none are given
    uses_pool_labels   whether rows are chosen by labels that nobody paid for
    """

    name: str
    first: Pick
    then: Pick
    after: dict[str, str | None]
    budgets: dict[str, int]
    fitter: Fitter
    vectors: np.ndarray
    buckets: np.ndarray
    options: Any
    uses_pool_labels: bool = False
    shares: dict[str, np.ndarray] | None = None

    def trajectory(self, seed: int, order: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray, list[dict]]]:
        """One seed's way: of every stage its name, all rows labelled up to there, what the model says of the holdout, its epochs.

        order   int64 [pool]   the random arm's order of the pool for this seed
        """
        labelled, models = {None: NO_ROWS}, {None: None}
        stages = list(self.after)
        for place, (stage, before) in enumerate(self.after.items()):
            title, budget = f"{self.name} {stage}, seed {seed}", self.budgets[stage]
            # What prunes the pool by all its labels has nothing to learn from its last choice: it chooses every budget afresh.
            rows, model = (NO_ROWS, None) if self.uses_pool_labels else (labelled[before], models[before])
            new = self.choose(rows, model, budget - len(rows), seed, stage, order)
            labelled[stage] = rows = np.concatenate([rows, new])
            fitted = self.fitter.fit(rows, labels.within_budget(budget).buy(rows), seed, title, model)
            yield stage, rows, self.fitter.on_holdout(fitted, len(rows)), fitted.history(seed)
            needed = [self.after[later] for later in stages[place + 1 :]]
            models = {name: model for name, model in (models | {stage: fitted}).items() if name in needed}

    def choose(self, rows: np.ndarray, model: Any, wanted: int, seed: int, stage: str, order: np.ndarray) -> np.ndarray:
        """int64 [wanted]: the rows that a stage adds to `rows`."""
        title = f"{self.name} {stage}, seed {seed}"
        [rng] = seeding.rngs([seed], f"{self.name}_{stage}")
        pays_for = np.arange(len(order)) if self.uses_pool_labels else rows
        known = PoolState(
            self.vectors,
            self.buckets,
            self.shares[stage] if self.shares else np.ones(int(self.buckets.max()) + 1),
            order,
            rows,
            labels.within_budget(len(pays_for)).buy(pays_for),
            self.fitter.classes,
            self.options,
            model,
            functools.partial(self.fitter.fit, title=f"{title}, to choose"),
        )
        started = time.perf_counter()
        picked = choose(self.first if model is None else self.then, known, wanted, rng)
        print(f"{title}: {wanted:,} rows chosen in {time.perf_counter() - started:.1f} s", flush=True)
        return picked
