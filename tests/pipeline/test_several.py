"""Texts with several labels, from a file to the report, on a tiny corpus."""

import csv
import io
import json
from dataclasses import replace

import huggingface_hub
import numpy as np
import pytest

import gleaner
from stages.commands import encoders, model, predict
from stages.core.base import artifacts, params, paths
from stages.core.new_texts import reading
from stages.core.prediction import ensemble
from stages.core.takeaway import folder, student
from tests.support.project import Project
from tests.support.tiny import WORDS, tiny_encoder
from tests.takeaway.test_takeaway import fitted, script_of

pytestmark = pytest.mark.dvc
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
    predicted = array(several, "stage2/predicted.npy")
    assert (predicted.dtype, predicted.shape[2], set(predicted.ravel().tolist())) == (np.int8, 3, {0, 1})
    rows = several.folder / "data/results/bucketed/stage2/labels.npy"
    given = round((np.load(rows) == 1).sum() / len(np.load(rows)))
    why = f"auto took self_training, since {given} labels of these texts are at most 13 a class."
    assert f"train_final bucketed: self_training. train_final.trainer: {why}" in several.output


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


# ---- the trained model


TEXTS = ["good great film 1", "bad awful music music 2", "plot scene 3", " ", "good bad music music 4"]


@pytest.fixture
def inside(several, monkeypatch):
    """The project, in which this process is."""
    monkeypatch.chdir(several.folder)
    return several


def rows_of(file):
    with open(file, encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def sure(said):
    return np.maximum(said, 1 - said).min(-1)


def written(said):
    """A row's labels, by its probabilities."""
    return "; ".join(name for name, p in zip(CLASSES, said) if p >= 0.5) or "-"


def test_new_texts_get_their_labels_and_the_probability_of_the_least_sure_one(inside, tmp_path, capsys, monkeypatch):
    model = gleaner.load()
    said = model.predict_proba(TEXTS)
    new, out = tmp_path / "new.jsonl", tmp_path / "out.csv"
    new.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    predict.main("--each", "--", str(new), str(out))
    rows = rows_of(out)
    assert [row["predicted"] for row in rows] == ["" if text == " " else written(p) for text, p in zip(TEXTS, said)]
    assert "-" in [row["predicted"] for row in rows]
    for row, p in zip(rows, said):
        if row["text"] != " ":
            assert [float(row[f"probability_{name}"]) for name in CLASSES] == pytest.approx(p, abs=2e-6)
            assert float(row["probability"]) == pytest.approx(sure(p), abs=2e-6)
    counts = "".join(
        f", {name}: {(said[:, number] >= 0.5).sum()}" for number, name in enumerate(CLASSES) if (said[:, number] >= 0.5).any()
    )
    assert f"predict: {counts[2:]}, -: " in capsys.readouterr().err
    between = float(np.median(sure(said)[[0, 1, 2, 4]]))
    predict.main("--abstain", str(between), "--", str(new), str(tmp_path / "sure.csv"))
    open_rows = [not row["predicted"] for row in rows_of(tmp_path / "sure.csv")]
    assert open_rows == [not p >= between for p in sure(said)]
    model.abstain = between
    labels = model.predict(TEXTS)
    assert [label is None for label in labels] == open_rows
    assert ["; ".join(label) or "-" for label in labels if label is not None] == [
        written(p) for p, is_open in zip(said, open_rows) if not is_open
    ]
    capsys.readouterr()
    predict.main(TEXTS[0])
    assert capsys.readouterr().out == f"{written(said[0])} {sure(said[0]):.4f}\n"
    piped = io.TextIOWrapper(io.BufferedReader(io.BytesIO("\n".join(TEXTS).encode())))
    monkeypatch.setattr("sys.stdin", piped)
    predict.main("-")
    assert [json.loads(line)["predicted"] or "" for line in capsys.readouterr().out.splitlines()] == [
        row["predicted"] for row in rows
    ]
    asked = replace(model.about, temperature=2 * model.about.temperature)
    colder = ensemble.Ensemble(model.models.members, asked, params.read("embed").embed, params.machine()).probabilities(TEXTS)
    odds = [p[[0, 1, 2, 4]] / (1 - p[[0, 1, 2, 4]]) for p in (said, colder)]
    assert odds[1] ** 2 == pytest.approx(odds[0], rel=0.01)


def test_a_run_that_was_stopped_goes_on_with_the_sets_it_found(inside, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_ROWS", 2)
    new, out, at_once = tmp_path / "new.jsonl", tmp_path / "out.csv", tmp_path / "at once.csv"
    new.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS * 2), encoding="utf-8")
    predict.main(str(new), str(at_once))
    calls, ask = [], ensemble.Ensemble.probabilities

    def failing(self, texts, title=""):
        calls.append(len(texts))
        if len(calls) == 3:
            raise MemoryError
        return ask(self, texts, title)

    monkeypatch.setattr(ensemble.Ensemble, "probabilities", failing)
    with pytest.raises(MemoryError):
        predict.main(str(new), str(out))
    predict.main(str(new), str(out))
    assert calls == [2] * 6  # five chunks, and the one that failed
    assert out.read_bytes() == at_once.read_bytes()


