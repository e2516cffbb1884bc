"""People label: from texts without labels to the model, round by round, with each stage called as DVC would."""

import csv
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gleaner import load
from stages.commands import answers as read_answers
from stages.commands import ask, doubts, find, waiting
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal, second_copy
from stages.core.rows import rounds
from tests.support.people import OTHER, next_open
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

STAGES = ("stage1", "stage2", "stage3")
OPEN = "{} waits for {} of {} answers: make label, or fill in the csv"


def rows_of(stage: str) -> np.ndarray:
    return np.load(f"data/{stage}/labelled.npy", allow_pickle=False)


def labels_of(stage: str) -> list[int]:
    return np.load(f"data/{stage}/labels.npy", allow_pickle=False)[0].tolist()


def output(capsys) -> list[str]:
    return [
        line for line in capsys.readouterr().out.splitlines() if not line.startswith(("not committed: ", "labels/ has changed"))
    ]


def waiting_lines(capsys) -> list[str]:
    capsys.readouterr()
    waiting.main()
    return output(capsys)


def write_corpus(rows: list[dict], file: str = "corpus.jsonl") -> None:
    Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_round_by_round_from_no_label_to_the_model(project, capsys):
    project.ask()
    lines = output(capsys)
    assert {"labels/holdout.csv: asks for 20 rows", "labels/stage1.csv: asks for 12 rows"} <= set(lines)
    assert lines[-2:] == [OPEN.format("holdout", 20, 20), OPEN.format("stage1", 12, 12)]
    project.repro()
    assert project.summary() == "stage1 waits for 12 answers.\n"
    proposed = rows_of("stage1")

    assert [project.answer_all(name) for name in ("holdout", "stage1")] == [20, 12]
    project.ask()
    assert "labels/stage2.csv: asks for 8 rows" in output(capsys)
    assert (rows_of("stage1") == proposed).all()
    assert project.answer_all("stage2") == 8
    project.ask()
    assert project.answer_all("stage3") == 8
    project.repro()
    summary = project.summary()
    assert [line.split("|")[2].strip() for line in summary.splitlines() if line.startswith("| bucketed")][:3] == list(STAGES)
    assert "waits" not in summary
    assert waiting_lines(capsys) == ["nothing is open: every row asked for is answered"]
    assert "On 20 rows of the holdout, which do not count as labels; 95% intervals (Wilson)." in summary
    assert "ccuracy 0.9 " in summary  # reached, how many labels are missing, or that it cannot be told
    texts, classes = artifacts.texts(paths.POOL), ["neg", "pos"]
    assert [classes[number] for number in labels_of("stage3")] == [project.truth[texts[row]] for row in rows_of("stage3")[0]]
    assert rows_of("stage3").shape == (1, 28)
    assert artifacts.load_json(Path("metrics/summary.json"))["accuracy"] > 0.5
    assert "| full" not in summary  # not all of the pool is labelled

    first = asked.keys("stage1")[0]
    before = labels_of("stage3")
    Labelling().answer("anna", first, "?")  # every stage sees new answers to the rows of earlier ones
    project.repro("buy_labels@stage3")
    assert [labels_of(stage)[0] for stage in STAGES] == [-2, -2, -2]
    assert labels_of("stage3")[1:] == before[1:]


def test_people_and_a_data_set_with_the_same_labels_lead_to_the_same_rows_and_models(project):
    """Given the same holdout, seed and order of classes, no skipped rows, and near-duplicates asked for like any others."""
    texts = list(project.truth)
    for name in ("set", "hidden"):
        Path(name).mkdir()
        write_corpus([{"text": text, "label": project.truth[text]} for text in texts[90:]], f"{name}/test.jsonl")
    write_corpus([{"text": text, "label": project.truth[text]} for text in texts[:90]], "set/train.jsonl")
    write_corpus([{"text": text} for text in texts[:90]], "hidden/train.jsonl")
    made = {}
    for dataset, source in (("set", "dataset"), ("hidden", "people")):
        project.change({"prepare": {"dataset": dataset}, "labels": {"from": source, "alike": False}})
        for stage in STAGES if source == "people" else ():
            project.ask()
            assert project.answer_all(stage) > 0
        project.repro("train_stageN@stage3")
        folders = [Path(folder) / stage for stage in STAGES for folder in ("data", "data/results/bucketed")]
        made[source] = {str(file): file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}
        shutil.rmtree("data")
    assert len(made["people"]) > 20
    assert made["people"] == made["dataset"]
    assert not asked.file_of("holdout").exists()  # it has labels of its own, so nobody is asked


