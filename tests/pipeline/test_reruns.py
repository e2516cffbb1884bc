"""Which stages run again after a change of params, code, or of what stands behind a name in them: asked of real DVC."""

import json
import os
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from dvc.repo import Repo

from stages import collect_answers
from stages.core.encoding import model_files
from tests.support.dvc_in_process import stages_to_run
from tests.support.project import InProcess, Project
from tests.support.tiny import tiny_corpus, tiny_encoder

ROUND = ("score_entropy", "select_stageN", "summarise_scores", "buy_labels", "train_stageN")
AFTER_STAGE1 = [f"{name}@{stage}" for stage in ("stage2", "stage3") for name in ROUND]
RANDOM = ["train_random@stage1", "train_random@stage2", "train_random@stage3"]
ARM = "compare_arm@entropy"
END = ["calibrate", "report"]
PICKED = ["select_stage1", "buy_labels@stage1", "train_stage1", *AFTER_STAGE1, *RANDOM, *END]
STAGE1 = [*PICKED, ARM]
SCORED = [*AFTER_STAGE1, *RANDOM[1:], *END]
TRAINED = ["train_stage1", *AFTER_STAGE1, *RANDOM, ARM, "train_full", *END]
LAID_OUT = ["embed", "name_classes", "map", "reduce", "cluster", *STAGE1, "train_full"]
ALL = ["prepare", "collect_answers", "finetune_encoder", *LAID_OUT]
STAGE2, STAGE3, STAGE4 = ({f"stage{i}": {"after": f"stage{i - 1}", "m": 2}} for i in (2, 3, 4))
FOUR = ["stage1", "stage2", "stage3", "stage4"]

TABLE = {
    "n": ({"select_stage1": {"n": 4}}, STAGE1),
    "the first pick": ({"select_stage1": {"pick": "central"}}, PICKED),
    "m of stage3": (
        {"rounds": STAGE2 | {"stage3": {"after": "stage2", "m": 3}}},
        [*(f"{name}@stage3" for name in ROUND[1:]), "train_random@stage3", ARM, *END],
    ),
    "the later picks": ({"select_stageN": {"by": "bands"}}, [name for name in SCORED if name != "score_entropy@stage2"]),
    "the stopping rule": ({"sufficient": {"kappa": 0.5}}, [name for name in SCORED if name != "score_entropy@stage2"]),
    "clusters": ({"cluster": {"clusters": 5}}, ["cluster", *STAGE1]),
    "dimensions": ({"reduce": {"dimensions": 6}}, ["reduce", "cluster", *STAGE1]),
    "the map": ({"map": {"seed": 1}}, ["map", "report"]),
    "the data": ({"prepare": {"holdout_share": 0.5}}, [name for name in ALL if name != "finetune_encoder"]),
    "the tuning of the encoder": ({"finetune_encoder": {"learning_rate": 1e-4}}, ["finetune_encoder", *LAID_OUT]),
    "pairs at once in it": ({"finetune_encoder": {"pairs_at_once": 2}}, ["finetune_encoder", *LAID_OUT]),
    "pooling": ({"embed": {"pooling": "cls"}}, ["finetune_encoder", *LAID_OUT]),
    "lower case": ({"embed": {"lower_case": True}}, ["finetune_encoder", *LAID_OUT]),
    "the kind of numbers": ({"embed": {"dtype": "bfloat16"}}, LAID_OUT),
    # With train.names off, what name_classes makes stays the same.
    "words for classes": ({"labels": {"describe": {"neg": "a bad film"}}}, ["name_classes", *TRAINED]),
    "names": ({"train": {"names": "auto"}}, ["name_classes", *TRAINED]),
    "train": ({"train": {"learning_rate": 1e-4}}, TRAINED),
    "the learner": ({"train": {"trainer": "contrastive"}}, TRAINED),
    "train_full": ({"train_full": {"epochs": 2}}, ["train_full", *END]),
    "the seed of train_full": ({"train_full": {"seed": 1}}, ["train_full", *END]),
    "seeds": ({"seeds": [0, 1, 2]}, STAGE1),
    "a new round": (
        {"stages": FOUR, "rounds": STAGE2 | STAGE3 | STAGE4, "random_at": FOUR},
        ["collect_answers", *(f"{name}@stage4" for name in ROUND), "train_random@stage4", ARM, *END],
    ),
    "one round less": ({"stages": FOUR[:2], "rounds": STAGE2, "random_at": FOUR[:2]}, ["collect_answers", ARM, *END]),
    "nothing at random": ({"random_at": []}, [*END]),
    "another arm": ({"arms": ["entropy", "margin"]}, ["compare_arm@margin", *END]),
    "no arms": ({"arms": []}, [*END]),
    "what strategies are set by": ({"strategies": {"held_back": 0.5}}, STAGE1),
    "the score": ({"score_entropy": {"score": "margin"}}, [*SCORED, ARM]),
    "the machine": ({"machine": {"batch_tokens": 64, "engine": "ray"}}, []),
    "nothing": ({}, []),
}  # fmt: skip


