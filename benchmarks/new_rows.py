"""embed with 1% new rows against embed of the whole pool, both as stages in processes of their own."""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import Row, prepared, row, run_stage
from stages.core.base import artifacts, paths


def run(quick: bool) -> list[Row]:
    prepared(Path(tempfile.mkdtemp(prefix="gleaner-bench-")))
    pool = list(artifacts.load_jsonl(paths.POOL))
    if quick:
        pool = pool[:1_000]
        artifacts.save_jsonl(paths.POOL, pool)
    whole = run_stage("embed").seconds
    new = len(pool) // 100
    some, ratios = [], []
    for turn in range(1 if quick else 3):
        rng = np.random.default_rng(turn)
        chosen = rng.choice(len(pool), new, replace=False)
        pool += [{**pool[i], "text": f"{pool[i]['text']} {turn} {i}"} for i in chosen]
        artifacts.save_jsonl(paths.POOL, pool)
        some.append(run_stage("embed").seconds)
        ratios.append(whole / some[-1])
        print(f"  new rows, turn {turn + 1}: all {whole:.1f} s, {new:,} new {some[-1]:.1f} s", file=sys.stderr, flush=True)
    name = f"embed, {new:,} new rows of {len(pool):,}, against embedding all"
    return [row(name, statistics.median(some), whole, "s", statistics.median(ratios), min(ratios), max(ratios), len(pool), 20)]