def test_asking_runs_dvc_as_rarely_as_possible(first):
    targets: list[str] = []

    def ask_counted() -> list[str]:
        targets.clear()
        ask.main(repro=lambda target: (targets.append(target), first.repro(target)))
        return targets

    shutil.rmtree("labels")
    assert ask_counted() == ["cluster", "select_stage1"]
    for name in ("holdout", "stage1"):
        first.answer_all(name)
    assert ask_counted() == ["select_stageN@stage2"]
    assert ask_counted() == ["cluster"]  # no rows are missing, and stage3 cannot be asked for before stage2 is answered
    first.change({"prepare": {"holdout_rows": 22}})
    first.answer_all("stage2")
    assert ask_counted() == ["select_stageN@stage3", "cluster", "select_stageN@stage3"]  # the pool lost two rows in between


def test_a_round_keeps_its_rows_whatever_is_proposed_later(first):
    first.repro("select_stage1")  # the rows that were asked for: on some processors two that were proposed are near-duplicates
    before = rows_of("stage1")
    first.change({"select_stage1": {"pick": "central"}, "cluster": {"seed": 5}})
    first.repro("select_stage1")
    assert (rows_of("stage1") == before).all()
    asked.file_of("stage1").unlink()
    first.repro("select_stage1")
    assert (rows_of("stage1") != before).any()


def test_answers_survive_when_the_pool_grows_is_cleaned_and_re_sorted(first):
    for name in ("holdout", "stage1"):
        first.answer_all(name)
    first.repro("buy_labels@stage1")
    before = dict(zip(asked.keys("stage1"), labels_of("stage1")))
    holdout = set(map(keys.key, artifacts.texts(paths.HOLDOUT)))
    rows = [json.loads(line) for line in Path("corpus.jsonl").read_text().splitlines()]
    write_corpus([{"text": f"  {row['text'].upper()}"} for row in reversed(rows)] + [{"text": f"new {i}"} for i in range(30)])
    first.repro("buy_labels@stage1")
    assert set(map(keys.key, artifacts.texts(paths.HOLDOUT))) == holdout  # it is drawn once
    assert len(artifacts.texts(paths.POOL)) == 130
    assert dict(zip(asked.keys("stage1"), labels_of("stage1"))) == before
    assert -1 not in labels_of("stage1")


def test_a_row_that_cannot_be_said_leaves_training_is_replaced_and_can_be_answered_later(first, capsys):
    state = Labelling()
    key = next_open(state, "stage1").key
    state.answer("anna", key, "?")
    first.answer_all("stage1")
    assert "stage1 holds 11 rows, n asks for 12: make ask adds 1" in waiting_lines(capsys)
    first.repro("train_stage1")
    assert sorted(set(labels_of("stage1"))) == [-2, 0, 1]
    before = asked.keys("stage1")

    first.ask("stage1")
    assert asked.keys("stage1")[:12] == before
    assert len(asked.keys("stage1")) == 13
    assert OPEN.format("stage1", 1, 13) in waiting_lines(capsys)
    assert first.answer_all("stage1") == 1
    state.answer("anna", key, "")
    assert OPEN.format("stage1", 1, 13) in waiting_lines(capsys)
    state.answer("anna", key, "pos")
    first.repro("buy_labels@stage1")
    assert len(labels_of("stage1")) == 13
    assert min(labels_of("stage1")) == 0


def test_a_conflict_of_two_annotators_waits_for_a_decision(first, capsys):
    first.answer_all("stage1")
    state = Labelling()
    text = state.texts[asked.keys("stage1")[3]]
    mine = first.answered()[text.key]
    state.answer("bob", text.key, OTHER[mine])
    lines = waiting_lines(capsys)
    assert "1 texts have different answers and are not used until decided answers them:" in lines
    assert f"  {text.key}  anna {mine}, bob {OTHER[mine]}  {text.text!r}" in lines
    first.repro("train_stage1")
    assert labels_of("stage1")[3] == -3
    assert artifacts.load_json(Path("data/results/bucketed/stage1/about.json"))["waits_for"] == 0

    Path("decision.csv").write_text(f"key,label\n{text.key},{OTHER[mine]}\n")
    read_answers.main("decision.csv", "decided")
    first.repro("buy_labels@stage1")
    assert labels_of("stage1")[3] == ["neg", "pos"].index(OTHER[mine])


