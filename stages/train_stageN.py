"""train_stageN: the models of one round, one a seed, on all rows labelled so far.

reads   data/STAGE/labelled.npy, data/budgets/STAGE.json
        data/encoder, data/pool.jsonl, data/test.jsonl, and for trainer: probe their embeddings
writes  data/STAGE/models/SEED/        safetensors and json
        data/results/bucketed/STAGE/     what the models say of the holdout, for the report
params  train, embed, seeds
"""

from stages.core import settings, training
from stages.core.errors import run


def main(stage: str) -> None:
    training.bucketed(stage, settings.read("train", "embed", "seeds"))


if __name__ == "__main__":
    run(main)
