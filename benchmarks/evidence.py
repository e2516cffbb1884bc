"""Every way of choosing rows on three data sets, seed by seed, and the same of small-text and scikit-activeml.

    python -m benchmarks.evidence run [--seeds 20] [--trainer probe] [--arms NAME ...] [--sets NAME ...] [--processes 2]
    python -m benchmarks.evidence table

`run` appends one line an arm, data set and seed to benchmarks/evidence-TRAINER.jsonl as it comes, and does not do again
what stands there. Budgets are 100, 200 ... 1,000 labels. All share pool, vectors, buckets, model, seeds and first rows where
a strategy needs a model. Of SST-2 a pool of 10,000 rows is drawn, since some rivals take hours on 67,000. `table` prints means
over the budgets, differences to random paired by seed with Holm's correction, and the mean over the three sets.
"""

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.harness import ROOT, SST2, enter_project, prepared
from benchmarks.peers import PEERS
from stages import cluster, compare_arm, embed, reduce
from stages.core import artifacts, geometry, labels, rounds, selection, settings, statistics, training, vectors
from stages.core.evaluation import accuracy, confusion, macro_f1
from stages.core.known import Known, NoModelYet
from stages.core.strategies import entropy, margin, stratified_random, typiclust

BUDGETS = range(100, 1_001, 100)
POOL_ROWS = 10_000
SETS = {"sst2": str(SST2), "rotten_tomatoes": "rotten_tomatoes", "bbc_news": "bbc_news"}
PICK = Callable[[Known, int, np.random.Generator], np.ndarray]


# ---- the bucketed arm and its variants


def even(known: Known, wanted: int) -> np.ndarray:
    """Rows wanted of each bucket: the same of every one, as far as it has open rows."""
    room = np.bincount(known.buckets[known.open_rows], minlength=known.buckets.max() + 1)
    return selection.apportion(wanted, np.ones(len(room)), room)


def in_proportion(known: Known, wanted: int) -> np.ndarray:
    """Rows wanted of each bucket: in proportion to its open rows."""
    room = np.bincount(known.buckets[known.open_rows], minlength=known.buckets.max() + 1)
    return selection.apportion(wanted, room, room)


def bucketed(spread: Callable, score: ModuleType) -> PICK:
    """Random rows of every bucket, then those of the highest score in each."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        if known.model is None:
            rows = known.open_rows
            return selection.random_by_group(rows, known.buckets[rows], spread(known, wanted), rng)
        return selection.highest_per_bucket(scored(known, score, rng), known.buckets, spread(known, wanted))

    return pick


def started(first: ModuleType, then: PICK) -> PICK:
    """The first rows by one strategy, all others by another."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        return (first.pick if known.model is None else then)(known, wanted, rng)

    return pick


def scored(known: Known, score: ModuleType, rng: np.random.Generator) -> np.ndarray:
    """float32 [pool]: how unsure the model is of each row; NaN where it is labelled."""
    scores = np.array(score.scores(known, rng), np.float32)
    scores[known.labelled] = np.nan
    return scores


def reclustered(score: ModuleType, candidates_a_row: int) -> PICK:
    """The most uncertain rows, clustered into as many clusters as rows are wanted; of each the row nearest to its centre."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        if known.model is None:
            raise NoModelYet
        points, seed = geometry.unit(np.asarray(known.vectors)), int(rng.integers(2**31))
        return selection.highest_reclustered(scored(known, score, rng), points, wanted, seed, candidates_a_row)

    return pick


def fresh_buckets(score: ModuleType) -> PICK:
    """As many buckets as rows are wanted, made of all open rows in every round; of each the row of the highest score."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        if known.model is None:
            raise NoModelYet
        points = geometry.unit(np.asarray(known.vectors[known.open_rows]))
        buckets = np.full(len(known.vectors), -1)
        buckets[known.open_rows] = geometry.kmeans(points, wanted, rng).labels_
        scores = scored(known, score, rng)
        picked = selection.highest_per_bucket(scores[known.open_rows], buckets[known.open_rows], 1)
        rows = known.open_rows[picked]
        others = selection.ranked(np.where(np.isin(known.rows, rows), np.nan, scores))
        return np.concatenate([rows, others[: wanted - len(rows)]])

    return pick