@pytest.mark.parametrize("change", TABLE)
def test_a_change_runs_what_follows_from_it(finished, change):
    changes, expected = TABLE[change]
    params = finished.folder / "params.yaml"
    before = params.read_text()
    try:
        finished.change(changes)
        assert stages_to_run(finished.folder) == set(expected)
    finally:
        params.write_text(before)
        with chdir(finished.folder):
            collect_answers.main()  # which was asked by other params


CODE = {
    "stages/core/learners/probe.py": TRAINED,
    "stages/core/learners/contrastive.py": ["train_full", *END],  # train_final may be asked for either
    "stages/core/learners/finetune.py": ["train_full", *END],
    "stages/core/strategies/random.py": PICKED,  # select_stage1.pick
    "stages/core/strategies/entropy.py": [*SCORED, ARM],  # score_entropy.score, and the arm
    "stages/core/strategies/buckets.py": [name for name in SCORED if name != "score_entropy@stage2"],  # select_stageN.by
    "stages/core/strategies/margin.py": [],
    "stages/core/strategies/__init__.py": [*STAGE1],
    "stages/core/reporting/result_tables.py": ["report"],
    "stages/core/report_page/page.css": ["report"],
    "stages/core/sources/pairs.py": ALL,
    "stages/buy_labels.py": ["buy_labels@stage1", "train_stage1", *AFTER_STAGE1, *RANDOM[1:], *END],
    "stages/core/settings/rules.py": [],
    "stages/__init__.py": [],
}


@pytest.mark.parametrize("file", CODE)
def test_a_change_of_code_runs_the_stages_that_use_it(finished, file):
    path = finished.folder / file
    before = path.read_bytes()
    try:
        path.write_bytes(before + b"# as it was, otherwise\n")
        assert stages_to_run(finished.folder) == set(CODE[file])
    finally:
        path.write_bytes(before)


def test_what_is_no_python_file_is_no_code(finished):
    stages = finished.folder / "stages"
    made = [stages / "core/base/__pycache__/params.cpython-311.pyc", stages / "core/base/x.txt", stages / "core/arms/.hidden.py"]
    link = stages / ".#embed.py"  # an editor's lock on the file that it has open; it leads nowhere
    try:
        made[0].parent.mkdir(exist_ok=True)
        for file in made:
            file.write_bytes(b"anything")
        link.symlink_to("nobody@nowhere.1234:5678")
        assert stages_to_run(finished.folder) == set()
        new = stages / "core/base/new.py"
        made.append(new)
        new.write_bytes(b"")
        assert stages_to_run(finished.folder) == set(ALL)  # but every .py file of a room is
    finally:
        link.unlink()
        for file in made:
            file.unlink()


def test_the_label_of_a_row_runs_only_what_bought_it(copy_of_finished):
    project = copy_of_finished
    bought = {stage: np.load(project.folder / f"data/{stage}/labelled.npy") for stage in ("stage1", "stage2", "stage3")}
    nobodys = np.setdiff1d(np.arange(90), bought["stage3"])[0]

    correct_label_of(project, nobodys)
    assert project.repro("train_stageN@stage3") == [
        "prepare",
        "collect_answers",
        "buy_labels@stage1",
        "buy_labels@stage2",
        "buy_labels@stage3",
    ]
    assert stages_to_run(project.folder) == {*RANDOM, ARM, "train_full", *END}

    correct_label_of(project, nobodys)  # back to what it was
    correct_label_of(project, bought["stage1"][0, 0])
    labels = np.load(project.folder / "data/stage1/labels.npy")
    assert project.repro("train_stage1") == ["prepare", "collect_answers", "buy_labels@stage1", "train_stage1"]
    assert np.argwhere(np.load(project.folder / "data/stage1/labels.npy") != labels).tolist()[0] == [0, 0]
    assert stages_to_run(project.folder) == {*AFTER_STAGE1, *RANDOM, ARM, "train_full", *END}


def correct_label_of(project: Project, row: int) -> None:
    """Give the row of pool.jsonl the other class, in the source."""
    text = json.loads((project.folder / "data/pool.jsonl").read_text(encoding="utf-8").splitlines()[row])["text"]
    corpus = project.folder / "corpus.jsonl"
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    [found] = [each for each in rows if each["text"] == text]
    found["label"] = {"pos": "neg", "neg": "pos"}[found["label"]]
    corpus.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


