"""`make doubts` lists the answers that a model which did not see them finds least likely."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.commands import answers as read_answers
from stages.commands import doubts, waiting
from stages.core.base.errors import Refused
from stages.core.people import label_errors
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal
from tests.support.people import OTHER, Labelled


@pytest.fixture
def project(in_process) -> Labelled:
    """A person has answered forty texts of the pool, four of them wrongly; nothing was asked."""
    project = Labelled.of(in_process)
    project.repro("embed")
    state = Labelling()
    some = [text for text in state.texts.values() if not text.in_holdout][:40]
    project.wrong = {text.key for text in some[::10]}
    for text in some:
        label = project.truth[text.text]
        journal.append("anna", [(text.key, OTHER[label] if text.key in project.wrong else label)])
    return project


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(f"tasks/{name}.csv").read_text(encoding="utf-8-sig").splitlines()))


@pytest.mark.slow
def test_answers_that_were_flipped_are_listed_and_are_mended_by_the_table(project, capsys):
    doubts.main()
    rows = table("doubts")
    assert len(rows) == 10  # a tenth is fewer than the least that is listed
    assert {row["key"] for row in rows} >= project.wrong
    assert rows[0]["key"] in project.wrong
    state = Labelling()
    for row in rows:
        truth = project.truth[row["text"]]
        assert row["said"] == f"anna {OTHER[truth] if row['key'] in project.wrong else truth}"
        row["label"] = truth if row["key"] in project.wrong else ""
    assert [float(row["probability"]) for row in rows] == sorted(float(row["probability"]) for row in rows)
    assert "tasks/doubts.csv: 10 doubts" in capsys.readouterr().out

    with Path("tasks/doubts.csv").open("w", newline="", encoding="utf-8") as file:
        written = csv.DictWriter(file, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    read_answers.main("tasks/doubts.csv", "decided")
    now = Labelling().resolved()
    assert all(now.labels[key] == project.truth[text.text] for key, text in state.texts.items() if key in now.labels)
    doubts.main("40")
    assert len(table("doubts")) == 36
    assert not {row["key"] for row in table("doubts")} & project.wrong


@pytest.mark.slow
def test_the_list_is_the_same_each_time_and_leaves_the_holdout_and_what_cannot_be_said_out(project, capsys):
    state = Labelling()
    held = next(text.key for text in state.texts.values() if text.in_holdout)
    unsure = next(iter(sorted(project.wrong)))
    journal.append("anna", [(held, "pos"), (unsure, "?")])
    doubts.main("1000")
    before = Path("tasks/doubts.csv").read_bytes()
    assert len(table("doubts")) == 39
    assert not {held, unsure} & {row["key"] for row in table("doubts")}
    shutil.rmtree("tasks")
    doubts.main("1000")
    assert Path("tasks/doubts.csv").read_bytes() == before


def test_all_conflicts_are_listed(project, capsys):
    mine = project.answered()
    journal.append("bob", [(key, OTHER[label] if key in project.wrong else label) for key, label in list(mine.items())[:20]])
    said = waiting.in_conflict(Labelling(), Labelling().resolved())
    assert "  and" not in "".join(said)
    doubts.main()
    assert {row["key"] for row in table("conflicts")} == set(list(mine)[:20]) & project.wrong
    assert {row["said"] for row in table("conflicts")} <= {"anna pos, bob neg", "anna neg, bob pos"}
    journal.append("bob", [(key, OTHER[label]) for key, label in list(mine.items())[20:28]])
    said = waiting.in_conflict(Labelling(), Labelling().resolved())
    assert any(line.endswith("more: make doubts lists all") for line in said)


def test_too_few_answers_and_other_words_are_refused(project):
    with pytest.raises(Refused, match=r"MOST=all: possible: a number from 1 to 999999"):
        doubts.main("all")
    for key in list(project.answered())[9:]:
        journal.append("anna", [(key, "?")])
    with pytest.raises(Refused, match=r"9 answers of 2 classes, possible: 10 or more, of 2 or more; label more first"):
        doubts.main()


def test_each_row_is_judged_by_models_that_did_not_see_it_and_what_is_alone_by_none():
    labels = np.array([0, 0, 0, 1, 1, 2])
    divisions = []

    def predict(trained, asked_of):
        assert 5 in trained
        assert not set(trained) & set(asked_of)
        assert len(set(trained) | set(asked_of)) == 6
        divisions.append(tuple(asked_of))
        return np.stack([[row, 1, 0] for row in asked_of])

    said = label_errors.out_of_fold(predict, labels, 3, seed=0)
    assert said[:5, :2].tolist() == [[row, 1] for row in range(5)]
    assert np.isnan(said[5]).all()
    assert len(divisions) == 5 * 3  # three rows of a class make three folds
    assert len(set(divisions)) > 3
    assert np.isnan(label_errors.out_of_fold(predict, np.arange(3), 3, seed=0)).all()


def test_what_somebody_answered_alike_twice_in_a_row_is_meant(project):
    one, two, three, four = [f"t{number:024}" for number in range(4)]
    journal.append("anna", [(one, "pos"), (two, "pos"), (three, "pos"), (one, "pos"), (two, "neg"), (three, "pos"), (three, "neg")])
    journal.append("anna", [(four, ""), (four, "")])
    journal.append("bob", [(one, "neg"), (two, "old")])
    journal.append("bob", [(two, "new")])
    assert label_errors.confirmed({}) == {one}
    assert label_errors.confirmed({"old": "new"}) == {one, two}


@pytest.mark.slow
def test_what_was_answered_again_is_not_listed_again(project):
    doubts.main("40")
    first = table("doubts")[0]
    journal.append("anna", [(first["key"], first["said"].removeprefix("anna "))])
    doubts.main("40")
    assert {row["key"] for row in table("doubts")} == project.answered().keys() - {first["key"]}