def test_classes_can_be_added_renamed_and_merged_midway(first):
    first.answer_all("stage1")
    first.repro("buy_labels@stage1")
    before = labels_of("stage1")
    first.change({"labels": {"classes": ["good", "neg", "so-so"], "rename": {"pos": "good"}}})
    first.repro("buy_labels@stage1")
    assert artifacts.load_json(paths.CLASSES) == ["good", "neg", "so-so"]
    assert labels_of("stage1") == [{1: 0, 0: 1}[number] for number in before]
    first.change({"labels": {"classes": ["neg", "so-so"], "rename": {"good": "neg"}}})  # and pos to good, as before
    first.repro("buy_labels@stage1")
    assert set(labels_of("stage1")) == {0}
    params = first.params()
    params["labels"]["rename"] = {}
    Path("params.yaml").write_text(json.dumps(params))
    with pytest.raises(Refused, match=r"labels/answers/anna.csv, line \d+: label = pos, which is no class"):
        first.repro("buy_labels@stage1")


def test_a_larger_n_adds_rows_and_a_smaller_one_removes_none(first, capsys):
    first.answer_all("stage1")
    before = asked.keys("stage1")
    first.change({"select_stage1": {"n": 5}})
    assert "stage1 holds 12 rows, n asks for 20: make ask adds 8" in waiting_lines(capsys)
    first.repro("train_stage1")
    assert "stage1 holds 12 rows, select_stage1.n asks for 20: make ask adds 8" in output(capsys)
    assert rows_of("stage1").shape == (1, 12)  # training goes on with the rows there are
    first.ask()
    assert asked.keys("stage1")[:12] == before
    assert len(set(asked.keys("stage1"))) == 20
    first.change({"select_stage1": {"n": 2}})
    first.ask("stage1")
    assert len(asked.keys("stage1")) == 20


def test_again_replaces_unanswered_rows_only(first, capsys):
    state = Labelling()
    before = asked.keys("stage1")
    state.answer("anna", before[0], "pos")
    first.change({"select_stage1": {"pick": "central"}})
    first.ask("stage1", "1")
    after = asked.keys("stage1")
    assert "labels/stage1.csv: 11 unanswered rows are replaced, 1 stay" in output(capsys)
    assert after[0] == before[0]
    assert len(set(after)) == 12
    assert set(after) != set(before)

    file = Path("labels/stage1.csv")
    saved = file.read_text(encoding="utf-8-sig")
    file.write_text(saved.rstrip("\n") + "pos\n", encoding="utf-8")  # label is the last column
    with pytest.raises(Refused, match=r"AGAIN=1: labels/stage1.csv holds 1 labels that were not read yet: make answers FILE="):
        first.ask("stage1", "1")
    file.write_text(saved, encoding="utf-8")
    Path("labels/answers/anna.csv").unlink()
    shutil.rmtree(".gleaner/answers")
    first.ask("stage1", "1")  # the file goes, and is written again
    assert len(asked.keys("stage1")) == 12
    with pytest.raises(Refused, match=r"AGAIN=1 with STAGE=stage2: nothing was asked there; possible: holdout, stage1"):
        first.ask("stage2", "1")
    with pytest.raises(Refused, match=r"AGAIN=1 with STAGE=holdout: its rows were drawn at random and stay"):
        first.ask("holdout", "1")


def test_find_adds_rows_that_contain_words(first, capsys):
    find.main("AWFUL du", most="3")
    assert any("3 rows added, of" in line for line in output(capsys))
    found = asked.read("stage1")[12:]
    assert len(found) == 3
    texts = Labelling().texts
    for row in found:
        assert "awful" in texts[row.key].text or " dull" in f" {texts[row.key].text}"
        assert set(row.found.split()) <= {"awful", "du"}
    first.repro("buy_labels@stage1")
    assert rows_of("stage1").shape == (1, 15)
    first.answer_all("stage1")
    assert not any("make ask adds" in line for line in waiting_lines(capsys))  # they count beside n, not as part of it


def test_a_round_removed_from_params_waits_for_nobody(first, capsys):
    first.answer_all("stage1")
    first.ask()
    assert asked.file_of("stage2").exists()
    first.change({"stages": ["stage1"], "rounds": {}})
    assert waiting_lines(capsys) == [
        OPEN.format("holdout", 20, 20),
        "labels/stage2.csv is no round of params.yaml: it waits for nobody, and its answers stay",
    ]
    first.call("collect_answers")
    assert sorted(file.stem for file in Path("data/asked").glob("*.npy")) == ["prelabelled", "random", "stage1"]


