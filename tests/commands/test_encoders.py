"""`make encoders`: encoders side by side on the texts of a project."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stages.commands import encoders
from stages.core.base import paths
from stages.core.base.errors import Refused
from stages.core.rows import results


@pytest.fixture
def project(clustered, tmp_path, monkeypatch):
    """A tiny project with buckets, and beside it the folder `deaf`: its encoder, to which all words are the same."""
    project = clustered.entered(tmp_path / "a projéct", monkeypatch)
    own = Path(project.params()["embed"]["model"])
    shutil.copytree(own, "deaf")
    weights = load_file("deaf/model.safetensors")
    words = next(name for name in weights if name.endswith("word_embeddings.weight"))
    save_file(weights | {words: torch.zeros_like(weights[words])}, "deaf/model.safetensors", {"format": "pt"})
    return project


@pytest.mark.slow
def test_labelled_rows_that_are_left_out_decide_and_a_stopped_run_goes_on_from_the_cache(project, capsys, monkeypatch):
    own = project.params()["embed"]["model"]
    project.label_in_stages()
    for stage in ("stage1", "stage2", "stage3"):
        project.call("train_random", stage)
    capsys.readouterr()
    before = sorted(file for file in Path().rglob("*") if ".gleaner" not in file.parts)
    encoders.main(f"deaf ./deaf/ '{Path('deaf').resolve()}' nowhere/at-all")
    printed = capsys.readouterr().out
    assert "nowhere/at-all is left out: params.yaml: embed.model = nowhere/at-all: not a local folder and not loaded" in printed
    lines = [line for line in printed.splitlines() if line.startswith("| ") and "[" in line]
    assert [line.split("|")[1].strip() for line in lines] == [own, "deaf"]
    files = [file for arm in ("bucketed", "random") for file in (results.ROOT / arm).glob("*/labelled.npy")]
    labelled = len(np.unique(np.concatenate([np.load(file).ravel() for file in files])))
    assert f"Accuracy on {labelled} labelled rows" in printed
    assert printed.endswith(f"for params.yaml, section embed:  model: {own}\n")
    assert sorted(file for file in Path().rglob("*") if ".gleaner" not in file.parts) == before

    asked = []
    monkeypatch.setattr(encoders.stage.shards, "run", lambda *all_of_it: asked.append(1) or iter(()))
    encoders.main("deaf")
    assert asked == []  # every vector was in the side cache


@pytest.mark.slow
def test_labels_of_another_pool_are_refused_and_rows_that_cannot_be_left_out_are_not_counted(project, capsys):
    project.label_in_stages()
    project.change({"random_at": []})
    answers = np.load(paths.ANSWERS)
    np.save(paths.ANSWERS, 1 - answers)
    with pytest.raises(Refused, match=r"data/results/bucketed/stage1 has other labels than the pool has now; run `dvc repro`"):
        encoders.main("deaf")
    np.save(paths.ANSWERS, answers)
    for stage in ("stage1", "stage2", "stage3"):
        bought = np.load(f"data/results/bucketed/{stage}/labels.npy")
        bought[bought == 1] = -2  # no class: too few rows are left
        np.save(f"data/results/bucketed/{stage}/labels.npy", bought)
    with pytest.raises(Refused, match=r"no encoder could be tried; the reasons stand above"):
        encoders.main("deaf")
    assert "deaf is left out: labelled rows are too few or of one class, and classes have no names" in capsys.readouterr().out
    lines = paths.POOL.read_text(encoding="utf-8").splitlines(keepends=True)
    paths.POOL.write_text("".join(lines[::-1]), encoding="utf-8")
    with pytest.raises(Refused, match=r"embeddings"):
        encoders.main("deaf")


def test_without_labels_names_of_the_classes_stand_in(project, capsys):
    with pytest.raises(Refused, match=r"fewer than 20 rows are labelled and classes have no names"):
        encoders.main("deaf")  # the tiny project has train.names off
    project.change({"train": {"names": "auto"}, "labels": {"describe": {"neg": "bad film", "pos": "good film"}}})
    encoders.main("deaf")
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("| ") and "most tokens" not in line]
    assert [line.split("|")[1].strip() for line in lines][-1] == "deaf"
    assert "Fewer than 20 labelled rows could be left out. Agreement is Cohen's kappa" in printed


def test_bad_input_is_one_line_and_the_others_go_on(project, capsys):
    with pytest.raises(Refused, match=r"NAMES= is empty"):
        encoders.main("")
    project.change({"train": {"names": "auto"}, "labels": {"describe": {"neg": "bad film", "pos": "good film"}}})
    with pytest.raises(Refused, match=r"NAMES=it's: No closing quotation; close the quote"):
        encoders.main("it's")
    project.change({"train": {"names": "auto"}, "labels": {"describe": {"neg": "bad film", "pos": "good film"}}})
    tokenizer = json.loads(Path("deaf/tokenizer.json").read_text())
    known = {word: number for word, number in tokenizer["model"]["vocab"].items() if number < 5}  # special tokens alone
    tokenizer["model"]["vocab"] = known
    Path("deaf/tokenizer.json").write_text(json.dumps(tokenizer))
    shutil.copytree("deaf", "broken")
    weights = load_file("broken/model.safetensors")
    save_file(
        {name: torch.full_like(each, torch.nan) for name, each in weights.items()}, "broken/model.safetensors", {"format": "pt"}
    )
    encoders.main("deaf broken")
    printed = capsys.readouterr().out
    assert "deaf is left out: labelled rows are too few or of one class, and classes have no names that it knows" in printed
    assert "broken is left out: its vectors are not finite, or the same for every text" in printed
    project.change({"labels": {"describe": {"neg": False}}})
    with pytest.raises(Refused, match=r"labels.describe.neg = False: must be words \(in quotes where YAML reads"):
        encoders.main("deaf")
    project.change({"labels": {"describe": {"neg": "bad film"}}})
    paths.POOL.unlink()
    with pytest.raises(Refused, match=r"data/pool.jsonl is missing, so there are no texts to try"):
        encoders.main("deaf")
