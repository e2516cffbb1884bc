"""train_stageN: the models of one stage, one a seed, on all rows labelled so far; train_stage1 of dvc.yaml runs it too.

reads   data/STAGE/labelled.npy, data/STAGE/labels.npy, data/budgets/STAGE.json
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, as the learner needs them
writes  data/STAGE/models/SEED/           safetensors and json
        data/results/bucketed/STAGE/      probabilities on the holdout, for the report
params  train, embed, seeds
"""

from stages.core.arms import training
from stages.core.base import params


def main(stage: str) -> None:
    training.bucketed(stage, params.read("train", "embed", "seeds"))
