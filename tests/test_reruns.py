"""Which stages run again after a change of params, or of what stands behind a name in them: asked of real DVC."""

import json
import os
from contextlib import chdir

import networkx
import pytest
from dvc.repo import Repo

from stages import inputs
from stages.core import encoder
from tests.tiny import tiny_corpus, tiny_encoder

AFTER_STAGE1 = [
    *("score_entropy@stage2", "select_stageN@stage2", "train_stageN@stage2"),
    *("score_entropy@stage3", "select_stageN@stage3", "train_stageN@stage3"),
]
RANDOM = ["train_random@stage1", "train_random@stage2", "train_random@stage3"]
ARM = "compare_arm@entropy"
STAGE1 = ["select_stage1", "train_stage1", *AFTER_STAGE1, *RANDOM, ARM, "report"]

TABLE = {
    "n": ({"select_stage1": {"n": 4}}, STAGE1),
    "m of stage3": (
        {"rounds": {"stage2": {"after": "stage1", "m": 2}, "stage3": {"after": "stage2", "m": 3}}},
        ["select_stageN@stage3", "train_stageN@stage3", "train_random@stage3", ARM, "report"],
    ),
    "clusters": ({"cluster": {"clusters": 5}}, ["cluster", *STAGE1]),
    "dimensions": ({"reduce": {"dimensions": 6}}, ["reduce", "cluster", *STAGE1]),
    "the tuning of the encoder": (
        {"finetune_encoder": {"learning_rate": 1e-4}},
        ["finetune_encoder", "embed", "reduce", "cluster", *STAGE1, "train_full"],
    ),
    "pooling": ({"embed": {"pooling": "cls"}}, ["finetune_encoder", "embed", "reduce", "cluster", *STAGE1, "train_full"]),
    "train": ({"train": {"learning_rate": 1e-4}}, ["train_stage1", *AFTER_STAGE1, *RANDOM, ARM, "train_full", "report"]),
    "train_full": ({"train_full": {"epochs": 2}}, ["train_full", "report"]),
    "a new round": (
        {
            "rounds": {
                "stage2": {"after": "stage1", "m": 2},
                "stage3": {"after": "stage2", "m": 2},
                "stage4": {"after": "stage3", "m": 2},
            },
            "random_at": ["stage1", "stage2", "stage3", "stage4"],
        },
        ["score_entropy@stage4", "select_stageN@stage4", "train_stageN@stage4", "train_random@stage4", ARM, "report"],
    ),
    "another arm": ({"arms": ["entropy", "margin"]}, ["compare_arm@margin", "report"]),
    "no arms": ({"arms": []}, ["report"]),
    "compare_arm": ({"compare_arm": {"held_back": 0.5}}, [ARM, "report"]),
    "the score": ({"score_entropy": {"score": "margin"}}, [*AFTER_STAGE1, *RANDOM[1:], ARM, "report"]),
    "nothing": ({}, []),
}


def stages_to_run(folder) -> set[str]:
    """Stages that DVC finds changed, and all that follow from them.

    The stage inputs runs in every `dvc repro`, so it does here; what follows from it is told by the files that it writes.
    """
    with chdir(folder):
        inputs.main()
    with chdir(folder), Repo(os.curdir) as repo:
        changed = {name.removeprefix("dvc.yaml:") for name in repo.status()} - {"inputs"}
        graph = networkx.relabel_nodes(repo.index.graph, {stage: stage.addressing for stage in repo.index.graph})
        return changed | {before for name in changed for before in networkx.ancestors(graph, name)}


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


OF_VECTORS = ["embed", "reduce", "cluster", *STAGE1, "train_full"]


def test_a_changed_corpus_runs_what_reads_it(copy_of_finished):
    project, corpus = copy_of_finished, copy_of_finished.folder / "corpus.jsonl"
    os.utime(corpus, (0, 0))
    assert stages_to_run(project.folder) == set()
    with corpus.open("a") as opened:
        opened.write('{"text": "a good end", "label": "pos"}\n')
    assert stages_to_run(project.folder) == {"prepare", *OF_VECTORS}
    assert project.repro("prepare") == ["prepare"]
    rows = sum(len((project.folder / "data" / name).read_text().splitlines()) for name in ("pool.jsonl", "test.jsonl"))
    assert rows == 121
    assert project.repro("prepare") == []


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
    assert project.repro("prepare") == []
    tiny_corpus(texts / "test.jsonl", rows=60, seed=1)
    assert project.repro("prepare") == ["prepare"]
    assert len((project.folder / "data/test.jsonl").read_text().splitlines()) == 60


def test_other_weights_under_the_same_path_run_what_encodes(copy_of_finished):
    project, model = copy_of_finished, copy_of_finished.folder / "encoder"
    for file in model.iterdir():
        os.utime(file, (0, 0))
    assert stages_to_run(project.folder) == set()
    tiny_encoder(model, seed=1)
    assert stages_to_run(project.folder) == {"finetune_encoder", *OF_VECTORS}
    assert project.repro("embed") == ["finetune_encoder", "embed"]
    about = json.loads((project.folder / "data/embeddings.json").read_text())
    assert about["model_sha256"] == encoder.fingerprint(str(model))
    assert stages_to_run(project.folder) == {*OF_VECTORS} - {"embed"}
