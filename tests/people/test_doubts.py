"""`make doubts` lists the answers that a model which has not seen them finds least likely."""

import csv
from pathlib import Path

import numpy as np
import pytest

from stages.commands import answers as read_answers
from stages.commands import doubts, waiting
from stages.core import task
from stages.core.base.errors import Refused
from stages.core.people import label_errors
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal
from tests.support.people import OTHER, Labelled


@pytest.fixture(scope="module")
def answered(unlabelled, tmp_path_factory) -> Labelled:
    """An annotator has answered forty texts of the pool, four of them wrongly; nothing was asked."""
    with pytest.MonkeyPatch.context() as patch:
        project = unlabelled.entered(tmp_path_factory.mktemp("answered") / "a projéct", patch)
        project.repro("embed")
        state = Labelling()
        some = state.pool_keys()[:40]
        truth = {key: project.truth[state.texts[key].text] for key in some}
        journal.append("anna", [(key, OTHER[truth[key]] if key in some[::10] else truth[key]) for key in some])
    return project


@pytest.fixture
def project(answered, tmp_path, monkeypatch) -> Labelled:
    """A copy of `answered`, in which this process is; one division into folds is enough for most tests."""
    monkeypatch.setattr(label_errors, "REPEATS", 1)
    return answered.entered(tmp_path / "a projéct", monkeypatch)


def wrong(project: Labelled) -> set[str]:
    texts = Labelling().texts
    return {key for key, label in project.answered().items() if label == OTHER[project.truth[texts[key].text]]}


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(f"tasks/{name}.csv").read_text(encoding="utf-8-sig").splitlines()))


