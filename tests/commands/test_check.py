"""`make check DATA=path`: what prepare finds in a data set, without writing anything."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages import prepare
from stages.commands import check
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from tests.support.project import ROOT, Project
from tests.support.tiny import tiny_corpus


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """A folder with params.yaml, which asks for 8 labels from 4 clusters, and a corpus; this process is in it."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    project = Project(tmp_path)
    project.change({"cluster": {"clusters": 4}, "select_stage1": {"n": 2}, "rounds": {}, "stages": ["stage1"]})
    project.change({"random_at": ["stage1"], "prepare": {"holdout_share": 0.25, "holdout_seed": 184}})
    tiny_corpus(tmp_path / "corpus.jsonl")
    monkeypatch.chdir(tmp_path)
    return project


def test_it_prints_what_prepare_would_and_writes_nothing(project, capsys):
    rows = [json.loads(line) for line in Path("corpus.jsonl").read_text().splitlines()]
    rows += [rows[0], {"text": "good film", "label": "pos"}, {"text": "Good film ", "label": "neg"}]
    Path("corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = sorted(Path().rglob("*"))
    check.main("corpus.jsonl")
    first, *found, last = capsys.readouterr().out.splitlines()
    assert first.startswith("params.yaml: ")
    assert "90 rows" in "".join(found)
    assert last == "corpus.jsonl can be used, and nothing was written: set prepare.dataset to it"
    assert sorted(Path().rglob("*")) == before
    assert project.params()["prepare"]["dataset"] == "rotten_tomatoes"

    project.change({"prepare": {"dataset": "corpus.jsonl"}})
    prepare.main()
    assert capsys.readouterr().out.splitlines() == found
    assert len(artifacts.texts(paths.POOL)) == 90


def test_a_rule_that_can_never_end_labelling_is_reported(project, capsys):
    project.change({"sufficient": {"rule": "agreement"}})
    check.main()
    assert "it takes 5 stages, the last of which is then left out, and stages has 1; add rounds" in capsys.readouterr().out
    project.change({"sufficient": {"rule": "none"}})
    check.main()
    assert "stages has 1" not in capsys.readouterr().out


def test_it_prints_the_phrases_of_the_classes_and_which_are_alike(clustered, tmp_path, monkeypatch, capsys):
    project = clustered.entered(tmp_path / "a projéct", monkeypatch)
    check.main()
    assert "neg" not in capsys.readouterr().out  # names are off
    project.change({"train": {"names": "auto"}, "labels": {"describe": {"neg": ["awful film", "lovely"], "pos": "the awful film"}}})
    check.main()
    shown = capsys.readouterr().out
    assert "  neg: awful film; lovely\n  pos: the awful film\n" in shown
    assert "'awful film' and 'the awful film' are nearly the same to encoder; say how they differ" in shown
    monkeypatch.setenv("BRIEF", "1")  # as make sets it on the way to another command
    check.main()
    assert capsys.readouterr().out.count("\n") == 1


def test_check_refuses_what_prepare_refuses_and_a_pool_smaller_than_the_budget(project):
    with pytest.raises(Refused, match=r"prepare.dataset = nowhere.csv: "):
        check.main("nowhere.csv")
    project.change({"select_stage1": {"n": 23}})
    with pytest.raises(Refused, match=r"ask for 92 labels from 4 clusters, but the pool has 90 rows"):
        check.main("corpus.jsonl")
    project.change({"prepare": {"text_column": "body"}})
    with pytest.raises(Refused, match=r"prepare.text_column = body: no such column; possible: text, label"):
        check.main("corpus.jsonl")
    with pytest.raises(Refused, match=r"2 data sets given, one is possible"):
        check.main("corpus.jsonl", "corpus.jsonl")


def test_the_pool_of_another_data_set_does_not_count(project, capsys):
    Path("data").mkdir()
    paths.POOL.touch()
    Path("data/prepare.json").write_text('{"pool_rows": 3}')
    with pytest.raises(Refused, match=r"the pool has 3 rows"):
        check.main()
    check.main("corpus.jsonl")
    assert "90 rows" in capsys.readouterr().out


def make_check(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess:
    command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/installed", "check", *words]
    environment = {**Project.environment(), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_make_passes_any_path_on_even_with_pythonsafepath(project):
    (project.folder / "stages").symlink_to(ROOT / "stages")
    os.rename("corpus.jsonl", "a $(corpus) 'of' \"1\".jsonl")
    done = make_check(project.folder, "DATA=a $$(corpus) 'of' \"1\".jsonl", PYTHONSAFEPATH="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a $(corpus) 'of' \"1\".jsonl can be used" in done.stdout
    # A variable of the shell that happens to have this name is none of ours.
    assert make_check(project.folder, DATA="nowhere.csv").stdout.count("\n") == 1


def test_without_make_pythonsafepath_hides_the_stages(project):
    (project.folder / "stages").symlink_to(ROOT / "stages")
    command = [sys.executable, "-m", "stages", "check"]
    done = subprocess.run(command, env={**os.environ, "PYTHONSAFEPATH": "1"}, capture_output=True, text=True)
    assert done.stderr.endswith("No module named stages\n")  # which docs/faults.md explains
    assert done.stderr.count("\n") == 1
