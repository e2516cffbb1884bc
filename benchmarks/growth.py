"""Time and peak memory of the stages as the pool grows to a million rows.

The texts are those of SST-2 (else the packaged corpus), each with one word replaced by a number, so that they differ. Encoding
takes the same time for every row: embed is timed on EMBEDDED rows and extrapolated, which the table marks, and all further rows get
the first rows' vectors with noise. Strategies and learner are those of params.yaml. Scoring with a fine-tuned encoder takes as long
as embed, whose code it shares. Two lines ask for a share of the pool: select_stageN takes a tenth, train_full all of it.
Results go to benchmarks/growth.json size by size; a run that was stopped continues with the first incomplete size.
"""

import itertools
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks.harness import ROOT, Cost, Row, enter_project, prepared, run_stage
from stages.core.base import artifacts, paths
from stages.core.encoding import vectors

SIZES = (10_000, 67_349, 250_000, 1_000_000)
EMBEDDED = 20_000
STAGES = (
    "prepare",
    "finetune_encoder",
    "embed",
    "name_classes",
    "reduce",
    "cluster",
    "select_stage1",
    "buy_labels stage1",
    "train_stageN stage1",
    "score_entropy stage2",
    "select_stageN stage2",
    "train_full",
)
SHARE = "select_stageN stage2, m: 0.1"
LINES = (*STAGES, SHARE)


def run(quick: bool) -> list[Row]:
    results = ROOT / "benchmarks" / ("growth-quick.json" if quick else "growth.json")
    costs = {} if quick or not results.exists() else json.loads(results.read_text())
    home = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    prepared(home / "texts")
    texts = artifacts.texts(paths.POOL)
    for size in (1_000,) if quick else SIZES:
        if not costs.get(str(size), {}).keys() >= set(LINES):
            found = measured(home / str(size), texts, size, "pca" if quick else "umap")
            costs[str(size)] = {stage: asdict(cost) for stage, cost in found.items()}
            results.write_text(json.dumps(costs, indent=1) + "\n")
            shutil.rmtree(home / str(size))
    print(table(costs))
    return []


def measured(folder: Path, texts: list[str], size: int, method: str) -> dict[str, Cost]:
    source = folder / "source.jsonl"
    prepare = {"dataset": str(source), "text_column": "text", "label_column": "label", "holdout_share": min(0.15, 1_000 / size)}
    changes = {"prepare": prepare, "reduce": {"method": method}}
    tenth = {"stages": ["stage1", "stage2"], "rounds": {"stage2": {"after": "stage1", "m": 0.1}}, "random_at": ["stage1", "stage2"]}
    enter_project(folder, **changes)
    artifacts.save_jsonl(source, varied(texts, size))
    costs = {}
    for line in LINES:
        if line == SHARE:
            enter_project(folder, **changes, **tenth)
        if line == "embed" and size > EMBEDDED:
            costs[line] = extrapolated(folder)
        else:
            costs[line] = run_stage(*line.removesuffix(", m: 0.1").split())
        if line == "prepare":
            run_stage("collect_answers")  # copies the labels, in a second
        cost = costs[line]
        print(f"  {size:,} rows, {line}: {cost.seconds:.1f} s, {cost.megabytes:,.0f} MB", file=sys.stderr, flush=True)
    return costs


def varied(texts: list[str], size: int):
    """`size` rows of texts that differ."""
    rng = np.random.default_rng(0)
    for number in range(size):
        words = texts[rng.integers(len(texts))].split()
        words[rng.integers(len(words))] = str(number)
        yield {"text": " ".join(words), "label": ("good", "bad")[number % 2]}


def extrapolated(folder: Path) -> Cost:
    """Embed the first EMBEDDED rows and the holdout; all further rows get the first rows' vectors with noise."""
    whole = paths.POOL.rename("data/whole.jsonl")
    artifacts.save_jsonl(paths.POOL, itertools.islice(artifacts.load_jsonl(whole), EMBEDDED))
    cost = run_stage("embed")
    whole.replace(paths.POOL)
    first = np.load(paths.EMBEDDINGS, allow_pickle=False)
    about = artifacts.load_json(paths.EMBEDDINGS.with_suffix(".json"))
    texts = artifacts.texts(paths.POOL)
    rng = np.random.default_rng(0)
    with artifacts.filling(paths.EMBEDDINGS, first.dtype, (len(texts), *first.shape[1:])) as out:
        for start in range(0, len(texts), EMBEDDED):
            part = out[start : start + EMBEDDED]
            part[:] = first[: len(part)]
            if start:
                part += (0.3 * first.std(dtype=np.float32) * rng.standard_normal(part.shape, dtype=np.float32)).astype(first.dtype)
    vectors.describe(paths.EMBEDDINGS, texts, about)
    return Cost(cost.seconds * len(texts) / EMBEDDED, cost.megabytes)


def table(costs: dict[str, dict]) -> str:
    """Seconds and gigabytes of every line at every size, and the exponent of time from the second size to the last.

    A cell is empty if a size was measured before the line existed.
    """
    sizes = sorted(map(int, costs))
    rows = []
    for line in LINES:
        cells = {"stage": line}
        known = [size for size in sizes if line in costs[str(size)]]
        for size in known:
            cost = costs[str(size)][line]
            mark = "*" if line == "embed" and size > EMBEDDED else ""
            cells[f"{size:,} rows"] = f"{cost['seconds']:,.1f} s{mark}, {cost['megabytes'] / 1000:.2f} GB"
        low, high = sizes[min(1, len(sizes) - 1)], sizes[-1]
        if high > low and {low, high} <= set(known):
            growth = costs[str(high)][line]["seconds"] / costs[str(low)][line]["seconds"]
            cells["exponent"] = f"{np.log(growth) / np.log(high / low):.2f}"
        rows.append(cells)
    return tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True) + f"\n* extrapolated from {EMBEDDED:,} rows"