@pytest.mark.slow
def test_wrong_answers_are_listed_and_corrected_through_the_table(project, capsys, monkeypatch):
    monkeypatch.undo()  # all divisions, as a user has them
    monkeypatch.chdir(project.folder)
    flipped = wrong(project)
    assert len(flipped) == 4
    doubts.main()
    rows = table("doubts")
    assert len(rows) == 10  # a tenth would be fewer than the least that is listed
    assert {row["key"] for row in rows} >= flipped
    assert rows[0]["key"] in flipped
    for row in rows:
        truth = project.truth[row["text"]]
        assert row["said"] == f"anna {OTHER[truth] if row['key'] in flipped else truth}"
        row["label"] = truth if row["key"] in flipped else ""
    assert [float(row["probability"]) for row in rows] == sorted(float(row["probability"]) for row in rows)
    assert "tasks/doubts.csv: 10 doubts" in capsys.readouterr().out

    with Path("tasks/doubts.csv").open("w", newline="", encoding="utf-8") as file:
        written = csv.DictWriter(file, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    read_answers.main("tasks/doubts.csv", "decided")
    state = Labelling()
    now = state.resolved().labels
    assert all(now[key] == project.truth[text.text] for key, text in state.texts.items() if key in now)
    doubts.main("40")
    assert len(table("doubts")) == 36
    assert not {row["key"] for row in table("doubts")} & flipped


@pytest.mark.slow
def test_the_list_is_reproducible_and_without_holdout_skipped_and_confirmed_answers(project):
    in_holdout = next(text.key for text in Labelling().texts.values() if text.in_holdout)
    confirmed, skipped, *_ = mine = list(project.answered())
    journal.append("anna", [(in_holdout, "pos"), (skipped, "?"), (confirmed, project.answered()[confirmed])])
    lists = []
    for _ in range(2):
        doubts.main("1000")
        lists.append(Path("tasks/doubts.csv").read_bytes())
        Path("tasks/doubts.csv").unlink()
    assert lists[0] == lists[1]
    assert {line.split(",")[0] for line in lists[0].decode("utf-8-sig").splitlines()[1:]} == set(mine[2:])


def test_all_conflicts_are_listed(project):
    mine, flipped = project.answered(), wrong(project)
    journal.append("bob", [(key, OTHER[label] if key in flipped else label) for key, label in list(mine.items())[:20]])
    state = Labelling()
    assert "  and" not in "".join(waiting.in_conflict(state, state.resolved()))
    doubts.main()
    assert {row["key"] for row in table("conflicts")} == set(list(mine)[:20]) & flipped
    assert {row["said"] for row in table("conflicts")} <= {"anna pos, bob neg", "anna neg, bob pos"}
    journal.append("bob", [(key, OTHER[label]) for key, label in list(mine.items())[20:28]])
    assert any(line.endswith("more: make doubts lists all") for line in waiting.in_conflict(state, state.resolved()))


@pytest.mark.slow
def test_where_texts_have_several_labels_a_doubt_is_one_label_that_is_wrong_or_missing(unlabelled, tmp_path, monkeypatch):
    project = unlabelled.entered(tmp_path / "a projéct", monkeypatch)
    project.change({"labels": {"kind": "multi"}})
    project.repro("embed")
    state = Labelling()
    some = state.pool_keys()[:40]
    truth = {key: project.truth[state.texts[key].text] for key in some}
    wrong, missing = some[:20:10], some[20::10]
    planted = dict.fromkeys(wrong, "neg; pos") | dict.fromkeys(missing, "-")
    journal.append("anna", [(key, planted.get(key, truth[key])) for key in some])
    journal.append("bob", [(some[1], "?"), (some[5], OTHER[truth[some[5]]])])  # a conflict is no doubt
    doubts.main("1000")
    rows = table("doubts")
    assert {row["key"] for row in rows} == set(some) - {some[5]}
    assert len({row["key"] for row in rows[:10]} & planted.keys()) >= 3
    likelier = {row["key"]: row["likelier"] for row in rows}
    assert {key: likelier[key] for key in planted} == {key: truth[key] for key in planted}
    for row in rows:  # one label is set or taken back
        now = {name for name in ("neg", "pos") if name in planted.get(row["key"], truth[row["key"]])}
        assert len(now ^ ({"neg", "pos"} & set(row["likelier"].split("; ")))) == 1, row
    assert [float(row["probability"]) for row in rows] == sorted(float(row["probability"]) for row in rows)
    assert [row["said"] for row in table("conflicts")] == [f"anna {truth[some[5]]}, bob {OTHER[truth[some[5]]]}"]


def test_a_label_with_one_text_is_not_doubted_and_others_are_judged_by_models_not_trained_on_the_text():
    rng = np.random.default_rng(0)
    labels = (rng.random((60, 3)) < [0.5, 0.3, 0]).astype(np.int8)
    labels[0] = [1, 0, 1]  # the only text with the third label
    vectors = (labels @ rng.normal(size=(3, 8)) + rng.normal(size=(60, 8)) / 10).astype(np.float32)
    given = labels.copy()
    given[[5, 6], 0] = 1 - given[[5, 6], 0]
    probabilities = label_errors.judged(vectors, given, 3, seed=0)
    own, likelier = task.MULTI.doubted(probabilities, given)
    assert set(np.argsort(own)[:2]) == {5, 6}
    assert (likelier[[5, 6]] == labels[[5, 6]]).all()
    assert np.isnan(own[0])
    assert (np.abs(likelier - given).sum(1) == 1)[1:].all()
    nobody = np.array([[1, 0, 0]] * 5 + [[0, 0, 0]] * 5, np.int8)  # has the second label
    own, likelier = task.MULTI.doubted(label_errors.judged(vectors[:10], nobody, 3, seed=0), nobody)
    assert (likelier[:, 1:] == 0).all()


def test_too_few_answers_and_a_wrong_number_are_refused(project):
    with pytest.raises(Refused, match=r"MOST=all: possible: a number from 1 to 999999"):
        doubts.main("all")
    journal.append("anna", [(key, "?") for key in list(project.answered())[9:]])
    with pytest.raises(Refused, match=r"9 answers of 2 classes, possible: 10 or more, of 2 or more; label more first"):
        doubts.main()


def test_each_row_is_judged_by_models_not_trained_on_it_and_a_lone_row_by_none():
    labels = np.array([0, 0, 0, 1, 1, 2])
    divisions = []

    def predict(trained, asked):
        assert 5 in trained
        assert not set(trained) & set(asked)
        assert len(set(trained) | set(asked)) == 6
        divisions.append(tuple(asked))
        return np.stack([[row, 1, 0] for row in asked])

    probabilities = label_errors.out_of_fold(predict, labels, 3, seed=0)
    assert probabilities[:5, :2].tolist() == [[row, 1] for row in range(5)]
    assert np.isnan(probabilities[5]).all()
    assert len(divisions) == 5 * 3  # three rows of a class make three folds
    assert len(set(divisions)) > 3
    assert np.isnan(label_errors.out_of_fold(predict, np.arange(3), 3, seed=0)).all()


def test_the_same_answer_twice_in_a_row_confirms_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two, three, four = [f"t{number:024}" for number in range(4)]
    journal.append("anna", [(one, "pos"), (two, "pos"), (three, "pos"), (one, "pos"), (two, "neg"), (three, "pos"), (three, "neg")])
    journal.append("anna", [(four, ""), (four, "")])
    journal.append("bob", [(one, "neg"), (two, "old"), (two, "new")])
    assert label_errors.confirmed(str) == {one}
    assert label_errors.confirmed(lambda label: {"old": "new"}.get(label, label)) == {one, two}