def test_labels_of_the_data_set_come_first_and_cost_nothing(project, capsys):
    labelled = sorted(project.truth)[:9]
    write_corpus([{"text": text, "label": label if text in labelled else None} for text, label in project.truth.items()])
    project.change({"prepare": {"holdout_rows": 0}})
    project.ask()
    assert OPEN.format("stage1", 12, 12) in output(capsys)
    assert not asked.file_of("holdout").exists()
    project.repro("buy_labels@stage1")
    texts = artifacts.texts(paths.POOL)
    assert rows_of("stage1").shape == (1, 21)
    assert {texts[row] for row in rows_of("stage1")[0, :9]} == set(labelled)
    assert labels_of("stage1")[9:] == [-1] * 12


def test_a_first_pick_that_needs_a_model_is_topped_up_with_random_rows_too(project, capsys):
    labelled = sorted(project.truth)[:9]
    write_corpus([{"text": text, "label": label if text in labelled else None} for text, label in project.truth.items()])
    project.change({"prepare": {"holdout_rows": 0}, "select_stage1": {"pick": "margin"}})
    random_rows = "stages/core/strategies/margin.py needs a model and there is none yet: {} rows taken from the random arm"
    project.ask()
    lines = output(capsys)
    assert random_rows.format(12) in lines
    assert OPEN.format("stage1", 12, 12) in lines
    project.change({"select_stage1": {"n": 4}})
    project.ask()
    assert random_rows.format(4) in (lines := output(capsys))
    assert OPEN.format("stage1", 16, 16) in lines


def test_where_nothing_usable_was_answered_a_top_up_takes_random_rows(first, capsys):
    first.change({"select_stage1": {"pick": "committee"}})
    state = Labelling()
    for key in state.open_keys("stage1"):
        state.answer("anna", key, "?")
    first.ask("stage1")
    assert "committee.py needs a model and there is none yet: 12 rows taken from the random arm" in "".join(output(capsys))
    assert OPEN.format("stage1", 12, 24) in waiting_lines(capsys)


def test_rows_answered_with_no_class_are_no_labels_and_a_round_that_waits_has_not_ended(first, capsys):
    first.answer_all("holdout")
    state = Labelling()
    key = next_open(state, "stage1").key
    state.answer("anna", key, "?")
    first.answer_all("stage1")
    first.repro()
    assert "\nWith 11 labels " in (summary := first.summary())
    assert "Labelling has come to stage1, with 11 labels. stage2 waits.\n" in summary
    assert "no random arm" in summary
    assert "no full model" in summary
    assert "not reached" not in summary
    assert artifacts.load_json(Path("data/model.json"))["labels"] == 11
    assert "bucketed stage1, seed 0: 11 labels" in capsys.readouterr().out


def test_labels_of_another_file_are_found_by_their_texts_before_anything_is_asked(project, capsys):
    project.repro("cluster")
    some = list(project.truth.items())[:10]
    write_table("old.csv", [["Text", "Category"], *[[text.upper(), label] for text, label in some], ["never seen", "pos"]])
    for new in (11, 0):
        capsys.readouterr()
        read_answers.main("old.csv", "before")
        lines = output(capsys)
        assert f"old.csv: 11 answers; of before {new} are new, of which 0 change an earlier one" in lines
        assert "1 belong to texts that are not in the data set now: they are kept" in lines
    assert len(journal.history("before")) == 11
    project.ask()
    project.repro("buy_labels@stage1")
    in_holdout = len(set(artifacts.texts(paths.HOLDOUT)) & {text for text, _ in some})
    assert rows_of("stage1").shape == (1, 12 + 10 - in_holdout)


def test_with_several_seeds_a_round_asks_for_the_rows_of_all(project):
    project.change({"seeds": [0, 1], "prepare": {"holdout_rows": 0}})
    project.ask()
    number = len(asked.keys("stage1"))
    assert 12 < number <= 24
    assert rows_of("stage1").shape == (2, number)
    project.answer_all("stage1")
    project.ask()
    assert rows_of("stage2").shape[0] == 2
    assert (rows_of("stage2")[0] == rows_of("stage2")[1]).all()


def test_the_random_arm_asks_for_rows_and_shares_answers(project, capsys):
    project.change({"random_at": ["stage1"]})
    project.ask()
    keys_asked = asked.keys("random")
    assert len(keys_asked) == 12
    both = set(keys_asked) & set(asked.keys("stage1"))
    project.answer_all("stage1")
    assert OPEN.format("random", 12 - len(both), 12) in waiting_lines(capsys)
    for name in ("random", "holdout"):
        project.answer_all(name)
    project.repro()
    rows = [line.split("|")[1].strip() for line in project.summary().splitlines() if "| stage1" in line]
    assert rows == ["random", "bucketed"] * 2  # in the table, and in that of the intervals