@pytest.mark.exhaustive
def test_what_is_taken_out_of_params_leaves_nothing_that_a_clone_could_miss(copy_of_finished, tmp_path):
    project = copy_of_finished
    project.change({"stages": FOUR[:2], "rounds": STAGE2, "random_at": FOUR[:2], "arms": []})
    assert project.repro() == ["collect_answers", *END]
    results = {str(folder.relative_to(project.folder / "data/results")) for folder in project.folder.glob("data/results/*/*")}
    assert results == {
        "bucketed/stage1",
        "bucketed/stage2",
        "random/stage1",
        "random/stage2",
        "full/pool",
        "full/final",
        "names/names",
    }
    assert not (project.folder / "data/results/entropy").exists()
    assert not (project.folder / "metrics/bucketed/stage3.json").exists()

    project.dvc("remote", "add", "--default", "storage", str(tmp_path / "a remote"))
    project.dvc("push", "--quiet")
    project.commit("a round and an arm less")
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "a clöne"))
    clone = Project(tmp_path / "a clöne")
    clone.dvc("pull", "--quiet")
    with chdir(clone.folder), Repo(os.curdir) as repo:
        assert repo.status() == {"inputs": ["always changed"]}
    lock = (clone.folder / "dvc.lock").read_bytes()
    assert lock == (project.folder / "dvc.lock").read_bytes()
    assert clone.repro() == []
    assert (clone.folder / "dvc.lock").read_bytes() == lock
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_stages_wait_for_an_answer_one_after_another(copy_of_finished, monkeypatch):
    project = InProcess(copy_of_finished.folder)
    monkeypatch.chdir(project.folder)
    answers = np.load("data/answers.npy")
    answers[np.load("data/stage1/labelled.npy")[0, 0]] = -1
    os.unlink("data/answers.npy")
    np.save("data/answers.npy", answers)
    for stage in FOUR[:3]:
        shutil.rmtree(f"data/{stage}/models")  # as DVC does before a stage
    project.label_in_stages()
    for stage in FOUR[:3]:
        assert os.listdir(f"data/{stage}/models") == []
        assert np.load(f"data/results/bucketed/{stage}/holdout.npy").shape == (0, 30, 2)
        assert np.load(f"data/{stage}/labelled.npy").shape == (2, 12)  # nothing is chosen by a model that is not
    budgets = [json.loads(Path(f"data/budgets/{stage}.json").read_text()) for stage in FOUR[:3]]
    assert [(budget["ended_after"], budget["ended_because"]) for budget in budgets] == [
        (None, None), *[("stage1", "waiting for answers")] * 2
    ]  # fmt: skip
    project.call("report")
    assert Path("data/summary.md").read_text(encoding="utf-8").startswith("stage1 waits for 1 answers.\n")
    assert stages_to_run(project.folder) >= {"collect_answers"}  # which bring the answer back


def test_a_changed_corpus_runs_what_reads_it(copy_of_finished):
    project, corpus = copy_of_finished, copy_of_finished.folder / "corpus.jsonl"
    os.utime(corpus, (0, 0))
    assert stages_to_run(project.folder) == set()
    with corpus.open("a") as opened:
        opened.write('{"text": "a good end", "label": "pos"}\n')
    assert stages_to_run(project.folder) == {"prepare", "collect_answers", *LAID_OUT}
    assert project.repro("prepare") == ["prepare"]
    rows = sum(len((project.folder / "data" / name).read_text().splitlines()) for name in ("pool.jsonl", "holdout.jsonl"))
    assert rows == 121
    assert "prepare" not in stages_to_run(project.folder)


def test_a_changed_file_of_a_folder_runs_prepare_and_one_that_is_not_read_does_not(copy_of_finished):
    project = copy_of_finished
    texts = project.folder / "texts"
    texts.mkdir()
    for split, seed in (("train", 0), ("test", 1)):
        tiny_corpus(texts / f"{split}.jsonl", seed=seed)
    project.change({"prepare": {"dataset": "texts"}})
    assert project.repro("prepare") == ["prepare"]
    (texts / "notes.txt").write_text("nobody reads this")
    (texts / "extra.jsonl").write_text("nor this, since there is a train")
    os.utime(texts / "train.jsonl", (0, 0))
    assert "prepare" not in stages_to_run(project.folder)
    tiny_corpus(texts / "test.jsonl", rows=60, seed=1)
    assert project.repro("prepare") == ["prepare"]
    assert len((project.folder / "data/holdout.jsonl").read_text().splitlines()) == 60


def test_other_weights_under_the_same_path_run_what_encodes(copy_of_finished):
    project, model = copy_of_finished, copy_of_finished.folder / "encoder"
    for file in model.iterdir():
        os.utime(file, (0, 0))
    assert stages_to_run(project.folder) == set()
    tiny_encoder(model, seed=1)
    assert stages_to_run(project.folder) == {"finetune_encoder", *LAID_OUT}
    assert project.repro("embed") == ["finetune_encoder", "embed"]
    about = json.loads((project.folder / "data/embeddings/pool.json").read_text())
    assert about["model_sha256"] == model_files.fingerprint(str(model))
    assert stages_to_run(project.folder) == {*LAID_OUT} - {"embed"}
