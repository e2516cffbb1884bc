"""Every way to choose rows on seven data sets, seed by seed, and those of small-text and scikit-activeml.

    python -m benchmarks.evidence run [--study loop] [--arms NAME ...] [--sets NAME ...] [--seeds 5] [--processes 2]
    python -m benchmarks.evidence table [--study loop] [--against random] [--measure accuracy] [--arms NAME ...] [--sets NAME ...]
    python -m benchmarks.evidence named --study names [--measure accuracy]
    python -m benchmarks.evidence saved [--study loop] [--measure accuracy]
    python -m benchmarks.evidence stopped
    python -m benchmarks.evidence picture [--study loop] [--arms NAME ...]

`run` appends one line an arm, data set and seed to benchmarks/evidence-STUDY.jsonl, and skips runs that have a line. The studies:

    loop           the vectors and the learner of params.yaml
    former         the last layer only and the probe of the release before (former.py), and other libraries' own setups (setups.py)
    mpnet          as loop, with a better encoder and pools of 3,000 rows; mpnet-former, as former
    final          rows as loop chooses them, and the models that train_final makes of them
    finetune       fine-tuned at every stage
    unnamed        as loop, the random rows and the default only, to hold beside
    names          the same with the phrases of phrases.yaml: train.names is auto, for the random rows too
    misled         the same with each class's phrase dealt out to the next class
    opaque         the same with phrases that say nothing: "thing number 1", "thing number 2", ...
    mpnet-unnamed, mpnet-names   as unnamed and names, with a better encoder and pools of 3,000 rows
    several        two sets of texts with several labels, with their names, and small-text's strategy for these
    several-unnamed   the same without names, the random rows and the default only

All arms but the libraries' own setups share pool, vectors, buckets, model, seeds, and first rows if a strategy needs a model. On
another processor vectors are rounded differently, so UMAP makes other buckets: each line has a checksum of both and is compared
with the random arm of the same checksum, which runs again if a study continues elsewhere. SST-2 is cut to 10,000 rows, since some
rivals take hours on 67,000.

`table` prints means over the budgets, differences to random (or another arm) paired by seed with Holm's correction, and the mean
over the sources, where the two sets of films count as one, with an interval over seeds and one over data sets. `named` prints what
names change in a study of names, and prepare_set prints their accuracy without labels. `saved` prints how
many labels the former pipeline's random rows need to match the default with fewer. `stopped` prints where the agreement rule would
have ended the default's runs. `picture` draws benchmarks/evidence-STUDY.svg.
"""

import argparse
import contextlib
import functools
import itertools
import json
import multiprocessing
import os
import sys
import time
import zlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tqdm import tqdm

from benchmarks import evidence_shown, former, variants
from benchmarks.harness import ROOT, SST2, enter_project, of_repository, prepared
from stages import cluster, embed, name_classes, reduce
from stages.commands.overlay import lay_over
from stages.core import task
from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.arms.trajectory import Arm
from stages.core.base import artifacts, params, paths, phrases
from stages.core.base.errors import choices
from stages.core.encoding import vectors
from stages.core.rows import labels, results, rounds, stopping
from stages.core.rows.measures import accuracy, macro_f1
from stages.core.rows.results import BASELINE
from stages.core.strategies import Pick, PoolState