def test_texts_can_be_kept_out_of_labels_and_guidelines_are_named(project, capsys):
    Path("GUIDE.md").write_text("Sarcasm is neg.")
    project.change({"labels": {"keep_text": False, "guide": "GUIDE.md"}})
    project.ask()
    written = Path("labels/stage1.csv").read_text(encoding="utf-8-sig")
    assert not any(text in written for text in project.truth)
    assert len(asked.keys("stage1")) == 12
    assert project.answer_all("stage1") == 12
    assert "guidelines: GUIDE.md" in output(capsys)
    assert Labelling().guide == "Sarcasm is neg."
    Path("GUIDE.md").unlink()
    with pytest.raises(Refused, match=r"labels.guide = GUIDE.md: .*; name a text file in UTF-8, or none"):
        _ = Labelling().guide


def test_without_a_holdout_there_are_models_but_no_measures(project, capsys):
    project.change({"prepare": {"holdout_rows": 0}})
    project.ask()
    assert output(capsys)[-1] == OPEN.format("stage1", 12, 12)
    assert not asked.file_of("holdout").exists()
    project.answer_all("stage1")
    journal.append("bob", project.answered().items())
    project.ask()
    project.repro()
    agreed = {"annotators": 2, "texts": 12, "agreement": 1.0, "cohens_kappa": 1.0}
    assert artifacts.load_json(Path("metrics/agreement.json")) == agreed
    summary = project.summary()
    assert "Cohen's kappa" in summary.splitlines()[-3]
    assert paths.HOLDOUT.read_text() == ""
    assert list(Path("data/stage1/models/0").iterdir()) != []
    assert summary.startswith("stage2 waits for 8 answers.\nNo row is held out, so accuracy is not measured.")
    [line] = [line for line in summary.splitlines() if line.startswith("| stage1")]
    agreement, validated, sure = (cell.strip() for cell in line.split("|")[3:6])
    assert agreement == ""
    assert 0 <= float(validated) <= 1
    assert 0.5 <= float(sure) <= 1
    assert not Path("metrics/summary.json").exists()


def test_a_holdout_measures_by_the_rows_that_are_answered(first):
    first.answer_all("stage1")
    first.repro()
    assert first.summary() == (
        "stage2 waits for 8 answers.\nThe holdout waits for 20 of 20 answers.\nUntil there are some, nothing is measured.\n"
    )
    state = Labelling()
    journal.append("anna", [(key, first.truth[state.texts[key].text]) for key in state.open_keys("holdout")[:7]])
    first.repro()
    assert (np.load("data/holdout_labels.npy") >= 0).sum() == 7
    assert "The holdout waits for 13 of 20 answers." in first.summary()
    assert "On 7 rows of the holdout" in first.summary()
    right = artifacts.load_json(Path("metrics/bucketed/stage1.json"))["accuracy"] * 7
    assert right == pytest.approx(round(right), abs=1e-3)


def test_a_larger_holdout_and_a_larger_round_share_no_row(first):
    corpus = Path("corpus.jsonl")
    corpus.write_text("".join(line + "\n" for line in reversed(corpus.read_text().splitlines())))
    first.answer_all("stage1")
    first.change({"prepare": {"holdout_rows": 30}, "select_stage1": {"n": 6}})
    first.ask()
    rows = {name: asked.read(name) for name in ("holdout", "stage1")}
    assert [len(each) for each in rows.values()] == [30, 24]
    assert {row.key for row in rows["holdout"]} & {row.key for row in rows["stage1"]} == set()
    assert all(keys.key(row.text) == row.key for each in rows.values() for row in each)
    first.repro("buy_labels@stage1")
    assert len(labels_of("stage1")) == 24


def test_the_holdout_can_grow_and_is_never_trained_on(first, capsys):
    first.answer_all("holdout")
    before = asked.keys("holdout")
    first.change({"prepare": {"holdout_rows": 25}})
    assert "holdout holds 20 rows, holdout_rows asks for 25: make ask adds 5" in waiting_lines(capsys)
    first.ask("holdout")
    assert asked.keys("holdout")[:20] == before
    first.repro("buy_labels@stage1")
    assert len(artifacts.texts(paths.HOLDOUT)) == 25
    assert len(artifacts.texts(paths.POOL)) == 95
    assert set(asked.keys("holdout")) & set(asked.keys("stage1")) == set()

    Labelling().answer("anna", before[0], "?")
    assert "holdout holds 24 rows, holdout_rows asks for 25: make ask adds 1" in waiting_lines(capsys)
    first.ask("holdout")
    assert len(asked.keys("holdout")) == 26


