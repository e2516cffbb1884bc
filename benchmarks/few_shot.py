"""SetFit 1.2.0 with its defaults beside our learners: same rows, same encoder. Texts may have several labels.

    python -m benchmarks.few_shot run [--sets NAME ...] [--seeds 3] [--a-class 8 16 | --labels 50 100] [--drawn random chosen]
        [--ways NAME ...]
    python -m benchmarks.few_shot table [--measure accuracy] [--ways NAME ...]

`run` appends one line a model to benchmarks/few-shot.jsonl and skips those that have a line. `random` rows come in the random
arm's order: so many of every class (--a-class), or so many in all (--labels). `chosen` rows are as many in all, as the default of
params.yaml chooses them in two rounds, whatever their class. Each model learns on one thread. Seconds are processor time, so a
busy neighbour hardly counts. At most HOLDOUT_ROWS of the holdout are predicted.

By default SetFit pairs every two texts, which takes hours for a few hundred of them. Above SETFIT_PAIRS_ALL texts it makes 20 pairs
a text of each kind (num_iterations), as in its paper (Tunstall et al. 2022, section 3.1).

SetFit wants older packages than the project's but runs beside them: pip install --no-deps setfit==1.2.0 evaluate==0.4.6
"""

import argparse
import contextlib
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks import evidence, rivals, setups, variants
from benchmarks.harness import ROOT, machine
from stages.core import learners, task
from stages.core.base import params, paths
from stages.core.encoding import encoder, model_files
from stages.core.rows import labels, rounds
from stages.core.rows.measures import accuracy, macro_f1

RESULTS = ROOT / "benchmarks" / "few-shot.jsonl"
HOLDOUT_ROWS = 1_000
CHOOSES = "names"  # the study whose settings choose rows
SETFIT_PAIRS_ALL = 200  # texts
SETFIT, SMALL_TEXT = "SetFit", "small-text, fine-tuned"
A_CLASS = " a class"
WAYS = {  # name -> study of evidence.py whose folders have names of classes or not, and settings of params train
    SETFIT: ("unnamed", {}),
    "regression": ("unnamed", {"trainer": "self_training"}),
    "regression, names": ("names", {"trainer": "self_training"}),
    "contrastive": ("unnamed", {"trainer": "contrastive"}),
    "contrastive, names": ("names", {"trainer": "contrastive"}),
    "finetune": ("unnamed", {"trainer": "finetune"}),
    SMALL_TEXT: ("unnamed", {}),
}
FOR_SEVERAL = (SETFIT, SMALL_TEXT, "regression", "regression, names", "finetune")  # ways for texts with several labels
OF_SEVERAL = {"names": "several", "unnamed": "several-unnamed"}  # studies that stand in for these there