SHARED = SST2.parent
SETS = {
    "trec": str(SHARED / "trec"),
    "banking77": str(SHARED / "banking77"),
    "tweet_emotion": str(SHARED / "tweet_emotion"),
    "sms": str(SHARED / "sms"),
    "bbc_news": "bbc_news",
    "rotten_tomatoes": "rotten_tomatoes",
    "sst2": str(SST2),
}
SEVERAL = {name: str(SHARED / name) for name in ("go_emotions", "hallmarks")}  # texts with several labels
LABEL_COLUMNS = {"hallmarks": ["Activating invasion and metastasis..Tumor promoting inflammation"]}
BUDGETS = dict.fromkeys(SETS, (50, 100, 200, 300, 500, 1_000)) | {
    "banking77": (77, 154, 308, 462, 770, 1_540),
    "bbc_news": (50, 100, 200, 300, 500, 800),
    **dict.fromkeys(SEVERAL, (100, 200, 300, 500, 1_000)),
}
MPNET = str(ROOT / ".gleaner" / "mpnet")  # all-mpnet-base-v2, as a folder
STUDIES = {
    "loop": {},
    "former": {"embed": {"layers": "last"}, "train": {"trainer": "probe"}},
    "mpnet": {"embed": {"model": MPNET}},
    "mpnet-former": {"embed": {"model": MPNET, "layers": "last"}, "train": {"trainer": "probe"}},
    "several": {"train": {"names": "auto"}},
    "several-unnamed": {},
    "unnamed": {},
    "names": {"train": {"names": "auto"}},
    "misled": {"train": {"names": "auto"}},
    "opaque": {"train": {"names": "auto"}},
    "mpnet-unnamed": {"embed": {"model": MPNET}},
    "mpnet-names": {"embed": {"model": MPNET}, "train": {"names": "auto"}},
    "final": {},
    # News articles are cut, since fine-tuning takes hours even so.
    "finetune": {"train": {"trainer": "finetune"}, "embed": {"max_tokens": 64}},
}
# Learner, vectors and defaults were chosen on seeds below 300, on trec, banking77, tweet_emotion and sms.
SEEDS = range(300, 320)
POOL_ROWS, MPNET_ROWS = 10_000, 3_000


# ---- one arm, data set and seed


def prepare_set(home: Path, name: str, study: str) -> None:
    """Run stages prepare to cluster, and name_classes in studies with names, once a data set and study."""
    folder = home / study / name
    source = {"dataset": (SETS | SEVERAL)[name], "label_columns": LABEL_COLUMNS.get(name, [])}
    changes = {"prepare": source, "train": {"names": "off"}}
    lay_over(changes, STUDIES[study])
    if (folder / paths.CLUSTERS).exists():
        enter_project(folder, **changes)
    else:
        prepared(folder, **changes)
        cut_pool(MPNET_ROWS if study.startswith("mpnet") else POOL_ROWS)
        for stage in (embed, reduce, cluster):
            stage.main()
    if changes["train"]["names"] == "auto" and not paths.NAMED.exists():
        lay_over(changes, {"labels": {"describe": phrases_of(name, study)}})
        enter_project(folder, **changes)
        name_classes.main()
        without_labels = np.load(results.ROOT / results.NAMES / results.NAMES / "holdout.npy")
        print(f"{study} {name}: accuracy without labels {accuracy(without_labels[0], labels.holdout()):.4f}")


def phrases_of(name: str, study: str) -> dict[str, str]:
    """labels.describe of a data set: what phrases.yaml or the class's name says, dealt out or replaced as the study asks."""
    classes = task.classes()
    written = yaml.safe_load((ROOT / "benchmarks" / "phrases.yaml").read_text()).get(name, {})
    said = [written.get(each) or phrases.words_of(each) for each in classes]
    if study == "misled":
        said = said[1:] + said[:1]
    elif study == "opaque":
        said = [f"thing number {number}" for number in range(1, len(classes) + 1)]
    return dict(zip(classes, said))


def cut_pool(most: int) -> None:
    """Keep at most so many random rows of the pool, texts and answers, in their order."""
    rows, answers = list(artifacts.load_jsonl(paths.POOL)), labels.whole_pool("to keep a part of the pool")
    kept = np.sort(np.random.default_rng(0).permutation(len(rows))[:most])
    artifacts.save_jsonl(paths.POOL, [rows[row] for row in kept])
    artifacts.save(paths.ANSWERS, answers[kept])


def one_run(home: Path, study: str, name: str, arm: str, seed: int) -> dict:
    os.chdir(home / study / name)
    of_study = former.Learner if study.endswith("former") else None
    data, seconds = opened(str(Path.cwd()), variants.way(arm).learner or of_study, study == "final"), []
    [order] = rounds.random_orders([seed], len(data.buckets))
    data.fitter.named = []
    of_arm = arm_of(arm, budgets_of(name, study), data, seconds)
    tried, actual = [probabilities for _, _, probabilities, _ in of_arm.trajectory(seed, order)], data.fitter.actual
    further = [task.of(actual).further(p, actual) for p in tried]
    return {
        "set": name,
        "made_of": data.made_of,
        "arm": arm,
        "seed": seed,
        "accuracy": [round(accuracy(p, actual), 6) for p in tried],
        "macro_f1": [round(macro_f1(p, actual), 6) for p in tried],
        **{measure: [round(each[measure], 6) for each in further] for measure in further[0]},
        "kappas": [stopping.kappa(*pair) for pair in itertools.pairwise(data.fitter.named)],
        "classes_named": [len(np.unique(named)) for named in data.fitter.named],
        "seconds_choosing": round(sum(seconds), 3),
    }