# ---- tables that people fill in


def filled_in(project, wrong: dict[int, str] | None = None) -> list[list[str]]:
    """The cells of labels/stage1.csv with their labels; `wrong` gives rows another one."""
    header, *rows = csv.reader(Path("labels/stage1.csv").read_text(encoding="utf-8-sig").splitlines())
    for number, row in enumerate(rows, start=1):
        row[-1] = (wrong or {}).get(number, project.truth[row[1]])
    return [header, *rows]


def write_table(file: str, rows: list[list[str]], delimiter: str = ",") -> None:
    with Path(file).open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, delimiter=delimiter).writerows(rows)


def test_a_filled_in_table_counts_only_after_make_answers(first, capsys):
    write_table("labels/stage1.csv", filled_in(first), ";")
    unread = "labels/stage1.csv holds 12 labels that were not read yet: make answers FILE=labels/stage1.csv"
    assert unread in waiting_lines(capsys)
    first.repro("buy_labels@stage1")
    assert set(labels_of("stage1")) == {-1}
    read_answers.main("labels/stage1.csv", "anna")
    assert "labels/stage1.csv: 12 answers; of anna 12 are new, of which 0 change an earlier one" in output(capsys)
    lines = waiting_lines(capsys)
    assert lines[0] == OPEN.format("holdout", 20, 20)
    assert unread not in lines
    read_answers.main("labels/stage1.csv", "anna")
    assert len(journal.history("anna")) == 12


def test_the_key_decides_an_empty_label_is_no_answer_and_cannot_say_is_one(first, capsys):
    rows = filled_in(first, {1: "", 2: " ? "})
    rows[2][1] = "somebody edited this"
    write_table("back.csv", rows)
    read_answers.main("back.csv", "anna")
    assert "back.csv: 1 texts differ from those asked for, the first in row 2: the key decides" in output(capsys)
    answered = first.answered()
    assert len(answered) == 11
    assert answered[asked.keys("stage1")[1]] == "?"


def test_tables_that_cannot_be_read_as_answers_are_refused_whole(first):
    Path("other.csv").write_text("a,b\n1,2\n")
    write_table("classes.csv", filled_in(first, {3: "Positive", 5: "POS"}))
    rows = filled_in(first)
    write_table("twice.csv", [*rows, [*rows[1][:-1], OTHER[rows[1][-1]]]])
    rows[4][0] = "1.23E+24"
    write_table("key.csv", rows)
    Path("two.csv").write_text("text,label,Label\na,neg,pos\n")
    Path("empty.csv").touch()
    Path("empty.jsonl").touch()
    Path("book.ods").write_bytes(b"PK\x03\x04\xff\xfe")
    for words, *messages in (
        (("",), "FILE= is empty"),
        (("nowhere.csv",), "FILE=nowhere.csv: no such file"),
        (("nowhere.jsonl",), "FILE=nowhere.jsonl cannot be read"),
        (("params.yaml", "a/b"), "WHO='a/b': possible: letters"),
        (("other.csv",), "other.csv has columns a, b, possible: label, and key or text"),
        (("two.csv",), "two.csv: 2 columns have one name (label, Label); rename one"),
        (("empty.csv",), "empty.csv cannot be read as a table: the file is empty"),
        (("empty.jsonl",), "empty.jsonl has columns none, since it is empty, possible: label"),
        (("book.ods",), "book.ods cannot be read as a table: it is a workbook (.xlsx, .ods, .xls) or a zip, not text"),
        (
            ("classes.csv", "anna"),
            "classes.csv, row 3: label = Positive, which is no class; possible: neg, pos, ?",
            "classes.csv, row 5: label = POS, which is no class; possible: neg, pos, ?; did you mean pos?",
            "; nothing was read",
        ),
        (("twice.csv", "anna"), "twice.csv, rows 1 and 13: one text has two labels", "; nothing was read"),
        (("key.csv", "anna"), "key.csv, row 4: key = '1.23E+24', possible: t and 24", "; nothing was read"),
    ):
        with pytest.raises(Refused) as refused:
            read_answers.main(*words)
        assert [message for message in messages if message not in str(refused.value)] == []
    assert journal.annotators() == []


