"""train_stage1: the first models, one a seed, on the rows that select_stage1 drew.

reads   data/stage1/labelled.npy, data/budgets/stage1.json
        data/encoder, data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings
writes  data/stage1/models/SEED/       safetensors and json
        data/results/bucketed/stage1/     what the models say of the holdout, for the report
params  train, embed, seeds
"""

from stages.core import settings, training
from stages.core.errors import run


def main() -> None:
    training.bucketed("stage1", settings.read("train", "embed", "seeds"))


if __name__ == "__main__":
    run(main)
