"""Where the files of a labelling stage lie, and what its budget was.

data/STAGE/labelled.npy     int64 [seeds, rows]   all rows of pool.jsonl labelled up to here, oldest first
data/budgets/STAGE.json     labels: rows a seed; path: the same at every stage up to this one; sufficient_since: the stage
                            after which nothing was labelled, or null; kappa: agreement of the last two models, one a seed, or null
data/STAGE/predicted.npy    int16 [seeds, pool]   class that the model before this stage predicts; -1 where there is none
data/STAGE/scores.npy       float32 [seeds, pool] by the same model, higher is less sure; NaN where already labelled
data/STAGE/selected.jsonl   the rows that this stage adds, to be read by a person

Budgets lie apart from the rows, so that a stage which needs only their number (the other arms) does not run again when
other rows of the same number are picked.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stages.core import artifacts
from stages.core.errors import Refused

NOT_PREDICTED = -1


def folder(stage: str) -> Path:
    return Path("data") / stage


def models(stage: str) -> Path:
    return folder(stage) / "models"


def _budget(stage: str) -> Path:
    return Path("data/budgets") / f"{stage}.json"


def load_labelled(stage: str, seeds: list[int], pool_rows: int) -> np.ndarray:
    return artifacts.load_labelled(folder(stage) / "labelled.npy", len(seeds), pool_rows)


def load_predicted(stage: str, seeds: list[int], pool_rows: int, classes: int) -> np.ndarray:
    return artifacts.load(folder(stage) / "predicted.npy", np.int16, (len(seeds), pool_rows), within=(NOT_PREDICTED, classes))


def load_budget(stage: str) -> dict:
    return artifacts.load_json(_budget(stage))


def save_labelled(
    stage: str,
    labelled: np.ndarray,
    after: str | None = None,
    sufficient_since: str | None = None,
    kappa: list[float] | None = None,
) -> None:
    for rows in labelled:
        if len(np.unique(rows)) < len(rows):
            raise AssertionError(f"{stage}: a row was selected twice")  # a fault of a strategy, not of the user
    artifacts.save(folder(stage) / "labelled.npy", labelled)
    path = [*(load_budget(after)["path"] if after else []), labelled.shape[1]]
    budget = {"labels": labelled.shape[1], "path": path, "sufficient_since": sufficient_since, "kappa": kappa}
    artifacts.save_json(_budget(stage), budget)


def random_orders(seeds: list[int], pool_rows: int) -> list[np.ndarray]:
    """One order of the whole pool a seed, int64 [pool]. The random arm labels its beginning, so that its draws are nested."""
    return [rng.permutation(pool_rows) for rng in artifacts.rngs(seeds, "train_random")]


def save_selected(
    stage: str, seeds: list[int], picked: Iterable[np.ndarray], clusters: np.ndarray, scores: np.ndarray | None
) -> None:
    """Write selected.jsonl: seed, row, bucket, score if a model gave one, and the text.

    picked    one int64 [rows] a seed
    scores    float32 [seeds, pool] or None
    """
    texts = artifacts.texts(artifacts.POOL)
    artifacts.save_jsonl(
        folder(stage) / "selected.jsonl",
        (
            {"seed": seed, "row": int(row), "bucket": int(clusters[row])}
            | ({} if scores is None else {"score": round(float(scores[i, row]), 4)})
            | {"text": texts[row]}
            for i, (seed, rows) in enumerate(zip(seeds, picked))
            for row in rows
        ),
    )


def refuse_unless_open(open_rows: int, wanted: int, setting: str) -> None:
    if wanted == 0:
        raise Refused(f"params.yaml: {setting} is a share of the pool that is less than one row; raise it, or give rows a bucket")
    if wanted > open_rows:
        raise Refused(
            f"params.yaml: {setting} asks for {wanted:,} rows, but {open_rows:,} of the pool are not labelled yet; lower it"
        )