def tempered(spread: Callable, score: ModuleType, random_share: float) -> PICK:
    """A share of every batch in buckets at random, the rest by the highest score in each bucket."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        if known.model is None:
            raise NoModelYet
        rows = known.open_rows
        drawn = round(random_share * wanted)
        at_random = selection.random_by_group(rows, known.buckets[rows], in_proportion(known, drawn), rng)
        scores = scored(known, score, rng)
        scores[at_random] = np.nan
        room = np.bincount(known.buckets[~np.isnan(scores)], minlength=known.buckets.max() + 1)
        counts = selection.apportion(wanted - drawn, np.minimum(spread(known, wanted), room), room)
        return np.concatenate([at_random, selection.highest_per_bucket(scores, known.buckets, counts)])

    return pick


def typical_only(inner: PICK, floor: float) -> PICK:
    """`inner` among the rows whose neighbourhood is not among the sparsest `floor` of the pool: outliers are left out."""

    def pick(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        sparse = sparsest(known.vectors, floor)
        hidden = np.setdiff1d(sparse, known.labelled)
        narrowed = _Narrowed(known, hidden)
        return inner(narrowed, wanted, rng)

    return pick


class _Narrowed:
    """`known` with some open rows hidden."""

    def __init__(self, known: Known, hidden: np.ndarray):
        self._known = known
        self.open_rows = np.setdiff1d(known.open_rows, hidden)
        self.labelled = np.concatenate([known.labelled, hidden])  # what is hidden is passed over like what is labelled

    def __getattr__(self, name: str):
        return getattr(self._known, name)


_SPARSE: dict[tuple[int, float], np.ndarray] = {}


def sparsest(points: np.ndarray, share: float) -> np.ndarray:
    """int64 rows: the `share` of rows with the largest mean distance to their 10 nearest neighbours."""
    from sklearn.neighbors import NearestNeighbors

    if (key := (id(points), share)) not in _SPARSE:
        distances, _ = NearestNeighbors(n_neighbors=10).fit(np.asarray(points)).kneighbors()
        _SPARSE[key] = np.argsort(-distances.mean(1), kind="stable")[: round(share * len(points))]
    return _SPARSE[key]


def at_random(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
    raise NoModelYet  # the stage then takes the random arm's rows


STRATIFIED, TYPICAL = stratified_random, typiclust
VARIANTS: dict[str, PICK] = {
    "random": at_random,
    "bucketed (as described)": bucketed(even, entropy),
    "bucketed, in proportion": bucketed(in_proportion, entropy),
    "bucketed, margin, in proportion": bucketed(in_proportion, margin),
    "stratified start, bucketed": started(STRATIFIED, bucketed(even, entropy)),
    "stratified start, bucketed, margin": started(STRATIFIED, bucketed(even, margin)),
    "stratified start, reclustered, margin": started(STRATIFIED, reclustered(margin, 10)),
    "typical start, bucketed, margin, in proportion": started(TYPICAL, bucketed(in_proportion, margin)),
    "typical start, reclustered, margin": started(TYPICAL, reclustered(margin, 10)),
    "typical start, margin": started(TYPICAL, margin.pick),
    "reclustered": reclustered(entropy, 10),
    "reclustered, margin": reclustered(margin, 10),
    "reclustered, margin, 5 candidates": reclustered(margin, 5),
    "fresh buckets, margin": fresh_buckets(margin),
    "tempered, margin": tempered(in_proportion, margin, 0.5),
    "bucketed, margin, in proportion, no outliers": typical_only(bucketed(in_proportion, margin), 0.1),
    "reclustered, margin, no outliers": typical_only(reclustered(margin, 10), 0.1),
}


def picks() -> dict[str, PICK]:
    return VARIANTS | {name: strategy.pick for name, strategy in strategies().items()} | PEERS


def strategies() -> dict[str, ModuleType]:
    files = sorted((ROOT / "stages" / "core" / "strategies").glob("[!_]*.py"))
    return {file.stem: importlib.import_module(f"stages.core.strategies.{file.stem}") for file in files}


def uses_pool_labels(arm: str) -> bool:
    return getattr(strategies().get(arm), "USES_POOL_LABELS", False)


# ---- one arm, data set and seed


def prepare_set(home: Path, name: str, trainer: str) -> None:
    """Stages prepare to cluster, once a data set."""
    folder = home / name
    changes = {"prepare": {"dataset": SETS[name]}, "train": {"trainer": trainer}}
    if (folder / artifacts.CLUSTERS).exists():
        enter_project(folder, **changes)
        return
    prepared(folder, **changes)
    rows = list(artifacts.load_jsonl(artifacts.POOL))
    some = np.sort(np.random.default_rng(0).permutation(len(rows))[:POOL_ROWS])
    artifacts.save_jsonl(artifacts.POOL, (rows[row] for row in some))
    for stage in (embed, reduce, cluster):
        stage.main()


def one_run(home: Path, trainer: str, name: str, arm: str, seed: int) -> dict:
    os.chdir(home / name)
    bench, data = _opened(str(home / name))
    everything = labels.Labels(labels.whole_pool(arm), np.arange(len(data.buckets))) if uses_pool_labels(arm) else None
    stages = [f"stage{number}" for number in range(1, len(BUDGETS) + 1)]
    chosen = picks()[arm]
    seconds = []

    def timed(known: Known, wanted: int, rng: np.random.Generator) -> np.ndarray:
        start = time.perf_counter()
        try:
            return chosen(known, wanted, rng)
        finally:
            seconds.append(time.perf_counter() - start)

    comparator = compare_arm.Arm(
        arm,
        SimpleNamespace(pick=timed),
        after=dict(zip(stages, [None, *stages])),
        budgets={stage: {"labels": budget, "sufficient_since": None} for stage, budget in zip(stages, BUDGETS)},
        bench=bench,
        vectors=data.vectors,
        buckets=data.buckets,
        options=data.options,
        everything=everything,
    )
    [order] = rounds.random_orders([seed], len(data.buckets))
    tried = [probabilities for _, _, probabilities, _ in comparator.trajectory(seed, order)]
    return {
        "trainer": trainer,
        "set": name,
        "arm": arm,
        "seed": seed,
        "accuracy": [round(accuracy(p, bench.actual), 6) for p in tried],
        "macro_f1": [round(macro_f1(confusion(p, bench.actual)), 6) for p in tried],
        "seconds_choosing": round(sum(seconds), 3),
    }


_OPEN: dict[str, tuple] = {}


def _opened(folder: str) -> tuple[training.Bench, SimpleNamespace]:
    """What all runs on one data set share, read once a process."""
    if folder not in _OPEN:
        params = settings.read("train", "embed", "score_entropy.committee", "compare_arm")
        data = SimpleNamespace(
            options=SimpleNamespace(committee=params.committee, **params.compare_arm.model_dump()),
            vectors=np.array(vectors.load(artifacts.EMBEDDINGS, artifacts.POOL)),
            buckets=artifacts.load(artifacts.CLUSTERS, np.int32, (None,)),
        )
        _OPEN[folder] = training.Bench(params), data
    return _OPEN[folder]


def quietly(*arguments) -> dict:
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        return one_run(*arguments)


# ---- many of them


def results_file(trainer: str) -> Path:
    return ROOT / "benchmarks" / f"evidence-{trainer}.jsonl"


def load(trainer: str) -> list[dict]:
    file = results_file(trainer)
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run(options: argparse.Namespace) -> None:
    home, trainer = Path(options.home).resolve(), options.trainer
    known = picks()
    arms = options.arms or list(known)
    for arm in arms:
        if arm not in known:
            sys.exit(f"error: arm {arm}; possible: {', '.join(known)}")
    done = {(row["set"], row["arm"], row["seed"]) for row in load(trainer)}
    wanted = [
        (name, arm, seed) for seed in range(options.seeds) for arm in arms for name in options.sets if (name, arm, seed) not in done
    ]
    for name in options.sets:
        prepare_set(home, name, trainer)
    # Spawned, not forked: OpenMP, which has run in this process by now, does not survive a fork.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, spawned) as pool, results_file(trainer).open("a") as file:
        runs = [pool.submit(quietly, home, trainer, *which) for which in wanted]
        for future in tqdm(as_completed(runs), total=len(runs), desc="evidence", unit="run", mininterval=10):
            file.write(json.dumps(future.result()) + "\n")
            file.flush()


def curves_of(rows: list[dict]) -> dict[str, dict[str, dict[int, list[float]]]]:
    """set -> arm -> seed -> accuracies"""
    found: dict = {}
    for row in rows:
        found.setdefault(row["set"], {}).setdefault(row["arm"], {})[row["seed"]] = row["accuracy"]
    return found


def table(options: argparse.Namespace) -> None:
    rows = load(options.trainer)
    found = curves_of(rows)
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    compared = {name: held_against_random(curves) for name, curves in found.items()}
    choosing = {arm: np.median([row["seconds_choosing"] for row in rows if row["arm"] == arm]) for arm in arms}
    lines = []
    for arm in arms:
        cells = {"arm": arm}
        gains = []
        for name in found:
            entry = compared[name].get(arm)
            if entry is None:
                cells[name] = ""
                continue
            gains.append(entry["gain"])
            interval = "" if entry["gain_low"] is None else f" [{100 * entry['gain_low']:+.1f}, {100 * entry['gain_high']:+.1f}]"
            star = "*" if entry["p_holm"] is not None and entry["p_holm"] < statistics.ALPHA else ""
            cells[name] = f"{100 * entry['mean']:.1f} ({100 * entry['gain']:+.1f}{interval}{star})"
        cells["mean gain"] = f"{100 * np.mean(gains):+.2f}" if len(gains) == len(found) else ""
        cells["seconds choosing"] = f"{choosing[arm]:.1f}"
        lines.append((np.mean(gains) if gains else -np.inf, cells))
    ordered = [cells for _, cells in sorted(lines, key=lambda line: -line[0])]
    print(tabulate(ordered, headers="keys", tablefmt="github", disable_numparse=True))


def held_against_random(curves: dict[str, dict[int, list[float]]]) -> dict[str, dict]:
    """What statistics.gain finds for every arm, over the seeds that it shares with the random arm."""
    entries = {}
    for arm, by_seed in curves.items():
        seeds = sorted(by_seed.keys() & curves["random"].keys())
        curve, base = (np.array([which[seed] for seed in seeds]) for which in (by_seed, curves["random"]))
        entries[arm] = {"mean": curve.mean(), **statistics.gain(curve, base)}
    entries["random"]["p"] = None  # it is not compared with itself
    statistics.correct(entries)
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence")
    parser.add_argument("do", choices=["run", "table"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trainer", choices=["probe", "finetune"], default="probe")
    parser.add_argument("--arms", nargs="*")
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--home", default=".gleaner/evidence")
    options = parser.parse_args()
    {"run": run, "table": table}[options.do](options)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
