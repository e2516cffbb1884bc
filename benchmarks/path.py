"""All stages from prepare to train_random, one seed: each in a process of its own, as DVC runs it."""

import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Row, enter_project, labelled_pool, prepared, row, run_stage
from stages.core.base import artifacts

STAGES = """inputs
prepare
collect_answers
finetune_encoder
embed
reduce
cluster
select_stage1
buy_labels stage1
train_stageN stage1
score_entropy stage2
select_stageN stage2
buy_labels stage2
train_stageN stage2
score_entropy stage3
select_stageN stage3
buy_labels stage3
train_stageN stage3
train_random stage1
train_random stage2
train_random stage3"""


def run(quick: bool) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    changes: dict[str, Any] = {"seeds": [0]}
    if quick:
        prepared(folder / "all")
        some = folder / "some.jsonl"
        artifacts.save_jsonl(some, itertools.islice(labelled_pool(), 1_000))
        changes |= {"prepare": {"dataset": str(some)}, "reduce": {"method": "pca"}, "train": {"trainer": "probe"}}
    enter_project(folder, **changes)
    total = 0.0
    stages = STAGES.splitlines()
    for stage in stages[: stages.index("buy_labels stage2")] if quick else stages:
        cost = run_stage(*stage.split())
        total += cost.seconds
        print(f"  {stage}: {cost.seconds:.1f} s, {cost.megabytes:,.0f} MB", file=sys.stderr, flush=True)
    # The report is left out: it takes a second, and needs the full model.
    rows = artifacts.pool_rows()
    return [against_sum(total, rows, quick)]


def against_sum(seconds: float, rows: int, quick: bool) -> Row:
    """The rivals' steps as the other benchmarks of this run measured them, extrapolated to all rows."""
    results = ROOT / "benchmarks" / ("results-quick.json" if quick else "results.json")
    rival = {row["name"]: row["rival"] for row in json.loads(results.read_text())}
    find = lambda start: next(value for name, value in rival.items() if name.startswith(start))  # noqa: E731
    trained = 2 * (100 + 200 + 300)  # rows of the bucketed and the random arm, stage by stage
    steps = {
        "the notebook's embedding": rows / find("embed, MiniLM, against the notebook"),
        "UMAP": find("UMAP"),
        "scores of the sweep": find("sweep"),
        "Trainer": trained / find("fine-tuning"),
        "pipeline": 2 * rows / find("predicting"),
    }
    print("  rivals: " + ", ".join(f"{name} {step:,.0f} s" for name, step in steps.items()), file=sys.stderr)
    ratio = sum(steps.values()) / seconds
    name = "the whole path, one seed, against the sum of the rivals' steps"
    return row(name, seconds / 60, sum(steps.values()) / 60, "min", ratio, ratio, ratio, rows, None)