def rows_of(drawn: str, size: str, seed: int, data: evidence.Opened) -> np.ndarray:
    """int64 [rows]: rows of the pool, as the module says."""
    answers = labels.whole_pool("to draw rows of every class")
    [order] = rounds.random_orders([seed], len(answers))
    many, of_every_class = int(size.split()[0]), size.endswith(A_CLASS)
    if drawn == "random" and of_every_class:
        places = [np.flatnonzero(answers[order] == each)[:many] for each in range(data.fitter.classes)]
        return order[np.sort(np.concatenate(places))]
    budget, data.fitter.named = many * (data.fitter.classes if of_every_class else 1), []
    if drawn == "random":
        return order[:budget]
    arm = evidence.arm_of(variants.name_of_default(), (budget // 2, budget), data, [])
    return [rows for _, rows, _, _ in arm.trajectory(seed, order)][-1]


def setfit(texts: list[str], values: np.ndarray, classes: int, seed: int, dtype: str) -> Callable[[list[str]], np.ndarray]:
    """A model as in SetFit's README; its probabilities, float [rows, classes], of other texts. Several labels: one-vs-rest.

    dtype   as in params train.dtype: it tunes with the same arithmetic as finetune
    """
    import torch
    from datasets import Dataset
    from sentence_transformers.models import Normalize
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    several = {"multi_target_strategy": "one-vs-rest"} if values.ndim > 1 else {}
    torch.manual_seed(seed)  # the seed below comes too late for the model's own draws
    body = rivals.sentence_transformer(model_files.folder_of(model_files.PACKAGED), "float32")
    body.append(Normalize())
    head = OneVsRestClassifier(LogisticRegression()) if several else LogisticRegression()
    model = SetFitModel(model_body=body, model_head=head, **several)
    pairs = {"num_iterations": 20} if len(texts) > SETFIT_PAIRS_ALL else {}
    settings = TrainingArguments(seed=seed, output_dir=".gleaner/setfit", report_to="none", save_strategy="no", **pairs)
    trainer = Trainer(model=model, args=settings, train_dataset=Dataset.from_dict({"text": texts, "label": values.tolist()}))
    mixed = encoder.dtype_of(dtype) == torch.bfloat16
    # No cache: it would keep the weights of the first step, since all steps are within this context.
    with torch.autocast(encoder.device().type, torch.bfloat16, enabled=mixed, cache_enabled=False):
        trainer.train()

    def probabilities(others: list[str]) -> np.ndarray:
        said = np.zeros((len(others), classes))
        said[:, slice(None) if several else model.model_head.classes_] = np.asarray(model.predict_proba(others))
        return said

    return probabilities


def tried(way: str, rows: np.ndarray, seed: int) -> dict:
    """The results of one model that learned from rows of the pool in this folder."""
    settings, changes = params.read("train", "embed"), WAYS[way][1]
    classes, values, actual = len(labels.classes()), labels.whole_pool("to learn from")[rows], labels.holdout()
    held = np.sort(np.random.default_rng(0).permutation(len(actual))[:HOLDOUT_ROWS])
    changed = settings.train.changed(**changes or {"trainer": "finetune"})  # SetFit takes texts, as finetune does
    if way == SMALL_TEXT:
        learner = setups.FineTuned(changed, settings.embed, params.machine(), classes)
    else:
        learner = learners.named(changed, settings.embed, params.machine(), classes)
    pool = learner.read(paths.POOL, paths.EMBEDDINGS)
    others: Any = learner.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)[held]
    start = time.process_time()
    if way == SETFIT:
        predict, others = setfit(pool[rows].texts.tolist(), values, classes, seed, changed.dtype), others.texts.tolist()
    else:
        model = learner.fit(pool, rows, values, seed, way)
        predict = lambda inputs: model.probabilities(inputs, way)  # noqa: E731
    fitted = time.process_time()
    said = predict(others)
    ended = time.process_time()
    further = task.of(actual).further(said, actual[held])
    return {name: round(value, 6) for name, value in further.items()} | {
        "accuracy": round(accuracy(said, actual[held]), 6),
        "macro_f1": round(macro_f1(said, actual[held]), 6),
        "seconds": round(fitted - start, 2),
        "rows_a_second": None if isinstance(others, np.ndarray) else round(len(held) / (ended - fitted), 1),  # of texts
    }


def run(options: argparse.Namespace) -> None:
    home = Path(options.home).resolve()
    sizes = [str(many) for many in options.labels] + [f"{many}{A_CLASS}" for many in options.a_class]
    done = {tuple(row[key] for key in ("set", "drawn", "size", "seed", "way")) for row in load()}
    for seed in evidence.SEEDS[: options.seeds]:
        for which in [(name, drawn, size) for size in sizes for drawn in options.drawn for name in options.sets]:
            for way in options.ways:
                name, drawn, size = which
                study_of = OF_SEVERAL if name in evidence.SEVERAL else {}
                if (*which, seed, way) in done or (study_of and way not in FOR_SEVERAL):
                    continue
                evidence.prepare_set(home, name, study_of.get(CHOOSES, CHOOSES))
                chosen = rows_of(drawn, size, seed, evidence.opened(str(Path.cwd()), None, False))
                evidence.prepare_set(home, name, study_of.get(WAYS[way][0], WAYS[way][0]))
                about = {"set": name, "drawn": drawn, "size": size, "seed": seed, "way": way, "rows": len(chosen)}
                with contextlib.redirect_stdout(None):
                    line = about | tried(way, chosen, seed) | {"machine": machine()}
                with RESULTS.open("a") as file:
                    file.write(json.dumps(line) + "\n")


def load() -> list[dict]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def table(measure: str, ways: Iterable[str]) -> str:
    """One line a way, number of labels and kind of rows, over the sets and seeds that all of them have: means, seconds, rows/s."""
    found = defaultdict(dict)
    for row in load():
        found[row["drawn"], row["size"], row["way"]][row["set"], row["seed"]] = row
    lines = []
    for kind in sorted({key[:2] for key in found}, key=lambda kind: (kind[1].endswith(A_CLASS), int(kind[1].split()[0]), kind[0])):
        here = {way: found[*kind, way] for way in ways if (*kind, way) in found}
        shared = sorted(set.intersection(*map(set, here.values())))
        for way, rows in here.items():
            of_set = {
                name: [rows[which] for which in shared if which[0] == name] for name in dict.fromkeys(name for name, _ in shared)
            }
            means = {f"{name} ({len(some)})": 100 * statistics.mean(row[measure] for row in some) for name, some in of_set.items()}
            seconds = statistics.mean(statistics.mean(row["seconds"] for row in some) for some in of_set.values())
            speeds = [row["rows_a_second"] for some in of_set.values() for row in some if row["rows_a_second"]]
            line = {"rows": kind[0], "labels": kind[1], "way": way} | {name: f"{mean:.1f}" for name, mean in means.items()}
            line |= {"mean": f"{statistics.mean(means.values()):.1f}", "seconds": f"{seconds:.0f}"}
            lines.append(line | {"rows/s": f"{statistics.median(speeds):.0f}" if speeds else ""})
    return tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_shot")
    parser.add_argument("do", choices=["run", "table"])
    parser.add_argument("--sets", nargs="*", choices=[*evidence.SETS, *evidence.SEVERAL], default=list(evidence.SETS))
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--a-class", nargs="*", type=int, default=[])
    parser.add_argument("--labels", nargs="*", type=int, default=[])
    parser.add_argument("--drawn", nargs="*", choices=["random", "chosen"], default=["random", "chosen"])
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--measure", choices=["accuracy", "macro_f1", "micro_f1"], default="accuracy")
    parser.add_argument("--home", default=".gleaner/evidence")
    options = parser.parse_args()
    print(table(options.measure, options.ways)) if options.do == "table" else run(options)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
