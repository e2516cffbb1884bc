"""train_stage1: the first models, one a seed, on the rows that select_stage1 chose.

reads   data/stage1/labelled.npy, data/stage1/labels.npy, data/budgets/stage1.json
        data/pool.jsonl, data/holdout.jsonl, data/holdout_labels.npy, data/classes.json
        data/encoder, data/embeddings/, as the learner needs them
writes  data/stage1/models/SEED/           safetensors and json
        data/results/bucketed/stage1/      what the models say of the holdout, for the report
params  train, embed, seeds
"""

from stages.core.arms import training
from stages.core.base import params
from stages.core.base.errors import run


def main() -> None:
    training.bucketed("stage1", params.read("train", "embed", "seeds"))


if __name__ == "__main__":
    run(main)
