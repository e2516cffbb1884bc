"""score_entropy: how unsure the models of the stage before are of every open row.

reads   data/AFTER/models/SEED/, data/AFTER/labelled.npy, data/AFTER/labels.npy, data/budgets/AFTER.json
        data/pool.jsonl, data/classes.json, data/encoder, data/embeddings/pool.npy, data/names/, as the learner needs them
writes  data/STAGE/scores.npy       float32 [seeds, pool]   higher is less sure (entropy: bits); NaN where labelled
        data/STAGE/predicted.npy    labels [seeds, pool]    that it predicts, int16 where a text has one; -1 where there is no model
params  rounds.STAGE.after (not m: it changes no score), score_entropy, strategies, train, embed, seeds

score_entropy.score names a strategy, whose scores are taken.
"""

import functools

import numpy as np

from stages.core import strategies, task
from stages.core.arms.fitter import Fitter, SavedModel
from stages.core.base import artifacts, params, seeding
from stages.core.rows import labels, rounds


def main(stage: str) -> None:
    settings = params.read(f"rounds.{stage}.after", "score_entropy", "strategies", "train", "embed", "seeds")
    after, score, seeds = settings.after, settings.score_entropy.score, settings.seeds
    pool_rows = artifacts.pool_rows()
    labelled, bought = rounds.load_labelled(after, seeds, pool_rows), labels.of_stage(after, seeds, pool_rows)
    scores = np.full((len(seeds), pool_rows), np.nan, dtype=np.float32)
    trained = any(rounds.models(after).iterdir())  # no models where labelling ended before, or answers are missing
    fitter, orders = Fitter(settings), rounds.random_orders(seeds, pool_rows)
    predicted = task.load().no_predictions(scores.shape, fitter.classes)
    generators = seeding.rngs(seeds, f"score_{stage}")
    for i, seed in enumerate(seeds if trained else []):
        title = f"{stage}, seed {seed}"
        pool = strategies.PoolState(
            vectors=None,
            buckets=None,
            shares=None,
            order=orders[i],
            labelled=labelled[i],
            labels=bought[i],
            classes=fitter.classes,
            kind=task.load(),
            options=settings.strategies,
            model=SavedModel(rounds.models(after) / str(seed), fitter, title),
            train=functools.partial(fitter.fit, title=f"{title}, committee"),
        )
        scores[i] = pool.open_only(strategies.named(score).scores(pool, generators[i]))
        predicted[i] = pool.kind.predicted(pool.probabilities)
        print(f"score_entropy {title}: {len(pool.open_rows):,} open rows, mean {score} {np.nanmean(scores[i]):.3f}")

    artifacts.save(rounds.folder(stage) / "scores.npy", scores)
    artifacts.save(rounds.folder(stage) / "predicted.npy", predicted)
    if not trained:
        print(f"score_entropy {stage}: nothing to do, {after} has no models")
