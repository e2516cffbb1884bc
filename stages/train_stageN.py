"""train_stageN: the models of one stage, one a seed, on all rows labelled so far; train_stage1 of dvc.yaml runs it too.

reads   data/STAGE/labelled.npy, data/STAGE/labels.npy, data/budgets/STAGE.json
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, data/names/, as the learner needs them
writes  data/STAGE/models/SEED/           safetensors and json
        data/results/bucketed/STAGE/      probabilities on the holdout, for the report
params  train, embed, seeds
"""

from stages.core.arms import training
from stages.core.base import artifacts, params
from stages.core.rows import labels, results, rounds


def main(stage: str) -> None:
    settings, pool_rows = params.read("train", "embed", "seeds"), artifacts.pool_rows()
    labelled = rounds.load_labelled(stage, settings.seeds, pool_rows)
    bought = labels.of_stage(stage, settings.seeds, pool_rows)
    training.train_and_try(results.MAIN, stage, labelled, bought, settings, rounds.load_budget(stage), rounds.models(stage))