def budgets_of(name: str, study: str) -> tuple[int, ...]:
    """The budgets of a run; studies of names end at 300 labels, since from there on names hardly count."""
    return BUDGETS[name][:4] if study in variants.OF_NAMES else BUDGETS[name]


class WatchedFitter(Fitter):
    """Keeps in `named` the classes, int64 [rows], that each tested model predicts on the stop set."""

    named: list[np.ndarray]

    def on_holdout(self, fitted: FittedModel, labelled: int) -> np.ndarray:
        self.note(fitted)
        return super().on_holdout(fitted, labelled)

    def note(self, fitted: FittedModel) -> None:
        self.named.append(fitted.probabilities(stopping.sample(len(self.pool))).argmax(1))


class FinalFitter(WatchedFitter):
    """The learner of the loop chooses rows; the models tested on the holdout are those that train_final makes of these rows."""

    def __init__(self, settings: Any):
        super().__init__(settings)
        self.final = Fitter(settings.changed(train=settings.train.changed(trainer=settings.train_final.trainer)))

    def fit(self, rows: np.ndarray, bought: labels.Labels, seed: int, title: str, before: FittedModel | None = None) -> FittedModel:
        self.fitted_last = rows, bought, seed, title
        return super().fit(rows, bought, seed, title, before)

    def on_holdout(self, fitted: FittedModel, labelled: int) -> np.ndarray:
        self.note(fitted)
        return self.final.on_holdout(self.final.fit(*self.fitted_last), labelled)


@dataclass(frozen=True)
class Opened:
    """What all runs on one data set share; read once a process."""

    fitter: WatchedFitter
    vectors: np.ndarray
    buckets: np.ndarray
    options: Any
    made_of: str


