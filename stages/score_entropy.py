"""score_entropy: how unsure the models of the stage before are of every row that is not labelled yet.

reads   data/AFTER/models/SEED/, data/AFTER/labelled.npy, data/budgets/AFTER.json
        data/encoder, data/pool.jsonl; for trainer: probe data/embeddings.npy; for score: committee the labels paid for so far
writes  data/STAGE/scores.npy       float32 [seeds, pool]   higher is less sure (entropy: bits); NaN where already labelled
        data/STAGE/predicted.npy    int16 [seeds, pool]     likeliest class; -1 where already labelled
params  rounds.STAGE.after (not m: how many rows are picked later changes no score), score_entropy, train, embed, seeds

The scores are those of the strategies of the same names: one place says what entropy is.
"""

import functools

import numpy as np

from stages.core import artifacts, labels, rounds, settings, trainers, training
from stages.core.errors import run
from stages.core.known import Known
from stages.core.strategies import committee, entropy, least_confidence, margin

SCORES = {"entropy": entropy, "margin": margin, "least_confidence": least_confidence, "committee": committee}


def main(stage: str) -> None:
    params = settings.read(f"rounds.{stage}.after", "score_entropy", "train", "embed", "seeds")
    after, options = params.after, params.score_entropy
    rows = np.arange(artifacts.pool_rows())
    labelled = rounds.load_labelled(after, params.seeds, len(rows))
    scores = np.full((len(params.seeds), len(rows)), np.nan, dtype=np.float32)
    predicted = np.full(scores.shape, rounds.NOT_PREDICTED, dtype=np.int16)

    since = rounds.load_budget(after)["sufficient_since"]
    bench = None if since else training.Bench(params)
    generators = artifacts.rngs(params.seeds, f"score_{stage}")
    for i, seed in enumerate([] if since else params.seeds):
        title = f"{stage}, seed {seed}"
        model = training.Fitted(trainers.load_model(rounds.models(after) / str(seed), params.embed), bench.pool, title)
        train = functools.partial(bench.fit, title=f"{title}, committee")
        paid = labels.paid_for(labelled[i])
        known = Known(rows, None, None, labelled[i], paid, bench.classes, options, model, train)
        scores[i] = SCORES[options.score].scores(known, generators[i])
        predicted[i] = known.probabilities.argmax(1)
        scores[i, labelled[i]], predicted[i, labelled[i]] = np.nan, rounds.NOT_PREDICTED
        print(f"score_entropy {title}: {len(known.open_rows):,} open rows, mean {options.score} {np.nanmean(scores[i]):.3f}")

    artifacts.save(rounds.folder(stage) / "scores.npy", scores)
    artifacts.save(rounds.folder(stage) / "predicted.npy", predicted)
    if since:
        print(f"score_entropy {stage}: nothing to do, {since} was sufficient")


if __name__ == "__main__":
    run(main)
