"""The files of a labelling stage, the order of stages, and how many rows each labels.

data/STAGE/labelled.npy     int64 [seeds, rows]   all rows of pool.jsonl chosen so far, oldest first
data/STAGE/selected.jsonl   the rows that this stage adds, for people to read
data/budgets/STAGE.json     labels: rows a seed; path: the same at every stage so far; kappas: agreement of successive models,
                            one list a pair of stages with one number a seed; ended_after: the last stage that chose rows,
                            or null; ended_because: sufficient, or waiting for answers
data/asked/STAGE.npy        int64 [rows]          rows that people were asked for; they replace the strategy's choice
data/asked/added.npy        int64 [rows]          rows that `make add` brought; missing if it brought none
data/STAGE/scores.npy       float32 [seeds, pool] of the model before this stage, higher is less sure; NaN where labelled
data/STAGE/predicted.npy    labels [seeds, pool]  that this model predicts, int16 where a text has one; -1 where there is no model

Budgets lie apart from the rows, so that a stage that needs only their number (the random arm) does not run for other rows.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import artifacts, paths, seeding
from stages.core.base.errors import Refused, choices

FIRST = "stage1"
BUDGETS, ASKED = Path("data/budgets"), Path("data/asked")
NOT_PREDICTED = -1


def folder(stage: str) -> Path:
    return Path("data") / stage


def models(stage: str) -> Path:
    return folder(stage) / "models"


def in_order(rounds: dict[str, Any]) -> list[str]:
    """Names of all labelling stages, each behind the one it follows; ties in the order of params.yaml.

    rounds   the section of params.yaml: name -> .after, .m

    Raises Refused where a round follows a stage that does not exist, or itself in a loop.
    """
    known = [FIRST, *rounds]
    for name, item in rounds.items():
        if name == FIRST or not re.fullmatch(r"stage[0-9]+", name):
            raise Refused(f"params.yaml: rounds.{name}: a round is called stage2, stage3 and so on; {FIRST} is select_stage1's")
        if item.after not in known:
            raise Refused(f"params.yaml: rounds.{name}.after = {item.after}: no such stage; {choices(item.after, known)}")
    ordered = [FIRST]
    while len(ordered) < len(known):
        ready = [name for name in rounds if name not in ordered and rounds[name].after in ordered]
        if not ready:
            loop = ", ".join(f"{name} after {rounds[name].after}" for name in rounds if name not in ordered)
            raise Refused(f"params.yaml: rounds: {loop} is a loop; let one of them follow {FIRST}")
        ordered += ready
    return ordered


def wanted(amount: int | float, buckets: int, pool_rows: int) -> int:
    """Rows that n or m of params.yaml asks for in all: a number of every bucket, or a share in (0, 1) of the pool."""
    return amount * buckets if isinstance(amount, int) else round(amount * pool_rows)


def shares(amount: int | float, sizes: np.ndarray) -> np.ndarray:
    """[buckets]: in what proportion buckets give the `wanted` rows: equally, or by their `sizes`, int [buckets]."""
    return np.ones(len(sizes)) if isinstance(amount, int) else sizes


def budgets(n: int | float, rounds: dict[str, Any], buckets: int, pool_rows: int) -> dict[str, int]:
    """Rows labelled up to each stage, in order, as params.yaml asks for them."""
    labels = {FIRST: wanted(n, buckets, pool_rows)}
    for stage in in_order(rounds)[1:]:
        labels[stage] = labels[rounds[stage].after] + wanted(rounds[stage].m, buckets, pool_rows)
    return labels


def load_asked(name: str, pool_rows: int) -> np.ndarray:
    """int64 [rows]: the rows that people were asked for, in order. name: a stage, random, or prelabelled (asked for by no round)"""
    return artifacts.load(ASKED / f"{name}.npy", np.int64, (None,), within=(0, pool_rows))


def load_labelled(stage: str, seeds: list[int], pool_rows: int) -> np.ndarray:
    """int64 [seeds, rows], rows of pool.jsonl, none twice in a seed."""
    return artifacts.load_labelled(folder(stage) / "labelled.npy", len(seeds), pool_rows)


def load_predicted(stage: str, seeds: list[int], pool_rows: int, classes: int) -> np.ndarray:
    """int16 [seeds, pool], class numbers (of several the rarest), or NOT_PREDICTED."""
    predicted = load_predictions(stage, seeds, pool_rows, classes)
    main = task.of(predicted).main(predicted)
    return np.where(main < classes, main, NOT_PREDICTED).astype(np.int16)


def load_predictions(stage: str, seeds: list[int], pool_rows: int, classes: int) -> np.ndarray:
    """Labels [seeds, pool] as predicted.npy has them."""
    return task.load().load(folder(stage) / "predicted.npy", (len(seeds), pool_rows), classes, NOT_PREDICTED, np.int16)


def load_budget(stage: str) -> dict:
    return artifacts.load_json(BUDGETS / f"{stage}.json")


def save_labelled(stage: str, labelled: np.ndarray, after: str | None = None, **about: Any) -> None:
    """Write labelled.npy, int64 [seeds, rows], and the budget.

    after   the stage before; None for the first
    about   kappas, ended_after and ended_because, where not null
    """
    artifacts.save(folder(stage) / "labelled.npy", labelled)
    path = [*(load_budget(after)["path"] if after else []), labelled.shape[1]]
    budget = {"labels": labelled.shape[1], "path": path, "kappas": [], "ended_after": None, "ended_because": None}
    artifacts.save_json(BUDGETS / f"{stage}.json", budget | about)


def random_orders(seeds: list[int], pool_rows: int) -> list[np.ndarray]:
    """One order of the pool a seed, int64 [pool]. The random arm labels its first rows; everywhere else it breaks ties."""
    return [rng.permutation(pool_rows) for rng in seeding.rngs(seeds, "train_random")]


def save_selected(stage: str, seeds: list[int], picked: list[np.ndarray], clusters: np.ndarray, scores: np.ndarray | None) -> None:
    """Write selected.jsonl: seed, row (of int64 [rows] a seed), bucket, score (of float32 [seeds, pool]) if any, and text."""
    texts, selected = artifacts.texts(paths.POOL), []
    for i, (seed, rows) in enumerate(zip(seeds, picked)):
        for row in rows:
            score = {} if scores is None else {"score": round(float(scores[i, row]), 4)}
            selected.append({"seed": seed, "row": int(row), "bucket": int(clusters[row]), **score, "text": texts[row]})
    artifacts.save_jsonl(folder(stage) / "selected.jsonl", selected)


def refuse_unless_open(open_rows: int, asked: int, setting: str) -> None:
    if asked == 0:
        raise Refused(f"params.yaml: {setting} is a share of the pool of less than one row; raise it, or give rows a bucket")
    if asked > open_rows:
        raise Refused(
            f"params.yaml: {setting} asks for {asked:,} rows, but only {open_rows:,} of the pool are not labelled yet; lower it"
        )
