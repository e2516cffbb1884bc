"""compare_arm: another way of choosing rows, from the first stage to the last, on the budgets of the bucketed arm.

reads   data/budgets/STAGE.json        how many rows each stage has labelled, not which
        data/embeddings.npy, data/clusters.npy   what a strategy may know of the pool
        data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings, for others data/encoder
writes  data/results/ARM/STAGE/        the rows, and what the models trained on them say of the holdout
params  compare_arm, score_entropy.committee, rounds, train, embed, seeds

The strategy is stages/core/strategies/ARM.py. Each seed starts from nothing, or from the random arm's rows where the
strategy needs a model and nothing is labelled yet, and goes its own way; the model of a stage is fitted with the seed, as
in every other arm.
"""

import functools
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from stages.core import artifacts, labels, pointer, results, rounds, settings, training, vectors
from stages.core.errors import Refused, run
from stages.core.known import Known, NoModelYet

NO_ROWS = np.empty(0, np.int64)


def main(arm: str) -> None:
    params = settings.read("compare_arm", "score_entropy.committee", "rounds", "train", "embed", "seeds")
    settings.refuse_unknown_arm(arm)
    strategy = importlib.import_module(f"stages.core.strategies.{arm}")
    stages = settings.stages_in_order(params.rounds)
    embedded = vectors.load(artifacts.EMBEDDINGS, artifacts.POOL, pointer.chosen(params.embed.model))
    buckets = artifacts.load_clusters(len(embedded))
    everything = None
    if uses_pool_labels := getattr(strategy, "USES_POOL_LABELS", False):
        everything = labels.Labels(labels.whole_pool(f"{arm}: to choose rows by them"), np.arange(len(buckets)))
    comparator = Arm(
        arm,
        strategy,
        after={stage: params.rounds[stage].after if stage in params.rounds else None for stage in stages},
        budgets={stage: rounds.load_budget(stage) for stage in stages},
        bench=training.Bench(params),
        vectors=embedded,
        buckets=buckets,
        options=SimpleNamespace(committee=params.committee, **params.compare_arm.model_dump()),
        everything=everything,
    )
    labelled, tried, history = ({stage: [] for stage in stages} for _ in range(3))
    for seed, order in zip(params.seeds, rounds.random_orders(params.seeds, len(buckets))):
        for stage, rows, probabilities, epochs in comparator.trajectory(seed, order):
            labelled[stage].append(rows)
            tried[stage] += [] if probabilities is None else [probabilities]
            history[stage] += epochs
    for stage in stages:
        since = comparator.budgets[stage]["sufficient_since"]
        result = results.Result(np.stack(labelled[stage]), training.stacked(tried[stage]), since, uses_pool_labels, history[stage])
        results.save(arm, stage, result)


@dataclass(frozen=True)
class Arm:
    """All that is the same for every seed of one arm.

    strategy     a module of stages/core/strategies
    after        the stage that each follows, in order; None for the first
    budgets      of every stage, as from rounds.load_budget
    bench        fits and tries models
    vectors      float32 [pool, width]
    buckets      int32 [pool]
    options      .held_back and .committee of params.yaml
    everything   labels of the whole pool where the strategy is marked USES_POOL_LABELS, else None
    """

    name: str
    strategy: ModuleType
    after: dict[str, str | None]
    budgets: dict[str, dict]
    bench: Any
    vectors: np.ndarray
    buckets: np.ndarray
    options: Any
    everything: labels.Labels | None

    def trajectory(self, seed: int, order: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray | None, list[dict]]]:
        """One seed's way: of every stage its name, all rows labelled up to there, what the model says of the holdout, its epochs.

        order   int64 [pool]   the random arm's order of the pool for this seed

        Where labelling had been found sufficient no rows are added and there is no model.
        """
        labelled, models = {None: NO_ROWS}, {None: None}
        stages = list(self.after)
        for place, (stage, before) in enumerate(self.after.items()):
            if self.budgets[stage]["sufficient_since"]:
                labelled[stage] = labelled[before]
                yield stage, labelled[stage], None, []
                continue
            title = f"{self.name} {stage}, seed {seed}"
            # What prunes the pool by all its labels has nothing to learn from its last choice: it chooses every budget afresh.
            rows, model = (NO_ROWS, None) if self.everything else (labelled[before], models[before])
            new = self.choose(rows, model, self.budgets[stage]["labels"] - len(rows), seed, stage, order)
            labelled[stage] = rows = np.concatenate([rows, new])
            fitted = self.bench.fit(rows, labels.paid_for(rows), seed, title, model)
            yield stage, rows, self.bench.on_holdout(fitted, len(rows)), fitted.history(seed)
            needed = [self.after[later] for later in stages[place + 1 :]]
            models = {name: model for name, model in (models | {stage: fitted}).items() if name in needed}

    def choose(self, rows: np.ndarray, model: Any, wanted: int, seed: int, stage: str, order: np.ndarray) -> np.ndarray:
        """int64 [wanted]: open rows by the strategy, or the random arm's where it needs a model and nothing is labelled yet.

        Raises Refused where a strategy gives other than it should, or asks for a model that it has no right to.
        """
        title, how = f"{self.name} {stage}, seed {seed}", "chosen"
        [rng] = artifacts.rngs([seed], f"{self.name}_{stage}")
        paid = self.everything or labels.paid_for(rows)
        train = functools.partial(self.bench.fit, title=f"{title}, to choose")
        every = np.arange(len(self.vectors))
        known = Known(every, self.vectors, self.buckets, rows, paid, self.bench.classes, self.options, model, train)
        if wanted == len(known.open_rows):
            return known.open_rows
        started = time.perf_counter()
        try:
            picked = self.strategy.pick(known, wanted, rng)
        except NoModelYet:
            self._refuse_unless_first(known, stage)
            picked, how = first_open(order, rows, wanted), "taken from the random arm, since there is no model yet,"
        good = np.intersect1d(picked, known.open_rows)
        if len(good) < wanted or len(picked) != wanted:
            raise Refused(
                f"stages/core/strategies/{self.name}.py gave {len(picked):,} rows at {stage}, of which {len(good):,} are open and "
                f"different; possible: {wanted:,} open rows, none twice; mend its `pick`"
            )
        print(f"{title}: {wanted:,} rows {how} in {time.perf_counter() - started:.1f} s", flush=True)
        return picked

    def _refuse_unless_first(self, known: Known, stage: str) -> None:
        """Raise Refused where NoModelYet is the strategy's fault: random rows would go by its name, stage after stage."""
        if self.everything:
            found = "it is marked USES_POOL_LABELS, chooses every budget afresh and is given no model at any stage"
            mend = "let it train its own by known.truth or known.fit on rows that it draws, or take the mark away"
        elif known.model is not None or len(known.labelled):
            found = f"{len(known.labelled):,} rows are labelled"
            mend = "use known.probabilities and known.features, or known.fit on at least one of known.labelled"
        else:
            return
        raise Refused(
            f"stages/core/strategies/{self.name}.py raised NoModelYet at {stage}, where {found}; possible: only where nothing is "
            f"labelled yet; mend its `pick`: {mend}"
        )


def first_open(order: np.ndarray, labelled: np.ndarray, wanted: int) -> np.ndarray:
    """int64 [wanted]: the first rows of the random arm's order of the pool that are not labelled."""
    return order[~np.isin(order, labelled)][:wanted]


if __name__ == "__main__":
    run(main)
