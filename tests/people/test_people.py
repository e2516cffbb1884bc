"""People label: from texts without labels to the model, round by round, each stage called as DVC would."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stages.commands import answers as read_answers
from stages.commands import ask, find, waiting
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal
from stages.core.rows import rounds
from tests.support.people import next_open
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

WAITS = "{} waits for {} of {} answers: make label, or fill in the csv"


def rows_of(stage: str) -> np.ndarray:
    return np.load(f"data/{stage}/labelled.npy", allow_pickle=False)


def labels_of(stage: str) -> list[int]:
    return np.load(f"data/{stage}/labels.npy", allow_pickle=False)[0].tolist()


def said(capsys) -> list[str]:
    return [
        line for line in capsys.readouterr().out.splitlines() if not line.startswith(("not committed: ", "labels/ has changed"))
    ]


def waits(capsys) -> list[str]:
    capsys.readouterr()
    waiting.main()
    return said(capsys)


def test_from_no_label_to_the_model_round_by_round(project, capsys):
    project.ask()
    last = said(capsys)
    assert "labels/holdout.csv: asks for 20 rows" in last
    assert "labels/stage1.csv: asks for 12 rows" in last
    assert last[-2:] == [WAITS.format("holdout", 20, 20), WAITS.format("stage1", 12, 12)]
    project.repro()
    assert project.summary() == "stage1 waits for 12 answers.\n"
    proposed = rows_of("stage1")

    assert project.answer_all("holdout") == 20
    assert project.answer_all("stage1") == 12
    project.ask()
    assert "labels/stage2.csv: asks for 8 rows" in said(capsys)
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
    assert waits(capsys) == ["nothing is open: every row asked for is answered"]
    assert "On 20 rows of the holdout, which are not counted as labels; 95% intervals (Wilson)." in summary
    assert "ccuracy 0.9 " in summary  # reached, or how many labels more, or that it cannot be said
    texts, classes = artifacts.texts(paths.POOL), ["neg", "pos"]
    assert [classes[number] for number in labels_of("stage3")] == [project.truth[texts[row]] for row in rows_of("stage3")[0]]
    assert rows_of("stage3").shape == (1, 28)
    assert artifacts.load_json(Path("metrics/summary.json"))["accuracy"] > 0.5
    assert "| full" not in summary  # not all of the pool is labelled

    first = asked.keys("stage1")[0]
    before = labels_of("stage3")
    Labelling().answer("anna", first, "?")  # every round sees the answers to the rows of those before it
    project.repro("buy_labels@stage3")
    assert [labels_of(stage)[0] for stage in ("stage1", "stage2", "stage3")] == [-2, -2, -2]
    assert labels_of("stage3")[1:] == before[1:]


def test_people_come_to_the_same_rows_and_models_as_a_data_set_with_the_same_labels(project):
    """Given the same holdout, seed and order of classes, and no skips."""
    texts = list(project.truth)
    for name, some in (("train", texts[:90]), ("test", texts[90:])):
        Path("set").mkdir(exist_ok=True)
        Path(f"set/{name}.jsonl").write_text("".join(json.dumps({"text": t, "label": project.truth[t]}) + "\n" for t in some))
    shutil.copytree("set", "hidden")
    Path("hidden/train.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[:90]))
    made = {}
    for dataset, source in (("set", "dataset"), ("hidden", "people")):
        project.change({"prepare": {"dataset": dataset}, "labels": {"from": source}})
        for stage in ("stage1", "stage2", "stage3"):
            if source == "people":
                project.ask()
                assert project.answer_all(stage) > 0
        project.repro()
        made[source] = {
            str(file): file.read_bytes()
            for stage in ("stage1", "stage2", "stage3")
            for folder in (Path("data") / stage, Path("data/results/bucketed") / stage)
            for file in folder.rglob("*")
            if file.is_file()
        }
        shutil.rmtree("data")
    assert len(made["people"]) > 20
    assert made["people"] == made["dataset"]
    assert not asked.file_of("holdout").exists()  # it has labels of its own: nobody is asked


def test_the_next_round_is_asked_for_by_one_repro_and_the_first_ones_by_no_more_than_it_takes(project, monkeypatch):
    made: list[str] = []
    once = project.repro

    def counted(target: str) -> None:
        made.append(target)
        once(target)

    monkeypatch.setattr(project, "repro", counted)
    project.ask()
    assert made == ["cluster", "select_stage1"]
    for name in ("holdout", "stage1"):
        project.answer_all(name)
    made.clear()
    project.ask()
    assert made == ["select_stageN@stage2"]
    made.clear()
    project.ask()  # nothing is lacking, and stage3 cannot be asked for before stage2 is answered
    assert made == ["cluster"]
    project.change({"prepare": {"holdout_rows": 22}})
    project.answer_all("stage2")
    made.clear()
    project.ask()
    assert made == ["select_stageN@stage3", "cluster", "select_stageN@stage3"]  # the pool has lost two rows in between


def test_what_was_asked_stays_the_round_whatever_is_proposed_now(first):
    before = rows_of("stage1")
    first.change({"select_stage1": {"pick": "central"}, "cluster": {"seed": 5}})
    first.repro("select_stage1")
    assert (rows_of("stage1") == before).all()
    asked.file_of("stage1").unlink()
    first.repro("select_stage1")
    assert (rows_of("stage1") != before).any()


def test_answers_outlive_a_pool_that_grows_is_cleaned_and_turned_round(first):
    first.answer_all("holdout")
    first.answer_all("stage1")
    first.repro("buy_labels@stage1")
    before = {key: label for key, label in zip(asked.keys("stage1"), labels_of("stage1"))}
    held = set(artifacts.texts(paths.HOLDOUT))
    corpus = Path("corpus.jsonl")
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    rows = [{"text": f"  {row['text'].upper()}"} for row in reversed(rows)] + [{"text": f"new {i}"} for i in range(30)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first.repro("buy_labels@stage1")
    assert set(artifacts.texts(paths.HOLDOUT)) == held  # drawn once, it stays
    assert len(artifacts.texts(paths.POOL)) == 130
    assert {key: label for key, label in zip(asked.keys("stage1"), labels_of("stage1"))} == before
    assert -1 not in labels_of("stage1")


def test_a_row_that_cannot_be_said_leaves_the_pool_another_is_asked_for_and_it_can_be_taken_back(first, capsys):
    state = Labelling()
    key = next_open(state, "stage1").key
    state.answer("anna", key, "?")
    first.answer_all("stage1")
    assert "stage1 holds 11 rows, n asks for 12: make ask adds 1" in waits(capsys)
    first.repro("train_stage1")
    assert sorted(set(labels_of("stage1"))) == [-2, 0, 1]
    before = asked.keys("stage1")

    first.ask("stage1")
    assert asked.keys("stage1")[:12] == before
    assert len(asked.keys("stage1")) == 13
    assert WAITS.format("stage1", 1, 13) in waits(capsys)
    assert first.answer_all("stage1") == 1
    state.answer("anna", key, "")
    assert WAITS.format("stage1", 1, 13) in waits(capsys)
    state.answer("anna", key, "pos")
    first.repro("buy_labels@stage1")
    assert len(labels_of("stage1")) == 13
    assert min(labels_of("stage1")) == 0


def test_two_people_who_disagree_are_a_conflict_until_somebody_decides(first, capsys):
    first.answer_all("stage1")
    state = Labelling()
    text = state.texts[asked.keys("stage1")[3]]
    mine = first.answered()[text.key]
    other = {"pos": "neg", "neg": "pos"}[mine]
    state.answer("bob", text.key, other)
    told = waits(capsys)
    assert "1 texts have different answers and are not used until decided answers them:" in told
    assert f"  {text.key}  anna {mine}, bob {other}  {text.text!r}" in told
    first.repro("train_stage1")
    assert labels_of("stage1")[3] == -3
    assert artifacts.load_json(Path("data/results/bucketed/stage1/about.json"))["waits_for"] == 0

    Path("decision.csv").write_text(f"key,label\n{text.key},{other}\n")
    read_answers.main("decision.csv", "decided")
    first.repro("buy_labels@stage1")
    assert labels_of("stage1")[3] == ["neg", "pos"].index(other)


def test_classes_are_added_renamed_and_merged_midway(first):
    first.answer_all("holdout")
    first.answer_all("stage1")
    first.repro("buy_labels@stage1")
    before = labels_of("stage1")
    first.change({"labels": {"classes": ["good", "neg", "so-so"], "rename": {"pos": "good"}}})
    first.repro("buy_labels@stage1")
    assert artifacts.load_json(paths.CLASSES) == ["good", "neg", "so-so"]
    assert labels_of("stage1") == [{1: 0, 0: 1}[number] for number in before]
    first.change({"labels": {"classes": ["neg", "so-so"], "rename": {"good": "neg"}}})
    first.repro("buy_labels@stage1")
    assert set(labels_of("stage1")) == {0}
    first.change({"labels": {"rename": {}}})
    params = first.params()
    params["labels"]["rename"] = {}
    Path("params.yaml").write_text(json.dumps(params))
    with pytest.raises(Refused, match=r"labels/answers/anna.csv, line 2: label = (pos|neg), which is no class|label = pos"):
        first.repro("buy_labels@stage1")


def test_more_rows_are_asked_for_where_n_was_raised_and_none_is_taken_away(first, capsys):
    first.answer_all("stage1")
    before = asked.keys("stage1")
    first.change({"select_stage1": {"n": 5}})
    assert "stage1 holds 12 rows, n asks for 20: make ask adds 8" in waits(capsys)
    first.repro("train_stage1")
    assert "stage1 holds 12 rows, select_stage1.n asks for 20: make ask adds 8" in said(capsys)
    assert rows_of("stage1").shape == (1, 12)  # what is asked is enough to go on
    first.ask()
    assert asked.keys("stage1")[:12] == before
    assert len(set(asked.keys("stage1"))) == 20
    first.change({"select_stage1": {"n": 2}})
    first.ask("stage1")
    assert len(asked.keys("stage1")) == 20


def test_unanswered_rows_are_proposed_anew_and_answers_stay(first, capsys):
    state = Labelling()
    done = [next_open(state, "stage1").key]
    state.answer("anna", done[0], "pos")
    before = asked.keys("stage1")
    first.change({"select_stage1": {"pick": "central"}})
    first.ask("stage1", "1")
    after = asked.keys("stage1")
    assert "labels/stage1.csv: 11 unanswered rows are replaced, 1 stay" in said(capsys)
    assert after[0] == before[0] == done[0]
    assert len(set(after)) == 12
    assert set(after) != set(before)

    rows = asked.read("stage1")
    asked.write("stage1", [*rows[:-1], asked.Row(rows[-1].key, rows[-1].text, label="pos")])
    with pytest.raises(Refused, match=r"AGAIN=1: labels/stage1.csv holds 1 labels that were not read yet: make answers FILE="):
        first.ask("stage1", "1")
    asked.write("stage1", rows)
    Path("labels/answers/anna.csv").unlink()
    shutil.rmtree(".gleaner/answers")
    first.ask("stage1", "1")
    assert len(asked.keys("stage1")) == 12
    with pytest.raises(Refused, match=r"AGAIN=1 with STAGE=stage2: nothing was asked there; possible: holdout, stage1"):
        first.ask("stage2", "1")
    with pytest.raises(Refused, match=r"AGAIN=1 with STAGE=holdout: its rows were drawn at random and stay"):
        first.ask("holdout", "1")


def test_rows_that_hold_words_are_asked_for_beside_those_that_were_chosen(first, capsys):
    find.main("AWFUL du", most="3")
    assert any("3 rows added, of" in line for line in said(capsys))
    found = asked.read("stage1")[12:]
    assert len(found) == 3
    texts = Labelling().texts
    for row in found:
        assert "awful" in texts[row.key].text or " dull" in f" {texts[row.key].text}"
        assert set(row.found.split()) <= {"awful", "du"}
    first.repro("buy_labels@stage1")
    assert rows_of("stage1").shape == (1, 15)
    first.answer_all("stage1")
    assert not any("make ask adds" in line for line in waits(capsys))  # they count beside n, not in it
    with pytest.raises(Refused, match="WORDS= is empty"):
        find.main(" ")
    with pytest.raises(Refused, match=r"STAGE=stage3: nothing was asked there yet; possible: stage1; make ask first"):
        find.main("dull", "stage3")
    with pytest.raises(Refused, match="MOST=none: possible: a number"):
        find.main("dull", "stage1", "none")


def test_a_round_that_was_taken_out_of_params_is_told_and_waits_for_nobody(first, capsys):
    first.answer_all("stage1")
    first.ask()
    assert asked.file_of("stage2").exists()
    first.change({"stages": ["stage1"], "rounds": {}})
    assert waits(capsys) == [
        WAITS.format("holdout", 20, 20),
        "labels/stage2.csv is no round of params.yaml: it waits for nobody, and its answers stay",
    ]
    first.call("collect_answers")
    assert sorted(file.stem for file in Path("data/asked").glob("*.npy")) == ["prelabelled", "random", "stage1"]


def test_labels_of_the_source_are_bought_already_and_come_first(project, capsys):
    corpus, labelled = Path("corpus.jsonl"), sorted(project.truth)[:9]
    corpus.write_text(
        "".join(
            json.dumps({"text": text, "label": label if text in labelled else None}) + "\n" for text, label in project.truth.items()
        )
    )
    project.change({"prepare": {"holdout_rows": 0}})
    project.ask()
    assert WAITS.format("stage1", 12, 12) in said(capsys)
    assert not asked.file_of("holdout").exists()
    project.repro("buy_labels@stage1")
    texts = artifacts.texts(paths.POOL)
    assert rows_of("stage1").shape == (1, 21)
    assert {texts[row] for row in rows_of("stage1")[0, :9]} == set(labelled)
    assert labels_of("stage1")[9:] == [-1] * 12


def test_labels_from_another_file_come_in_by_their_texts(project, capsys):
    """Before anything was asked for."""
    project.repro("prepare")
    project.call("collect_answers")
    some = list(project.truth.items())[:10]
    with Path("old.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["Text", "Category"], *[(text.upper(), label) for text, label in some], ["never seen", "pos"]])
    project.repro("cluster")
    capsys.readouterr()
    read_answers.main("old.csv", "before")
    told = said(capsys)
    assert "old.csv: 11 answers; of before 11 are new, of which 0 change an earlier one" in told
    assert "1 belong to texts that are not in the data set now: they are kept" in told
    read_answers.main("old.csv", "before")
    assert "old.csv: 11 answers; of before 0 are new, of which 0 change an earlier one" in said(capsys)
    assert len(journal.history("before")) == 11
    project.ask()
    project.repro("buy_labels@stage1")
    held = len(set(artifacts.texts(paths.HOLDOUT)) & {text for text, _ in some})
    assert rows_of("stage1").shape == (1, 12 + 10 - held)


def test_with_more_seeds_a_round_asks_for_the_rows_of_all(project, capsys):
    project.change({"seeds": [0, 1]})
    project.ask()
    asked_for = asked.keys("stage1")
    assert 12 < len(asked_for) <= 24
    assert rows_of("stage1").shape == (2, len(asked_for))
    project.answer_all("stage1")
    project.ask()
    assert rows_of("stage2").shape[0] == 2
    assert (rows_of("stage2")[0] == rows_of("stage2")[1]).all()


def test_a_random_arm_asks_for_its_rows_and_shares_answers(project, capsys):
    project.change({"random_at": ["stage1"]})
    project.ask()
    asked_for = asked.keys("random")
    assert len(asked_for) == 12
    both = set(asked_for) & set(asked.keys("stage1"))
    project.answer_all("stage1")
    assert WAITS.format("random", 12 - len(both), 12) in waits(capsys)
    project.answer_all("random")
    project.answer_all("holdout")
    project.repro()
    rows = [line.split("|")[1].strip() for line in project.summary().splitlines() if "| stage1" in line]
    assert rows == ["random", "bucketed"] * 2  # in the table, and in that of the intervals


def test_texts_can_be_kept_out_of_labels(project):
    project.change({"labels": {"keep_text": False}})
    project.ask()
    written = Path("labels/stage1.csv").read_text(encoding="utf-8-sig")
    assert not any(text in written for text in project.truth)
    assert len(asked.keys("stage1")) == 12
    assert project.answer_all("stage1") == 12


def test_without_a_holdout_there_are_models_and_nothing_is_measured(project, capsys):
    project.change({"prepare": {"holdout_rows": 0}})
    project.ask()
    assert said(capsys)[-1] == WAITS.format("stage1", 12, 12)
    assert not asked.file_of("holdout").exists()
    project.answer_all("stage1")
    journal.append("bob", project.answered().items())
    project.ask()
    project.repro()
    agreed = {"annotators": 2, "texts": 12, "agreement": 1.0, "cohens_kappa": 1.0}
    assert artifacts.load_json(Path("metrics/agreement.json")) == agreed
    assert "Cohen's kappa" in project.summary().splitlines()[-3]
    assert paths.HOLDOUT.read_text() == ""
    assert list(Path("data/stage1/models/0").iterdir()) != []
    summary = project.summary()
    assert summary.startswith("stage2 waits for 8 answers.\nNo row is held out, so nothing is measured.")
    [line] = [line for line in summary.splitlines() if line.startswith("| stage1")]
    agreement, validated, sure = (cell.strip() for cell in line.split("|")[3:6])
    assert agreement == ""
    assert 0 <= float(validated) <= 1
    assert 0.5 <= float(sure) <= 1
    assert not Path("metrics/summary.json").exists()


def test_a_holdout_that_is_answered_in_part_measures_by_those_rows(first):
    first.answer_all("stage1")
    state = Labelling()
    for _ in range(7):
        text = next_open(state, "holdout")
        state.answer("anna", text.key, first.truth[text.text])
    first.repro()
    assert (np.load("data/holdout_labels.npy") >= 0).sum() == 7
    assert "The holdout waits for 13 of 20 answers." in first.summary()
    assert "On 7 rows of the holdout" in first.summary()
    assert artifacts.load_json(Path("metrics/bucketed/stage1.json"))["accuracy"] * 7 == pytest.approx(
        round(artifacts.load_json(Path("metrics/bucketed/stage1.json"))["accuracy"] * 7), abs=1e-4
    )


def test_more_rows_of_the_holdout_and_of_a_round_at_once_are_rows_of_the_pool_of_now(first):
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


def test_a_holdout_without_an_answer_says_that_nothing_is_measured_yet(first):
    first.answer_all("stage1")
    first.repro()
    assert first.summary() == (
        "stage2 waits for 8 answers.\nThe holdout waits for 20 of 20 answers.\nUntil there are some, nothing is measured.\n"
    )


def test_the_holdout_grows_where_more_is_asked_for_and_its_rows_are_never_trained_on(first, capsys):
    first.answer_all("holdout")
    held = asked.keys("holdout")
    first.change({"prepare": {"holdout_rows": 25}})
    assert "holdout holds 20 rows, holdout_rows asks for 25: make ask adds 5" in waits(capsys)
    first.ask("holdout")
    assert asked.keys("holdout")[:20] == held
    first.repro("buy_labels@stage1")
    assert len(artifacts.texts(paths.HOLDOUT)) == 25
    assert len(artifacts.texts(paths.POOL)) == 95
    assert set(asked.keys("holdout")) & set(asked.keys("stage1")) == set()

    state = Labelling()
    state.answer("anna", held[0], "?")
    assert "holdout holds 24 rows, holdout_rows asks for 25: make ask adds 1" in waits(capsys)
    first.ask("holdout")
    assert len(asked.keys("holdout")) == 26


# ---- what people write into tables


def filled(project, wrong: dict[int, str] | None = None) -> list[list[str]]:
    """The cells of labels/stage1.csv with their labels; `wrong` puts another word into a row."""
    header, *rows = csv.reader(Path("labels/stage1.csv").read_text(encoding="utf-8-sig").splitlines())
    for number, row in enumerate(rows, start=1):
        row[-1] = (wrong or {}).get(number, project.truth[row[1]])
    return [header, *rows]


def write(file: str, rows: list[list[str]], delimiter: str = ",") -> None:
    with Path(file).open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, delimiter=delimiter).writerows(rows)


def test_a_table_that_was_filled_in_is_read_once_by_command_and_not_by_itself(first, capsys):
    write("labels/stage1.csv", filled(first), ";")
    assert "labels/stage1.csv holds 12 labels that were not read yet: make answers FILE=labels/stage1.csv" in waits(capsys)
    first.repro("buy_labels@stage1")
    assert set(labels_of("stage1")) == {-1}
    read_answers.main("labels/stage1.csv", "anna")
    assert "labels/stage1.csv: 12 answers; of anna 12 are new, of which 0 change an earlier one" in said(capsys)
    assert waits(capsys)[0] == WAITS.format("holdout", 20, 20)
    assert not any("not read yet" in line for line in waits(capsys))
    read_answers.main("labels/stage1.csv", "anna")
    assert len(journal.history("anna")) == 12


def test_a_table_with_a_label_that_is_no_class_is_refused_whole(first):
    write("back.csv", filled(first, {3: "Positive", 5: "POS"}))
    with pytest.raises(Refused) as refused:
        read_answers.main("back.csv", "anna")
    message = str(refused.value)
    assert "back.csv, row 3: label = Positive, which is no class; possible: neg, pos, ?" in message
    assert "back.csv, row 5: label = POS, which is no class; possible: neg, pos, ?; did you mean pos?" in message
    assert message.endswith("nothing was read")
    assert journal.annotators() == []


def test_a_text_that_was_edited_is_told_and_the_key_decides(first, capsys):
    rows = filled(first)
    rows[2][1] = "somebody mended this"
    write("back.csv", rows)
    read_answers.main("back.csv", "anna")
    assert "back.csv: 1 texts differ from those asked for, the first in row 2: the key decides" in said(capsys)
    assert len(first.answered()) == 12


def test_one_text_with_two_labels_in_a_table_and_a_broken_key_are_refused(first):
    rows = filled(first)
    other = {"pos": "neg", "neg": "pos"}[rows[1][-1]]
    write("back.csv", [*rows, [*rows[1][:-1], other]])
    with pytest.raises(Refused, match=r"back.csv, rows 1 and 13: one text has two labels"):
        read_answers.main("back.csv", "anna")
    rows[4][0] = "1.23E+24"
    write("back.csv", rows)
    with pytest.raises(Refused, match=r"back.csv, row 4: key = 1.23E\+24|row 4: key = '1.23E\+24', possible: t and 24"):
        read_answers.main("back.csv", "anna")
    assert journal.annotators() == []


def test_an_empty_label_is_no_answer_and_cannot_say_is_one(first):
    write("back.csv", filled(first, {1: "", 2: " ? "}))
    read_answers.main("back.csv", "anna")
    answered = first.answered()
    assert len(answered) == 11
    assert answered[asked.keys("stage1")[1]] == "?"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("",), "FILE= is empty"),
        (("nowhere.csv",), "FILE=nowhere.csv: no such file"),
        (("nowhere.jsonl",), "FILE=nowhere.jsonl cannot be read"),
        (("params.yaml", "a/b"), "WHO='a/b': possible: letters"),
        (("other.csv",), "other.csv has columns a, b, possible: label, and key or text"),
    ],
)
def test_what_cannot_be_read_as_answers_is_refused(first, words, message):
    Path("other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Refused) as refused:
        read_answers.main(*words)
    assert message in str(refused.value)


def test_where_enough_is_labelled_nothing_more_is_asked(first, capsys):
    def repro(target):
        first.repro(target)
        if target == "select_stageN@stage3":  # finds that it is enough
            rounds.save_labelled("stage3", rows_of("stage2"), "stage2", ended_after="stage2", ended_because="sufficient")

    first.answer_all("holdout")
    for stage in ("stage1", "stage2"):
        first.answer_all(stage)
        ask.main(repro=repro)
    assert not asked.file_of("stage3").exists()
    assert "stage3: nothing to ask, stage2 was sufficient" in said(capsys)
    assert waits(capsys) == ["stage3 asks for nothing: stage2 was sufficient"]


def test_guidelines_are_named_and_refused_where_they_are_missing(project, capsys):
    Path("GUIDE.md").write_text("Sarcasm is neg.")
    project.change({"labels": {"guide": "GUIDE.md"}})
    project.ask()
    assert "guidelines: GUIDE.md" in said(capsys)
    assert Labelling().guide == "Sarcasm is neg."
    Path("GUIDE.md").unlink()
    with pytest.raises(Refused, match=r"labels.guide = GUIDE.md: .*; name a text file in UTF-8, or none"):
        _ = Labelling().guide


def test_other_forms_and_rounds_than_there_are_are_refused(project):
    with pytest.raises(Refused, match=r"FORMAT=xls: no such format; possible: csv"):
        ask.main("", "", "xls")
    with pytest.raises(Refused, match=r"STAGE=stage9: no such round; possible: holdout, stage1, stage2, stage3"):
        project.ask("stage9")
    project.change({"labels": {"from": "dataset"}})
    for command in (project.ask, waiting.main, lambda: read_answers.main("f.csv"), lambda: find.main("word")):
        with pytest.raises(Refused, match=r"labels.from = dataset: the data set has the labels"):
            command()
    waiting.main("repro")  # make repro says nothing there


def test_make_hands_over_any_file_words_and_name(first):
    Path("stages").symlink_to(ROOT / "stages")
    write("a $(file) 'of' \"1\".csv", filled(first))

    def make(*words: str) -> list[str]:
        command = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/installed", *words]
        done = subprocess.run(command, env=first.environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    said = make("answers", "FILE=a $$(file) 'of' \"1\".csv", "WHO=jürgen")
    assert said[0] == "a $(file) 'of' \"1\".csv: 12 answers; of jürgen 12 are new, of which 0 change an earlier one"
    assert journal.annotators() == ["jürgen"]
    assert any(line.startswith("labels/stage1.csv: 2 rows added, of ") for line in make("find", "WORDS=dull bad", "MOST=2"))
    assert WAITS.format("stage1", 2, 14) in make("waiting")


def test_an_answer_to_a_key_that_is_no_text_is_refused_on_the_page_and_a_class_that_is_none_too(first):
    state = Labelling()
    with pytest.raises(Refused, match="no text of the data set"):
        state.answer("anna", keys.key("never seen"), "pos")
    with pytest.raises(Refused, match=r"label = Pos, which is no class; .*did you mean pos\?"):
        state.answer("anna", next_open(state, "holdout").key, "Pos")
    assert journal.annotators() == []
    state.answer("anna", next_open(state, "holdout").key, "pos")
    assert len(state.open_keys("holdout")) == 19
    assert state.open_round() == "holdout"
    assert list(first.answered().values()) == ["pos"]


def test_an_answer_that_came_while_the_stage_ran_is_told(first, capsys):
    first.repro("collect_answers")
    capsys.readouterr()
    waiting.main()
    assert "labels/ has changed" not in capsys.readouterr().out
    first.answer_all("stage1")
    waiting.main()
    assert "labels/ has changed since it was read: make repro reads it again" in capsys.readouterr().out