def test_people_are_shown_the_texts_of_the_source(project):
    original = [f"  {row['text'].upper()} " for row in map(json.loads, Path("corpus.jsonl").read_text().splitlines())]
    write_corpus([{"text": text} for text in original])
    project.ask()
    state, rows = Labelling(), asked.read("stage1")
    assert len(rows) == 12
    assert {state.texts[row.key].text for row in rows} <= set(original)
    assert {row.text for row in rows} <= {text.strip() for text in original}


def test_no_more_is_asked_once_enough_is_labelled(first, capsys):
    def repro(target):
        first.repro(target)
        if target == "select_stageN@stage3":  # as if it had found that the labels suffice
            rounds.save_labelled("stage3", rows_of("stage2"), "stage2", ended_after="stage2", ended_because="sufficient")

    first.answer_all("holdout")
    for stage in ("stage1", "stage2"):
        first.answer_all(stage)
        ask.main(repro=repro)
    assert not asked.file_of("stage3").exists()
    assert "stage3: nothing to ask, stage2 was sufficient" in output(capsys)
    assert waiting_lines(capsys) == ["stage3 asks for nothing: stage2 was sufficient"]


def test_unknown_formats_and_rounds_and_a_labelled_data_set_are_refused(project):
    with pytest.raises(Refused, match=r"FORMAT=xls: no such format; possible: csv"):
        ask.main("", "", "xls")
    with pytest.raises(Refused, match=r"PREDICT=1 with FORMAT=csv: a table shows no guess; possible: label-studio, argilla"):
        ask.main("", "", "csv", "1")
    with pytest.raises(Refused, match=r"STAGE=stage9: no such round; possible: holdout, stage1, stage2, stage3"):
        project.ask("stage9")
    project.change({"labels": {"from": "dataset"}})
    for command in (project.ask, waiting.main, lambda: read_answers.main("f.csv"), lambda: find.main("word")):
        with pytest.raises(Refused, match=r"labels.from = dataset: the data set has the labels"):
            command()
    waiting.main("repro")  # at the end of make repro it is silent


