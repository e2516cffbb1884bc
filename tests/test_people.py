"""People label: from texts without labels to the model, round by round, each stage called as DVC would."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.commands import answers as read_answers
from stages.commands import find, waiting
from stages.commands.labelling import Labelling
from stages.core.base import artifacts, keys
from stages.core.base.errors import Refused
from stages.core.people import asked, journal
from tests.conftest import InProcess
from tests.people import PEOPLE, Labelled


@pytest.fixture
def project(in_process) -> Labelled:
    """Nothing has been run since the labels were hidden; vectors lie in the side cache."""
    shutil.rmtree(in_process.folder / "data")
    labelled = Labelled(in_process.folder)
    labelled.change(PEOPLE)
    labelled.hide_labels()
    return labelled


def rows_of(stage: str) -> np.ndarray:
    return np.load(f"data/{stage}/labelled.npy", allow_pickle=False)


def said(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if not line.startswith("not committed: ")]


def test_from_no_label_to_the_model_round_by_round(project, capsys):
    project.ask()
    last = said(capsys)
    assert "labels/holdout.csv: 20 rows are asked for" in last
    assert "labels/stage1.csv: 12 rows are asked for" in last
    assert last[-3:] == [
        "holdout waits for 20 of 20 answers: make label, or fill in the csv",
        "stage1 waits for 12 of 12 answers: make label, or fill in the csv",
        "labels/ has changed since it was read: make repro goes on with what is new",
    ]
    project.repro()
    assert project.summary() == "stage1 waits for 12 answers.\n"
    proposed = rows_of("stage1")

    assert project.answer_all("holdout") == 20
    assert project.answer_all("stage1") == 12
    project.ask()
    assert "labels/stage2.csv: 8 rows are asked for" in said(capsys)
    assert (rows_of("stage1") == proposed).all()
    assert project.answer_all("stage2") == 8
    project.ask()
    assert project.answer_all("stage3") == 8
    project.repro()
    summary = project.summary()
    assert [line.split("|")[2].strip() for line in summary.splitlines() if line.startswith("| bucketed")][:3] == [
        "stage1", "stage2", "stage3"
    ]  # fmt: skip
    assert "waits" not in summary
    capsys.readouterr()
    waiting.main()
    assert said(capsys) == ["nothing waits: all that was asked for is answered"]
    assert rows_of("stage3").shape == (1, 28)
    labels = np.load("data/stage3/labels.npy")
    texts = artifacts.texts(artifacts.POOL)
    assert [["neg", "pos"][number] for number in labels[0]] == [project.truth[texts[row]] for row in rows_of("stage3")[0]]
