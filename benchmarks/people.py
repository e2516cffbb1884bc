"""A simulated person labels through the real interfaces, from texts without labels to the model; every wait is timed.

    python -m benchmarks.people [--rows 80] [--holdout 100] [--set banking77] [--home .gleaner/people]

The labels of the data set are hidden. The person, who knows them, answers the holdout and stage1 on the labelling page, by keys
in a real Chromium; stage2 in a table, as a spreadsheet with another locale saves it; stage3 in Label Studio's JSON. Each round
asks for `--rows` rows. Then the data set gives the labels, with the same pool, holdout, seed and order of classes: rows and
models of every stage must be the same bytes, or this ends with an error. Prints every wait. The first `dvc repro`, before any
answer, runs once a home. Needs requirements-test.txt, and Chromium with its driver.
"""

import argparse
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml
from tabulate import tabulate

from benchmarks.evidence import SETS
from benchmarks.harness import ROOT, machine, of_repository
from stages.commands.overlay import lay_over
from stages.core.base import keys
from tests.support.browser import Window, chromium

ENTER = "\ue007"
WHO = "anna"
STAGES = ("stage1", "stage2", "stage3")
SECONDS = 300  # for the page to open, and for the next round
COPIED = ("stages", "params", "labels", ".dvc", "dvc.yaml", "params.yaml", ".gitignore", ".dvcignore", "data/.gitignore")


class Project:
    """A folder, the commands that make runs in it, and how long each took."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.waits: list[dict] = []

    def command(self, *words: str) -> list[str]:
        if words[0] != "dvc" and words[0] != "git":
            words = (sys.executable, "-m", "stages", *words)
        return list(words)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def do(self, *words: str) -> None:
        done = subprocess.run(self.command(*words), cwd=self.folder, env=self.environment, stdout=sys.stderr)
        if done.returncode:
            raise SystemExit(f"error: {' '.join(words)} ended with {done.returncode}")

    @contextmanager
    def waited(self, for_what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.waits.append({"waited for": for_what, "seconds": f"{time.perf_counter() - start:.1f}"})
        print(f"  {for_what}: {self.waits[-1]['seconds']} s", file=sys.stderr, flush=True)

    def change(self, changes: dict) -> None:
        file = self.folder / "params.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        lay_over(content, changes)
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def rows(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "data" / name).read_text(encoding="utf-8").splitlines()]

    def asked(self, name: str) -> list[dict]:
        with (self.folder / "labels" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


# ---- the data set, with and without its labels


def known(source: Path) -> list[tuple[str, str]]:
    """(text, label) of every row of train.csv."""
    with (source / "train.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def table(file: Path, columns: list[str], rows: list) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([columns, *rows])


def begun(home: Path, source: Path, rows: int, holdout: int) -> tuple[Project, dict[str, str]]:
    """The person's project after its first `dvc repro`, and the true labels: key of a text -> label."""
    labelled, before, person = known(source), Project(home / "begun"), Project(home / "person")
    truth: dict[str, str] = {}
    for text, label in labelled:
        truth.setdefault(keys.key(text), label)
    if not (before.folder / "data/report.html").exists():
        shutil.rmtree(before.folder, ignore_errors=True)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (before.folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, before.folder / name)
        table(home / "texts.csv", ["text"], [[text] for text, _ in labelled])
        before.change(yaml.safe_load((ROOT / "params/people.yaml").read_text(encoding="utf-8")))
        m = rows // of_repository()["cluster"]["clusters"]
        before.change({
            "prepare": {"dataset": str(home / "texts.csv"), "holdout_rows": holdout},
            "labels": {"classes": sorted(set(truth.values()))},
            "select_stage1": {"n": m},
            "rounds": {name: {"after": after, "m": m} for after, name in pairwise(STAGES)},
            "train_final": {"trainer": "none"},
        })  # fmt: skip
        before.do("git", "init", "--quiet", "--template=")
        with before.waited("the first dvc repro: texts read, embedded and clustered"):
            before.do("check")
            before.do("dvc", "repro", "--quiet")
    shutil.rmtree(person.folder, ignore_errors=True)
    shutil.copytree(before.folder, person.folder, symlinks=True)
    person.waits = before.waits
    return person, truth


# ---- three ways to answer


def answer_on_the_page(person: Project, truth: dict[str, str], rows: int) -> None:
    """Holdout and stage1; ends when the page shows the first row of stage2."""
    words = person.command("label", WHO, "")
    environment = {**person.environment, "BROWSER": "true"}  # a command that opens nothing
    process = subprocess.Popen(words, cwd=person.folder, env=environment, stdout=subprocess.PIPE, text=True)
    driver = chromium()
    try:
        with person.waited("make label: the holdout and stage1 are chosen, the page opens"):
            address = next(line.strip() for line in process.stdout if line.startswith("http"))
            window = Window(driver)
            driver.get(address)
            window.until(lambda: window.text(".text"), SECONDS)
        total, pauses = len(person.asked("holdout")) + len(person.asked("stage1")), []
        assert len(person.asked("stage1")) == rows, "stage1 asks for another number of rows"
        for number in range(1, total + 1):
            before = window.text("#count"), window.text(".text")
            label = truth[keys.key(before[1])]
            start = time.perf_counter()
            if number == total:
                with person.waited("stage2 on the page: from the last answer of stage1 to the next row"):
                    window.press(label, ENTER)
                    window.until(lambda: window.text("#count").startswith("stage2"), SECONDS)
            else:
                window.press(label, ENTER)
                window.until(lambda now=before: (window.text("#count"), window.text(".text")) != now)
                pauses.append(time.perf_counter() - start)
        person.waits.append(
            {"waited for": f"the next row on the page, median of {total - 1}", "seconds": f"{np.median(pauses):.2f}"}
        )
    finally:
        driver.quit()
        process.send_signal(signal.SIGINT)
        process.wait(30)