def test_make_passes_on_any_file_words_and_name(first):
    Path("stages").symlink_to(ROOT / "stages")
    write_table("a $(file) 'of' \"1\".csv", filled_in(first))

    def make(*words: str) -> list[str]:
        command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/installed", *words]
        done = subprocess.run(command, env=first.environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    lines = make("answers", "FILE=a $$(file) 'of' \"1\".csv", "WHO=jürgen")
    assert lines[0] == "a $(file) 'of' \"1\".csv: 12 answers; of jürgen 12 are new, of which 0 change an earlier one"
    assert journal.annotators() == ["jürgen"]
    Path("a $(x).jsonl").write_text('{"text": "x", "label": "pos"}\n')
    assert make("guesses", "FILE=a $$(x).jsonl", "MOST_ERROR=0.1")[0].startswith("a $(x).jsonl: 0 guesses; 1 more")
    assert make("guesses", "FILE=a $$(x).jsonl", "UNDO=1", "WHO=ü")[0] == "0 answers of program-ü are taken back"
    lines = make("find", "WORDS=dull bad", "MOST=2")
    assert any(line.startswith("labels/stage1.csv: 2 rows added, of ") for line in lines)
    assert OPEN.format("stage1", 2, 14) in lines
    lines = make("find", "LIKE=a $$(dull) 'film'", "MOST=2", "STAGE=stage1")
    assert any(line.startswith("labels/stage1.csv: 2 rows added, of ") for line in lines)
    assert asked.read("stage1")[-1].found == "like: a $(dull) 'film'"
    Path("new $(x).txt").write_text("one text\nanother text\n")
    lines = make("add", "FILE=new $$(x).txt", "TEXT=text")
    assert lines[0].startswith("new $(x).txt: 2 rows, texts in column text: 2 new, 0 already there")


def test_answers_to_unknown_texts_or_with_unknown_classes_are_refused(first):
    state = Labelling()
    with pytest.raises(Refused, match="no text of the data set"):
        state.answer("anna", keys.key("never seen"), "pos")
    with pytest.raises(Refused, match=r"label = Pos, which is no class; .*did you mean pos\?"):
        state.answer("anna", next_open(state, "holdout").key, "Pos")
    assert journal.annotators() == []
    state.answer("anna", next_open(state, "holdout").key, "pos")
    assert len(state.open_keys("holdout")) == 19
    assert state.open_round() == "holdout"  # the first round that is asked for


def test_waiting_tells_of_answers_that_dvc_has_not_read(first, capsys):
    first.repro("collect_answers")
    capsys.readouterr()
    waiting.main()
    assert "labels/ has changed" not in capsys.readouterr().out
    first.answer_all("stage1")
    waiting.main()
    assert "labels/ has changed since it was read: make repro reads it again" in capsys.readouterr().out


def test_what_a_wrong_file_brought_can_be_taken_back(first, capsys):
    state = Labelling()
    before, *others = asked.keys("stage1")
    journal.append("anna", [(before, "neg"), (others[0], "pos")], datetime(2026, 1, 1, tzinfo=UTC))
    write_table("wrong.csv", [["key", "label"], [before, "pos"], [others[0], "pos"], *([key, "pos"] for key in others[1:5])])
    read_answers.main("wrong.csv", "anna")
    journal.append("anna", [(others[1], "neg")])  # corrected since
    output(capsys)
    read_answers.main("wrong.csv", "anna", "1")
    assert "wrong.csv: 4 of its 6 answers are taken back from anna; the others do not count now" in output(capsys)
    assert first.answered() == {before: "neg", others[0]: "pos", others[1]: "neg"}
    second_copy.restore(state.knows)
    assert first.answered() == {before: "neg", others[0]: "pos", others[1]: "neg"}


@pytest.mark.parametrize("answers", [{"anna": "?"}, {"anna": "pos", "bob": "neg"}])
def test_a_first_round_without_a_label_to_learn_from_gets_more_rows(first, capsys, answers):
    keys_asked = asked.keys("stage1")
    for who, label in answers.items():
        journal.append(who, [(key, label) for key in keys_asked])
    first.repro()
    assert "bucketed stage1: nothing to do, no label to learn from yet: all 12 answers are ? or in conflict" in output(capsys)
    first.ask()
    assert asked.keys("stage1")[:12] == keys_asked
    assert len(asked.keys("stage1")) == 24
    first.answer_all("stage1")
    first.repro("train_stage1")
    assert any(Path("data/stage1/models").iterdir())


def test_a_table_that_a_person_sorts_and_adds_columns_to_trains_nothing_again(first):
    first.answer_all("stage1")
    first.repro("buy_labels@stage1")
    before, names = rows_of("stage1").tolist(), asked.keys("stage1")
    header, *rows = csv.reader(Path("labels/stage1.csv").read_text(encoding="utf-8-sig").splitlines())
    write_table("labels/stage1.csv", [["note", *header], *(["x", *row] for row in sorted(rows, reverse=True))], ";")
    first.repro("buy_labels@stage1")
    assert (rows_of("stage1").tolist(), asked.keys("stage1")) == (before, names)


def test_doubts_that_a_person_filled_in_are_not_overwritten(first):
    first.answer_all("stage1")
    doubts.main("3")
    file = Path("tasks/doubts.csv")
    first_lines = file.read_text(encoding="utf-8-sig")
    file.write_text(first_lines.rstrip("\n") + "pos\n", encoding="utf-8")  # label is the last column
    with pytest.raises(
        Refused, match=r"^tasks/doubts.csv holds 1 labels that were not read yet: make answers FILE=tasks/doubts.csv"
    ):
        doubts.main("3")
    assert file.read_text(encoding="utf-8").endswith("pos\n")
    read_answers.main(str(file), "decided")
    doubts.main("3")
    assert first_lines.splitlines()[-1].split(",")[0] not in file.read_text(encoding="utf-8")  # decided


def test_before_the_first_answer_the_names_of_classes_predict_and_the_page_has_guesses(project, capsys):
    project.change(
        {"train": {"names": "auto"}, "labels": {"describe": {"neg": "awful film", "pos": ["great film", "lovely scene"]}}}
    )
    project.ask()
    project.repro()
    state = Labelling()
    text = next(text for text in state.texts.values() if not text.in_holdout)
    assert state.guess(state.predicted("stage1"), text) in ("neg", "pos")
    assert set(load("data/model").predict([text.text])) <= {"neg", "pos"}
    about = artifacts.load_json(Path("data/model/model.json"))
    assert (about["stage"], about["labels"], about["rows"]) == ("names", 0, 0)
    assert project.summary().startswith("stage1 waits for 12 answers.\n")
    project.answer_all("holdout")
    project.repro()
    [row] = [line for line in project.summary().splitlines() if line.startswith("| names")]
    assert [cell.strip() for cell in row.split("|")[1:4]] == ["names", "names", "0"]
    project.answer_all("stage1")
    project.repro()
    assert artifacts.load_json(Path("data/model/model.json"))["stage"] == "stage1"
