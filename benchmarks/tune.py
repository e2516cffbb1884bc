"""What tuning the encoder gains: `python -m benchmarks.tune RESULTS.jsonl [--data FOLDER] [--quick]`.

Each finished run is a line of RESULTS. A second call continues where the first was stopped, and prints tables of all lines. Texts,
vectors and models lie in .gleaner, in a folder named like RESULTS. FOLDER has stsb and sick as csv (../shared/data by default).
--quick shrinks everything to a few rows and steps and shows only that the script runs. On 2 cores the whole takes hours, nearly all
of it in `contrastive`.
"""

import argparse
import csv
import itertools
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_model
from tabulate import tabulate

from benchmarks.harness import ROOT, of_repository, run_stage
from stages.commands.overlay import lay_over
from stages.core import learners
from stages.core.base import artifacts, params, paths
from stages.core.encoding import encoder, model_files
from stages.core.reporting.description import agreement_of
from stages.core.rows import labels, results
from stages.core.rows.measures import accuracy
from stages.core.sources import splits

# The upper 5 of the packaged encoder's 6 layers get untrained feed-forward parts, large enough to drown the layers below. They have
# everything to learn: larger steps and more passes (850 and 720 steps) than a pretrained encoder.
UNTRAINED = {"layers": 5, "deviation": 0.1}
PASSES = {"nli on SICK": 3, "nli on STS-B, graded": 2}
TUNED = ("none", "pairs on STS-B", "nli on SICK")
DATASETS = ("rotten_tomatoes", "bbc_news")
TRAINERS = ("probe", "finetune", "contrastive")
PER_CLASS = (8, 16, 64)
SEEDS = range(5)
TO_FIRST_MODELS = (
    "prepare",
    "collect_answers",
    "finetune_encoder",
    "embed",
    "reduce",
    "cluster",
    "select_stage1",
    "buy_labels stage1",
    "train_stageN stage1",
)
FEW_TOKENS = 128  # texts of bbc_news are cut here for all trainers, which halves the time of contrastive
QUICK = {
    "train": {"min_steps": 2, "epochs": 1, "contrastive_steps": 2},
    "reduce": {"method": "pca", "dimensions": 8},
    "cluster": {"clusters": 2, "sweep_to": 3},
    "select_stage1": {"n": 2},
    "rounds": {"stage2": {"after": "stage1", "m": 1}, "stage3": {"after": "stage2", "m": 1}},
}


class Study:
    def __init__(self, results: Path, data: Path, quick: bool):
        self.results, self.quick = results.resolve(), quick
        self.work = ROOT / ".gleaner" / self.results.stem
        self.work.mkdir(parents=True, exist_ok=True)
        self.data = data.resolve()
        self.lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []

    def has(self, **run) -> bool:
        """Whether this run is measured already. If not, its clock starts now."""
        found = any(run.items() <= line.items() for line in self.lines)
        if not found:
            print("running", run, file=sys.stderr, flush=True)
            self.run, self.started = run, time.perf_counter()
        return found

    def keep(self, **measured) -> None:
        """Write the line of the last run that `has` was asked about."""
        self.lines.append(self.run | measured | {"seconds": round(time.perf_counter() - self.started, 1)})
        with self.results.open("a") as file:
            file.write(json.dumps(self.lines[-1]) + "\n")

    def pairs(self, name: str) -> str:
        """Path of a file of pairs; of its first rows in a quick run."""
        if not self.quick:
            return str(self.data / name)
        short = self.work / name.replace("/", "_")
        with (self.data / name).open(encoding="utf-8", newline="") as whole, short.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(itertools.islice(csv.reader(whole), 40))
        return str(short)

    def graded(self) -> str:
        """Path of STS-B's training pairs as relations: scores from 3.5 count as entailment, below 2 as contradiction."""
        file = self.work / "stsb_graded.csv"
        with (
            open(self.pairs("stsb/train.csv"), encoding="utf-8", newline="") as scored,
            file.open("w", encoding="utf-8", newline="") as out,
        ):
            rows = csv.writer(out)
            rows.writerow(("sentence1", "sentence2", "label"))
            for row in csv.DictReader(scored):
                score = float(row["score"])
                label = "entailment" if score >= 3.5 else "neutral" if score >= 2 else "contradiction"
                rows.writerow((row["sentence1"], row["sentence2"], label))
        return str(file)

    def dataset(self, name: str) -> str:
        """Name of a packaged corpus; in a quick run the path of a file with every fortieth of its rows."""
        if not self.quick:
            return name
        section = params.read("prepare").prepare.changed(dataset=name)
        artifacts.save_jsonl(self.work / f"{name}.jsonl", splits.read(section)[0][::40])
        return str(self.work / f"{name}.jsonl")

    def folder(self, name: str, **changes: dict) -> Path:
        """A folder to run stages in, with the repository's params and `changes`."""
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        content = of_repository()
        lay_over(content, changes)
        lay_over(content, QUICK if self.quick else {})
        (folder / "params.yaml").write_text(yaml.safe_dump(content))
        return folder

    def objectives(self) -> dict[str, dict]:
        """Name -> params finetune_encoder."""
        test = {"evaluation": self.pairs("stsb/test.csv")}
        return {
            "none": {},
            "pairs on STS-B": {
                "objective": "pairs",
                "dataset": self.pairs("stsb/train.csv"),
                "score_range": [0, 5],
                "epochs": 4,
                **test,
            },
            "nli on SICK": {"objective": "nli", "dataset": self.pairs("sick/train.csv"), **test},
            "nli on STS-B, graded": {"objective": "nli", "dataset": self.graded(), **test},
        }