def answer_in_a_table(person: Project, truth: dict[str, str]) -> None:
    """stage2, as a spreadsheet with decimal commas saves it: semicolons, cp1252, CRLF, rows and columns reordered."""
    text = io.StringIO(newline="")
    rows = [[truth[row["key"]], row["text"], row["key"]] for row in reversed(person.asked("stage2"))]
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([["label", "text", "key"], *rows])
    (person.folder / "back.csv").write_bytes(text.getvalue().encode("cp1252", errors="replace"))
    with person.waited("stage2 in a table: make answers"):
        person.do("answers", "back.csv", WHO)
    with person.waited("stage3 after it: make ask FORMAT=label-studio"):
        person.do("ask", "", "", "label-studio", "")


def answer_in_label_studio(person: Project, truth: dict[str, str]) -> None:
    """stage3, as an export of Label Studio."""
    tasks = json.loads((person.folder / "tasks/stage3.label-studio.json").read_text(encoding="utf-8"))
    export = []
    for number, task in enumerate(tasks, start=1):
        region = {"from_name": "label", "to_name": "text", "type": "choices", "origin": "manual"}
        said = region | {"value": {"choices": [truth[task["data"]["gleaner_id"]]]}}
        export.append({"id": number, "data": task["data"], "annotations": [
            {"id": number, "completed_by": 1, "result": [said], "was_cancelled": False},
        ]})  # fmt: skip
    (person.folder / "export.json").write_text(json.dumps(export), encoding="utf-8")
    with person.waited("stage3 from Label Studio: make answers"):
        person.do("answers", "export.json", WHO)
    with person.waited("the models and the report: dvc repro"):
        person.do("dvc", "repro", "--quiet")
    person.do("waiting", "repro")


# ---- the same with labels of the data set


def simulated(person: Project, truth: dict[str, str], home: Path) -> Project:
    """The project as it began, with the person's texts and holdout and labels from the data set, up to the last model. Neither it
    nor DVC's cache holds anything made from the person's answers.
    """
    shutil.rmtree(home / "simulated", ignore_errors=True)
    shutil.copytree(home / "begun", home / "simulated", symlinks=True)
    other = Project(home / "simulated")
    for side, name in (("pool", "train"), ("holdout", "test")):
        rows = [[row["text"], truth[keys.key(row["text"])]] for row in person.rows(f"{side}.jsonl")]
        table(home / "labelled" / f"{name}.csv", ["text", "label"], rows)
    other.change({"labels": {"from": "dataset", "classes": []}, "prepare": {"dataset": str(home / "labelled")}})
    other.do("dvc", "repro", "--quiet", f"train_stageN@{STAGES[-1]}")
    return other


def differences(one: Path, two: Path) -> list[str]:
    """Files of rows, labels and models whose bytes differ between two projects."""
    wanted = ["pool.jsonl", "holdout.jsonl", "holdout_labels.npy", "classes.json"]
    for stage in STAGES:
        wanted += [f"{stage}/labelled.npy", f"{stage}/labels.npy"]
        wanted += [
            str(file.relative_to(one / "data")) for file in sorted((one / "data" / stage / "models").rglob("*")) if file.is_file()
        ]
    return [name for name in wanted if (one / "data" / name).read_bytes() != (two / "data" / name).read_bytes()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.people")
    parser.add_argument("--rows", type=int, default=80, help="rows in each of the three rounds, a multiple of ten")
    parser.add_argument("--holdout", type=int, default=100)
    parser.add_argument("--set", choices=["banking77", "trec", "sms", "tweet_emotion"], default="banking77")
    parser.add_argument("--home", default=".gleaner/people")
    options = parser.parse_args()
    home = Path(options.home).resolve() / f"{options.set}-{options.rows}-{options.holdout}"
    person, truth = begun(home, Path(SETS[options.set]), options.rows, options.holdout)
    answer_on_the_page(person, truth, options.rows)
    answer_in_a_table(person, truth)
    answer_in_label_studio(person, truth)
    other = simulated(person, truth, home)
    pool = len(person.rows("pool.jsonl"))
    print(f"{options.set}: {pool:,} rows, {len(set(truth.values()))} classes, {len(STAGES) * options.rows} labels; {machine()}")
    print(tabulate(person.waits, headers="keys", tablefmt="github", disable_numparse=True))
    print((person.folder / "data/summary.md").read_text(encoding="utf-8").splitlines()[0])
    differ = differences(person.folder, other.folder)
    if differ:
        raise SystemExit(f"error: these files differ from those with labels of the data set: {', '.join(differ)}")
    print("rows and models of every stage have the same bytes as with labels of the data set")


if __name__ == "__main__":
    main()