def arm_of(name: str, budgets: Iterable[int], data: Opened, seconds: list[float]) -> Arm:
    """The arm of that name; it appends the time of each choice to `seconds`."""

    def timed(pick: Pick) -> Pick:
        @functools.wraps(pick)  # so that a refusal names the strategy's own file
        def pick_timed(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
            start = time.perf_counter()
            try:
                return pick(pool, wanted, rng)
            finally:
                seconds.append(time.perf_counter() - start)

        return pick_timed

    way = variants.way(name)
    stages = {f"stage{number}": budget for number, budget in enumerate(budgets, start=1)}
    return Arm(
        name,
        timed(way.first),
        timed(way.then),
        after=dict(zip(stages, [None, *stages])),
        budgets=stages,
        fitter=data.fitter,
        vectors=data.vectors,
        buckets=data.buckets,
        options=data.options.changed(score=way.score),
        uses_pool_labels=way.uses_pool_labels,
    )


def made_of() -> str:
    """Checksum of the vectors and buckets in this folder."""
    return f"{zlib.crc32(paths.CLUSTERS.read_bytes(), zlib.crc32(paths.EMBEDDINGS.read_bytes())):08x}"


_OPEN: dict[tuple[str, type | None], Opened] = {}


def opened(folder: str, learner: type | None, final: bool) -> Opened:
    """learner   a class, if not the one that params.yaml names
    final     whether the models that train_final makes are tested
    """
    if (folder, learner) not in _OPEN:
        settings = params.read("train", "train_final", "embed", "strategies")
        embedded = np.array(vectors.of_texts(paths.EMBEDDINGS, paths.POOL))
        buckets = artifacts.load_clusters(len(embedded))
        fitter = FinalFitter(settings) if final else WatchedFitter(settings)
        if learner:
            fitter.learner = learner(settings.train, settings.embed, params.machine(), fitter.classes)
        _OPEN[folder, learner] = Opened(fitter, embedded, buckets, settings.strategies, made_of())
    return _OPEN[folder, learner]


def quietly(*arguments) -> dict:
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        return one_run(*arguments)


# ---- many of them


def results_file(study: str) -> Path:
    return ROOT / "benchmarks" / f"evidence-{study}.jsonl"


def load(study: str) -> list[dict]:
    file = results_file(study)
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run(options: argparse.Namespace) -> None:
    home, study = Path(options.home).resolve(), options.study
    arms = options.arms or variants.names_in(study)
    refuse_unless_among(variants.names(), *arms)
    done = {(row["set"], row["arm"], row["seed"]): row["made_of"] for row in load(study)}
    wanted = []
    for name in options.sets or (SEVERAL if study.startswith("several") else SETS):
        prepare_set(home, name, study)
        here = made_of()
        for seed in SEEDS[: options.seeds]:
            missing = [arm for arm in arms if (name, arm, seed) not in done]
            if missing and done.get((name, BASELINE, seed)) != here:
                missing = list(dict.fromkeys([BASELINE, *missing]))
            wanted += [(name, arm, seed) for arm in missing]
    wanted.sort(key=lambda run: run[2])
    failed = []
    # Spawned, not forked: OpenMP has run in this process and does not survive a fork.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, spawned) as pool, results_file(study).open("a") as file:
        runs = {pool.submit(quietly, home, study, *which): which for which in wanted}
        for future in tqdm(as_completed(runs), total=len(runs), desc="evidence", unit="run", mininterval=10):
            if error := future.exception():  # the others go on
                failed.append(f"{' '.join(map(str, runs[future]))}: {error!r}")
                continue
            file.write(json.dumps(future.result()) + "\n")
            file.flush()
    if failed:
        sys.exit("\n".join(["error: these runs failed", *failed]))


def refuse_unless_among(possible: Iterable[str], *arms: str) -> None:
    for arm in arms:
        if arm not in possible:
            sys.exit(f"error: arm {arm}; {choices(arm, possible)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence")
    parser.add_argument("do", choices=["run", "table", "named", "saved", "stopped", "picture"])
    parser.add_argument("--study", choices=list(STUDIES), default="loop")
    parser.add_argument("--arms", nargs="*")
    parser.add_argument("--sets", nargs="*", choices=[*SETS, *SEVERAL])
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="number of seeds")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--against", default=BASELINE, metavar="ARM")
    parser.add_argument("--measure", choices=["accuracy", "macro_f1", "micro_f1"], default="accuracy")
    parser.add_argument("--home", default=".gleaner/evidence")
    options = parser.parse_args()
    if options.do == "run":
        run(options)
        return
    rows = [row for row in load(options.study) if row["set"] in (options.sets or BUDGETS)]
    shown = {*(options.arms or []), options.against}
    refuse_unless_among(dict.fromkeys(row["arm"] for row in rows), *shown)
    if options.arms:
        rows = [row for row in rows if row["arm"] in shown]
    if options.do == "table":
        lacking = {row["set"] for row in rows} - {row["set"] for row in rows if row["arm"] == options.against}
        if lacking:
            sys.exit(f"error: --against {options.against}: not run on {', '.join(sorted(lacking))}; leave these out of --sets")
        print(evidence_shown.table(rows, options.against, options.measure))
    elif options.do == "named":
        unnamed = load("mpnet-unnamed" if options.study.startswith("mpnet") else "unnamed")
        print(evidence_shown.named(rows, unnamed, BUDGETS, options.measure))
    elif options.do == "saved":
        former_rows = load("mpnet-former" if options.study == "mpnet" else "former")
        print(evidence_shown.saved(rows, former_rows, BUDGETS, options.measure))
    elif options.do == "stopped":
        rule = of_repository()["sufficient"]
        print(evidence_shown.stopped(rows, BUDGETS, (rule["kappa"], 0.95, 0.9), rule["comparisons"]))
    else:
        file = results_file(options.study).with_suffix(".svg")
        pruned = {arm for arm in variants.names() if variants.way(arm).uses_pool_labels}
        evidence_shown.picture([row for row in rows if row["arm"] not in pruned], BUDGETS, file)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