@pytest.mark.parametrize("trainer", ["probe", "finetune"])
def test_the_folder_labels_as_the_project_does(inside, trainer, tmp_path):
    models = fitted(trainer, "mean")
    said = models.probabilities(TEXTS)
    folder.write(tmp_path / "taken", models, "a card")
    script = script_of(tmp_path / "taken")
    assert np.array(script.predict_proba(TEXTS)) == pytest.approx(said, abs=1e-5, nan_ok=True)
    for text, p in zip(TEXTS, said):
        if text != " ":
            best, label = script.label(p.tolist())
            assert (best, label) == (pytest.approx(sure(p)), written(p))


def test_a_student_gives_the_sets_that_the_model_gives_and_cards_name_the_measures(inside, tmp_path):
    model.main(str(tmp_path / "whole"))
    model.main(str(tmp_path / "small"), static="1")
    pool = artifacts.texts(paths.POOL)
    by_model, script = gleaner.load().predict_proba(pool), script_of(tmp_path / "small")
    by_script = np.array(script.predict_proba(pool))
    made = student.taught(list(pool), by_model, gleaner.load().about.kind)
    assert by_script == pytest.approx(made.probabilities(list(pool)), abs=1e-3)
    assert ((by_script >= 0.5) == (by_model >= 0.5)).mean() > 0.9
    assert script.label([0.9, 0.2, 0.6]) == (0.6, "bad; music")
    for place, measured in (("whole", content(inside, "data/model.json")), ("small", {})):
        read = huggingface_hub.ModelCard.load(tmp_path / place / "README.md")
        found = [(each.metric_type, each.metric_name) for each in read.data.eval_results]
        assert found == [("exact_match", "exact match"), ("f1", "macro F1"), ("f1", "micro F1")]
        assert "from a probability of 0.5 on" in read.text
        assert "ccuracy" not in read.text.partition("## Use")[0]
        assert all(f" {measured[name]:.4f}" in read.text for name in ("accuracy", "macro_f1", "micro_f1") if measured)
    assert json.loads((tmp_path / "whole/about.json").read_text())["several"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "trainer"),
    [
        ({"train_final": {"arms": ["bucketed", "random"], "trainer": "finetune", "stages": "all"}, "train_full": {"final": True},
          "train": {"trainer": "probe"}, "score_entropy": {"score": "committee"}, "arms": ["entropy"]}, "finetune"),
        ({"train": {"trainer": "finetune"}, "select_stageN": {"by": "badge"}, "train_final": {"arms": []}, "arms": []}, "finetune"),
    ],
)  # fmt: skip
def test_other_learners_scores_and_final_models_go_through_to_the_report(several, changes, trainer, tmp_path):
    project = several.copied(tmp_path / "project")
    project.change(changes)
    project.dvc("repro")
    assert content(project, "data/model/model.json")["trainer"] == trainer
    arms = {row["arm"] for row in content(project, "data/plots/learning_curve.json")}
    assert {"bucketed", "random", *changes.get("arms", [])} <= arms
    if changes.get("train_full"):
        for name in ("bucketed/final-stage1", "bucketed/final", "random/final", "full/final"):
            assert 0 <= content(project, f"metrics/{name}.json")["micro_f1"] <= 1
    assert project.dvc("plots", "show", check=False).returncode == 0


def test_encoders_are_compared_by_macro_f1(inside, capsys):
    tiny_encoder(inside.folder / "deaf", words=WORDS[8:])  # it knows no word that tells
    encoders.main("deaf")
    printed = capsys.readouterr().out
    own, deaf = [line.split("|") for line in printed.splitlines() if line.startswith("| ") and "[" in line]
    assert (own[1].strip(), deaf[1].strip()) == ("encoder", "deaf")
    assert float(own[2].split()[0]) > float(deaf[2].split()[0])
    assert "macro F1 |" in printed
    assert "Macro F1 on " in printed


def test_what_cannot_be_is_refused_in_a_line(several):
    for section, stage in (("train_final", "train_final@bucketed"), ("train", "train_stage1")):
        several.change({section: {"trainer": "contrastive"}})
        refused = f"params.yaml: {section}.trainer = contrastive: not here, since texts may have several labels; choose another"
        assert refused in several.dvc("repro", "--single-item", stage, check=False).output
