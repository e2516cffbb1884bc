"""People give texts several labels, in spreadsheets, from texts without labels to the report; each stage run by DVC."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from stages.commands import answers, ask, find, waiting
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal
from tests.pipeline.test_several import CLASSES, corpus
from tests.support.people import PEOPLE
from tests.support.project import Project

pytestmark = [pytest.mark.dvc, pytest.mark.slow]
BY_PEOPLE = PEOPLE | {"labels": {"from": "people", "kind": "multi", "classes": CLASSES, "alike": False}}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """`truth`: text -> names of its labels, in alphabetical order."""
    two = {"stages": ["stage1", "stage2"], "rounds": {"stage2": {"after": "stage1", "m": 3}}, "select_stage1": {"n": 6}}
    project = Project.tiny(tmp_path / "project", **BY_PEOPLE, **two)
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("PATH", project.environment()["PATH"])
    rows = [json.loads(line) for line in corpus(Path("corpus.jsonl")).read_text().splitlines()]
    project.truth = {row["text"]: row["labels"] for row in rows}
    write_corpus([{"text": text} for text in project.truth])
    return project


def write_corpus(rows: list[dict]) -> None:
    Path("corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def ask_next(project) -> None:
    ask.main(repro=lambda target: Project.repro(project, target))


def fill_in(project, name: str, form, own: dict[str, str]) -> Path:
    """Write labels into a round's table as a person does; `own`: other words for some keys."""
    file = asked.file_of(name)
    header, *rows = csv.reader(file.read_text(encoding="utf-8-sig").splitlines())
    for row in rows:
        row[header.index("label")] = own.get(row[0], form(project.truth[row[1]]))
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([header, *rows])
    return file


def joined(names: list[str]) -> str:
    return " ;".join(reversed(names)) or "-"


def written(names: list[str]) -> str:
    return "; ".join(names) or "-"


def test_rounds_are_answered_in_spreadsheets_and_models_learn_every_label(project, capsys):
    ask_next(project)
    hard, disputed, untold, *_ = asked.keys("stage1")
    answers.main(str(fill_in(project, "holdout", json.dumps, {})), "anna")
    answers.main(str(fill_in(project, "stage1", joined, {hard: "?", untold: ""})), "anna")
    state = Labelling()
    truth = {key: project.truth[text.text] for key, text in state.texts.items()}
    said = {key: answer.label for key, answer in journal.answers_of("anna").items()}
    expected = {key: written(truth[key]) for key in (*asked.keys("holdout"), *asked.keys("stage1"))} | {hard: "?"}
    assert said == {key: label for key, label in expected.items() if key != untold}
    assert {"-", "?"} < set(said.values())
    assert any(";" in label for label in said.values())
    assert state.open_keys("stage1") == [untold]

    other = "bad" if said[disputed] != "bad" else "good; music"
    lines = [f"{key},{said[key]}\n" for key in asked.keys("holdout")] + [f"{disputed},{other}\n"]
    Path("bob.csv").write_text("key,label\n" + "".join(lines), encoding="utf-8")
    answers.main("bob.csv", "bob")
    capsys.readouterr()
    waiting.main()
    output = capsys.readouterr().out
    assert "1 texts have different answers and are not used until decided answers them:" in output
    assert f"  {disputed}  anna {said[disputed]}, bob {other}  " in output
    Path("decided.csv").write_text(f"key,label\n{disputed},{joined(truth[disputed])}\n{untold},{joined(truth[untold])}\n")
    answers.main("decided.csv", "decided")
    ask_next(project)
    assert len(asked.keys("stage1")) == 25  # one more for the text that cannot be said
    answers.main(str(fill_in(project, "stage1", joined, dict.fromkeys((hard, disputed, untold), ""))), "anna")
    ask_next(project)
    find.main(of_class="music", stage="stage2", most="2")
    assert len(asked.keys("stage2")) == 12 + 2
    answers.main(str(fill_in(project, "stage2", joined, {})), "anna")
    project.repro()

    codes = {name: number for number, name in enumerate(CLASSES)}
    known = np.load("data/answers.npy", allow_pickle=False)
    assert (known.dtype, known.shape) == (np.int8, (140, 3))
    answered = {*asked.keys("stage1"), *asked.keys("stage2")}
    for key, row in zip(state.pool_keys(), known.tolist(), strict=True):
        own = [int(name in truth[key]) for name in codes]
        assert row == ([-2] * 3 if key == hard else own if key in answered else [-1] * 3)
    holdout = np.load("data/holdout_labels.npy", allow_pickle=False)
    results = np.load("data/results/bucketed/stage2/holdout.npy", allow_pickle=False)
    assert results.shape == (1, 20, 3)
    assert ((results[0] >= 0.5) == holdout).mean() > 0.6
    assert any(Path("data/stage2/models").iterdir())
    agreement = artifacts.load_json(Path("metrics/agreement.json"))
    assert (agreement["annotators"], agreement["texts"]) == (2, 21)
    assert agreement["agreement"] == pytest.approx(20 / 21, abs=1e-4)
    assert 0.9 < agreement["krippendorff_alpha"] < 1
    summary, page = (Path(f"data/{name}").read_text(encoding="utf-8") for name in ("summary.md", "report.html"))
    assert "| Krippendorff's alpha |" in " ".join(summary.split())
    assert "xact match 0.9" in summary
    assert "Krippendorff" in page
    capsys.readouterr()
    waiting.main()
    assert "waits for" not in capsys.readouterr().out


def test_labels_that_the_data_set_has_count_and_names_that_cannot_be_are_refused(project, capsys):
    """A blank cell is open, "-" is none of them; there is no holdout."""
    some = list(project.truth)[:40]
    write_corpus([{"text": text, "label": written(project.truth[text]) if text in some else ""} for text in project.truth])
    project.change({"prepare": {"holdout_rows": 0}})
    output = project.dvc("repro").output
    assert "texts may have several labels: 1.07 each" in output
    known = np.load("data/answers.npy", allow_pickle=False)
    pool = artifacts.texts(paths.POOL)
    rows = [[int(name in project.truth[text]) for name in CLASSES] if text in some else [-1] * 3 for text in pool]
    assert known.tolist() == rows
    assert len(np.load("data/asked/prelabelled.npy", allow_pickle=False)) == 40
    ask_next(project)
    answers.main(str(fill_in(project, "stage1", joined, {})), "anna")
    project.repro()
    assert "No row is held out, so exact match is not measured." in Path("data/summary.md").read_text(encoding="utf-8")

    before = sorted(Path("labels").rglob("*.csv"))
    open_text = next(text for text in project.truth if text not in some)
    for cell, message in (
        ("good; musik", r"row 1: label = musik, which is no class; .*music"),
        ("good; ?", r"row 1: label = \?, which is no class"),
        ("-; good", r"row 1: label = -, which is no class"),
        (" ; ", r"row 1: label = , which is no class"),
    ):
        Path("wrong.csv").write_text(f"text,label\n{open_text},{cell}\n", encoding="utf-8")
        with pytest.raises(Refused, match=rf"wrong.csv, {message}.*; nothing was read"):
            answers.main("wrong.csv", "anna")
    assert sorted(Path("labels").rglob("*.csv")) == before
    project.change({"labels": {"classes": [*CLASSES, "a; b"]}})
    assert "class 'a; b': written down, it cannot be told from several names" in project.dvc("repro", "prepare", check=False).output