def untrained_above(folder: Path, layers: int, deviation: float) -> str:
    """The packaged encoder with random feed-forward parts in its upper layers, and without dropout, whose noise they amplify."""
    if not folder.exists():
        source, part = model_files.folder_of(model_files.PACKAGED), folder.with_name(f"{folder.name}.part")
        model = encoder.Encoder(model_files.PACKAGED, 256)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for layer in model.backbone.encoder.layer[-layers:]:
                for module in (layer.intermediate.dense, layer.output.dense):
                    torch.nn.init.normal_(module.weight, std=deviation)
                    torch.nn.init.zeros_(module.bias)
        part.mkdir(exist_ok=True)
        config = artifacts.load_json(source / "config.json")
        artifacts.save_json(part / "config.json", config | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
        (part / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
        save_model(model.backbone, str(part / "model.safetensors"), metadata={"format": "pt"})
        part.rename(folder)
    return str(folder)


def similarity_runs(study: Study) -> None:
    """Spearman on the test set of STS-B, before and after."""
    objectives = study.objectives()
    runs = [(model_files.PACKAGED, model_files.PACKAGED, name, {}) for name in ("pairs on STS-B", "nli on SICK")]
    label = "upper {layers} layers untrained".format(**UNTRAINED)
    untrained = untrained_above(study.work / label, **UNTRAINED)
    runs += [(label, untrained, name, {"epochs": epochs, "learning_rate": 1e-4}) for name, epochs in PASSES.items()]
    for label, model, name, more in runs:
        if not study.has(what="similarity", encoder=label, tuned=name):
            folder = study.folder("similarity", finetune_encoder=objectives[name] | more, embed={"model": model})
            os.chdir(folder)
            run_stage("finetune_encoder")
            study.keep(**artifacts.load_json(folder / "data/encoder.json"))


def bucket_runs(study: Study) -> None:
    """What a tuned encoder changes in the buckets and in the first models of the bucketed arm."""
    objectives = {name: objective for name, objective in study.objectives().items() if name in TUNED}
    for dataset, (name, objective) in itertools.product(DATASETS, objectives.items()):
        if study.has(what="buckets", dataset=dataset, tuned=name):
            continue
        changes = {
            "prepare": {"dataset": study.dataset(dataset)},
            "finetune_encoder": objective,
            "select_stage1": {"pick": "random"},
            "train": {"trainer": "probe"},
        }
        folder = study.folder("buckets", **changes)
        os.chdir(folder)
        for step in TO_FIRST_MODELS:
            run_stage(*step.split())
        answers, actual = labels.whole_pool("to describe buckets"), labels.holdout()
        tried = results.load(results.MAIN, "stage1", len(answers), len(actual), len(labels.classes())).probabilities
        reached = np.mean([accuracy(probabilities, actual) for probabilities in tried])
        agreement = agreement_of(artifacts.load_clusters(), answers)
        study.keep(label_agreement_nmi=agreement, accuracy=round(float(reached), 4))


def few_shot_runs(study: Study) -> None:
    """Accuracy on the holdout with a few random labels of every class."""
    for dataset in DATASETS:
        folder = study.folder(dataset, prepare={"dataset": study.dataset(dataset)}, embed={"max_tokens": FEW_TOKENS})
        os.chdir(folder)
        if not paths.HOLDOUT_EMBEDDINGS.exists():
            for name in ("prepare", "collect_answers", "finetune_encoder", "embed"):
                run_stage(name)
        answers, actual, classes = labels.whole_pool("to draw from every class"), labels.holdout(), len(labels.classes())
        settings = params.read("train", "embed")
        for trainer in TRAINERS:
            learner = learners.named(settings.train.changed(trainer=trainer), settings.embed, params.machine(), classes)
            pool = learner.read(paths.POOL, paths.EMBEDDINGS)
            holdout = learner.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)
            for per_class, seed in itertools.product((2,) if study.quick else PER_CLASS, (0, 1) if study.quick else SEEDS):
                if study.has(what="few labels", dataset=dataset, trainer=trainer, per_class=per_class, seed=seed):
                    continue
                rng = np.random.default_rng([seed, per_class])
                rows = np.concatenate([rng.permutation(np.flatnonzero(answers == c))[:per_class] for c in range(classes)])
                model = learner.fit(pool, rows, answers[rows], seed, "fit", None)
                study.keep(accuracy=round(accuracy(model.probabilities(holdout, "holdout"), actual), 4))
        os.chdir(ROOT)


def shown(lines: list[dict]) -> str:
    of = defaultdict(list)
    for line in lines:
        of[line["what"]].append(line)
    similarity = [
        [
            line["encoder"],
            line["tuned"],
            f"{line['spearman_before']:.4f}",
            f"{line['spearman_after']:.4f}",
            f"{line['seconds'] / 60:.1f}",
        ]
        for line in of["similarity"]
    ]
    buckets = [
        [line["dataset"], line["tuned"], f"{line['label_agreement_nmi']:.4f}", f"{line['accuracy']:.4f}"] for line in of["buckets"]
    ]
    cells = defaultdict(list)
    for line in of["few labels"]:
        cells[line["dataset"], line["per_class"], line["trainer"]].append(line)
    few = [
        [dataset, per_class, *(_mean_and_minutes(cells[dataset, per_class, trainer]) for trainer in TRAINERS)]
        for dataset, per_class in sorted({key[:2] for key in cells})
    ]
    heads = (
        ["encoder", "tuned", "Spearman before", "after", "minutes"],
        ["data set", "tuned", "buckets and labels, NMI", "accuracy of bucketed stage1"],
        ["data set", "labels a class", *(f"{trainer}, accuracy ± sd (seconds)" for trainer in TRAINERS)],
    )
    return "\n\n".join(
        tabulate(rows, head, tablefmt="github", disable_numparse=True)
        for rows, head in zip((similarity, buckets, few), heads)
        if rows
    )


def _mean_and_minutes(lines: list[dict]) -> str:
    if not lines:
        return ""
    values = [line["accuracy"] for line in lines]
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread} ({np.mean([line['seconds'] for line in lines]):.0f})"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("results", type=Path)
    words.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    words.add_argument("--quick", action="store_true")
    study = Study(**vars(words.parse_args()))
    os.chdir(ROOT)
    for runs in (similarity_runs, bucket_runs, few_shot_runs):
        runs(study)
    print(shown(study.lines))


if __name__ == "__main__":
    main()
