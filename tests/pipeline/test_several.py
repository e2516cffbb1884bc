"""Texts with several labels, from a file to the report, on a tiny corpus."""

import json

import numpy as np
import pytest

from tests.support.project import Project
from tests.support.tiny import WORDS

CLASSES = ["bad", "good", "music"]


def corpus(file, rows=160, seed=0):
    """jsonl of texts that are good, bad, both or neither, and about music or not; every label is a list."""
    rng, lines = np.random.default_rng(seed), []
    for number in range(rows):
        labels = [name for name, share in zip(CLASSES, (0.5, 0.4, 0.2)) if rng.random() < share]
        words = [*rng.choice(WORDS[8:12], size=3)]
        for name, some in (("bad", WORDS[4:8]), ("good", WORDS[:4]), ("music", ["music"])):
            words += [*rng.choice(some, size=2)] if name in labels else []
        lines.append(json.dumps({"text": " ".join([*words, str(number)]), "labels": labels}))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


STAGES = ["stage1", "stage2"]


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Reproduced with the default's learner, choice and final model, which would be contrastive where a text has one label."""
    folder = tmp_path_factory.mktemp("several") / "project"
    project = Project.tiny(
        folder, stages=STAGES, rounds={"stage2": {"after": "stage1", "m": 3}}, random_at=STAGES, arms=["badge"],
        select_stage1={"n": 4, "pick": "typiclust"}, score_entropy={"score": "margin"}, select_stageN={"by": "recluster"},
        train={"trainer": "self_training", "names": "auto"}, train_final={"arms": ["bucketed"]},
    )  # fmt: skip
    corpus(folder / "corpus.jsonl")
    project.output = project.dvc("repro").output
    return project


def array(project, name):
    return np.load(project.folder / "data" / name, allow_pickle=False)


def content(project, name):
    return json.loads((project.folder / name).read_text(encoding="utf-8"))


def test_labels_are_those_of_the_source_and_are_bought_row_by_row(several):
    labels = {row["text"]: row["labels"] for row in map(json.loads, (several.folder / "corpus.jsonl").read_text().splitlines())}
    assert content(several, "data/classes.json") == {"several": CLASSES}
    pool = [json.loads(line)["text"] for line in (several.folder / "data/pool.jsonl").read_text().splitlines()]
    answers = array(several, "answers.npy")
    assert answers.dtype == np.int8
    assert [[CLASSES[i] for i in np.flatnonzero(row)] for row in answers] == [labels[text] for text in pool]
    assert 0 < (answers.sum(1) == 0).sum() < len(answers)  # some have none of them, and are labelled all the same
    for stage, rows in zip(STAGES, (16, 28), strict=True):
        labelled = array(several, f"{stage}/labelled.npy")
        assert labelled.shape == (2, rows)
        assert array(several, f"{stage}/labels.npy").tolist() == answers[labelled].tolist()


def test_models_say_each_class_for_itself_and_learn_it(several):
    said, actual = array(several, "results/bucketed/stage2/holdout.npy"), array(several, "holdout_labels.npy")
    assert ((said >= 0) & (said <= 1)).all()
    assert np.ptp(said.sum(2)) > 0.5
    assert ((said >= 0.5) == actual).mean() > 0.8
    assert np.isnan(array(several, "stage2/scores.npy")).sum() == 2 * 16
    assert "phrases of 3 classes; labels spent: 0" in several.output
    assert "train_final bucketed: self_training. train_final.trainer: auto took self_training" in several.output


def test_measures_tables_and_page_are_of_label_sets(several):
    metrics = content(several, "metrics/bucketed/stage2.json")
    assert {"accuracy", "macro_f1", "micro_f1", "mean_average_precision", "hamming_loss", "gain_vs_random"} < set(metrics)
    said, actual = array(several, "results/bucketed/stage2/holdout.npy"), array(several, "holdout_labels.npy")
    exact = ((said >= 0.5) == actual).all(2).mean()
    assert metrics["accuracy"] == pytest.approx(exact, abs=1e-6)
    summary = (several.folder / "data/summary.md").read_text(encoding="utf-8")
    assert [word for word in ("exact match", "micro F1", "mean AP", "Hamming loss", "(macro F1") if word not in summary] == []
    confusion = content(several, "data/plots/confusion.json")
    assert {row["predicted"] for row in confusion} == {"found", "missed", "wrongly given"}
    assert "wrongly given" in (several.folder / "data/report.html").read_text(encoding="utf-8")
    assert 0 <= content(several, "data/model.json")["calibration_error"] < 0.5


def test_what_comes_later_and_what_cannot_be_is_refused_in_a_line(several):
    for words in (("predict", "corpus.jsonl"), ("model", "out"), ("encoders", "encoder")):
        done = several.run("python", "-m", "stages", *words, check=False)
        assert done.returncode == 1
        assert "several labels" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    several.change({"train": {"trainer": "contrastive"}})
    assert "train.trainer = contrastive: not here, since texts may have several labels" in several.dvc("repro", check=False).output
