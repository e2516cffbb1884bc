"""People give a text several labels, or none, in spreadsheets, labelling tools and guesses; make add brings such texts."""

import csv
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from stages.commands import add, guesses
from stages.commands import answers as read_answers
from stages.core import task
from stages.core.base import keys, paths
from stages.core.base.errors import Refused
from stages.core.people import tasks
from stages.core.people.records import asked, journal
from stages.core.people.tools import argilla, doccano, formats, label_studio, prodigy
from stages.core.people.tools.exchange import Task
from stages.core.reporting.annotators import agreement
from tests.support.people import PEOPLE, Labelled
from tests.support.project import ROOT, InProcess

CLASSES = ["anger", "fear", "joy"]
TEXTS = [f"text {number}" for number in range(8)]
KEYS = list(map(keys.key, TEXTS))
SAID = [["fear", "joy"], ["joy"], [], ["anger", "fear", "joy"]]  # what a person says of the first four
WRITTEN = dict(zip(KEYS, ["fear; joy", "joy", "-", "anger; fear; joy"]))


@pytest.fixture
def project(tmp_path, monkeypatch) -> InProcess:
    """Texts without labels; stage1 asks for the first four."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    project = InProcess(tmp_path)
    labels = {"from": "people", "kind": "multi", "classes": CLASSES}
    project.change(PEOPLE | {"labels": labels, "prepare": {"dataset": "old.csv", "holdout_rows": 0}, "train_final": {"arms": []}})
    write_table("old.csv", [["text", "label"], *([text, ""] for text in TEXTS)])
    project.call("prepare")
    asked.add("stage1", [asked.Row(key, text) for key, text in zip(KEYS[:4], TEXTS)])
    return project


def write_table(file: str, rows: list[list[str]]) -> None:
    with Path(file).open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)


def read(file: str, content, *words: str) -> dict[str, dict[str, str]]:
    """Everybody's answers after make answers read a file with this content, taken back again from disk."""
    if isinstance(content, list) and isinstance(content[0], list):
        write_table(file, content)
    else:
        Path(file).write_text("".join(json.dumps(record) + "\n" for record in content), encoding="utf-8")
    read_answers.main(file, *words)
    found = {who: Labelled.answered(who) for who in journal.annotators()}
    shutil.rmtree(journal.FOLDER)
    shutil.rmtree(journal.COPY, ignore_errors=True)
    return found


# ---- spreadsheets


def test_a_cell_holds_several_names_none_of_them_no_answer_or_cannot_say(project):
    cells = ["joy ;fear", "joy", "-", '["joy", "anger", "fear"]', "", " ? "]
    expected = WRITTEN | {KEYS[5]: "?"}
    assert read("own.csv", [["key", "label"], *map(list, zip(KEYS, cells))], "anna") == {"anna": expected}
    rows = [{"key": key, "label": label} for key, label in zip(KEYS, [["joy", "fear"], "joy", [], "joy; anger;fear", None, "?"])]
    assert read("own.jsonl", rows, "anna") == {"anna": expected}
    two = [["text", "label_anna", "label_bob"], [TEXTS[0], "fear;joy", "-"], [TEXTS[1], "", "joy"]]
    assert read("two.csv", two) == {"anna": {KEYS[0]: "fear; joy"}, "bob": {KEYS[0]: "-", KEYS[1]: "joy"}}
    whose = [["text", "label", "by"], [TEXTS[0], "fear;joy", "anna"], [TEXTS[0], "joy", "bob"], [TEXTS[1], "", ""]]
    assert read("whose.csv", whose, "", "", "by") == {"anna": {KEYS[0]: "fear; joy"}, "bob": {KEYS[0]: "joy"}}
    marks = [["key", "label", "joy", "fear", "anger"], [KEYS[0], "", "1", "TRUE", "0"], [KEYS[2], "", "0", "0", "0"]]
    assert read("marks.csv", [*marks, [KEYS[3], "", "", "", ""]], "anna") == {"anna": {KEYS[0]: "fear; joy", KEYS[2]: "-"}}
    project.change({"prepare": {"label_separator": "|"}})
    assert read("bar.csv", [["key", "label"], [KEYS[0], "joy| fear"], [KEYS[3], "joy;fear;anger"]], "anna") == {
        "anna": {KEYS[0]: "fear; joy", KEYS[3]: "anger; fear; joy"}
    }


def test_a_table_may_have_a_column_for_each_label_beside_or_instead_of_label(project):
    head = ["key", "Anger", "fear ", "joy", "label"]
    rows = [["", 1, 1.0, ""], [0, 0, 1, ""], [0, 0, 0, ""], ["", "", "", "anger; fear; joy"], ["", "", "", ""], ["", "", "", "?"]]
    project.change({"prepare": {"missing_labels": ["?"]}})  # among the labels of the data set
    expected = WRITTEN | {KEYS[5]: "?"}
    assert read("wide.csv", [head, *([key, *row] for key, row in zip(KEYS, rows))], "anna") == {"anna": expected}


def test_what_no_label_can_be_is_refused_with_its_row(project):
    for rows, message in (
        ([["key", "label"], [KEYS[0], "joy"], [KEYS[1], "joy; Fear"]], r"row 2: label = Fear, which is no class; .*mean fear"),
        ([["key", "label"], [KEYS[0], "joy"], [KEYS[0], "joy; fear"]], "rows 1 and 2: one text has two labels, joy and fear; joy"),
        ([["key", *CLASSES], [KEYS[0], "1", "0", "2"]], "column joy, row 1: found 2, possible: 1 and 0"),
        ([["key", "fear", "joy"], [KEYS[0], "1", "0"]], "columns key, fear, joy, possible: label, and key or text"),
    ):
        write_table("own.csv", rows)
        with pytest.raises(Refused, match=rf"own.csv.*{message}"):
            read_answers.main("own.csv", "anna")
    assert journal.annotators() == []


def test_a_program_may_guess_a_list_and_a_text_is_wrong_if_any_label_differs(project, capsys):
    labels = [["joy", "fear"], "joy", [], "joy;fear"]
    Path("g.jsonl").write_text("".join(json.dumps({"key": k, "label": label}) + "\n" for k, label in zip(KEYS, labels)))
    journal.append("anna", list(WRITTEN.items()))
    guesses.main("g.jsonl")
    [whole] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| in all")]
    assert [cell.strip() for cell in whole.split("|")[2:6]] == ["4", "4", "3", "75.0%"]
    Path("g.jsonl").write_text(json.dumps({"key": KEYS[0], "label": ["joy", "rage"]}) + "\n")
    with pytest.raises(Refused, match=r"g.jsonl, line 1: label = rage, which is no class"):
        guesses.main("g.jsonl")


@pytest.mark.parametrize("form", ["old.csv", "old.jsonl"])
def test_added_texts_bring_labels_in_the_form_of_the_data_set(project, form):
    shutil.rmtree("labels")
    rows = [[TEXTS[0], ["joy", "fear"]], [TEXTS[1], []], [TEXTS[2], None], *([text, ["joy"]] for text in TEXTS[3:])]
    if form == "old.csv":
        write_table(form, [["text", "label"], *([text, "-" if names == [] else ";".join(names or [])] for text, names in rows)])
    else:
        Path(form).write_text("".join(json.dumps({"text": text, "label": names}) + "\n" for text, names in rows))
    project.change({"prepare": {"dataset": form}})
    project.call("prepare")
    new = [("new a", ["joy", "anger"]), ("new b", []), ("new c", None)]
    Path("new.jsonl").write_text("".join(json.dumps({"text": text, "label": names}) + "\n" for text, names in new))
    add.main("new.jsonl")
    project.call("prepare")
    found = {line["text"]: row for line, row in zip(map(json.loads, paths.POOL.open()), np.load(paths.SOURCE_LABELS).tolist())}
    assert [found[text] for text, _ in new] == [[1, 0, 1], [0, 0, 0], [-1, -1, -1]]
    assert found[TEXTS[0]] == [0, 1, 1]
    before = Path(form).read_bytes()
    write_table("wrong.csv", [["text", "label"], ["new d", "joy"], ["new e", "joy;rage" if form == "old.csv" else "rage"]])
    with pytest.raises(Refused, match=r"wrong.csv, row 2: label = rage, which is no class; .*nothing was added"):
        add.main("wrong.csv")
    assert Path(form).read_bytes() == before


# ---- tools


def choices(names: list[str], **more) -> dict:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": names}}
    return {"completed_by": 1, "was_cancelled": False, "result": [region] if names else []} | more


def exported(tool: str, made: list[dict]) -> list[dict]:
    """The tool's export, once a person has said SAID; doccano and Argilla cannot submit an empty list, and have a label "-"."""
    said = {text: names for text, names in zip(TEXTS, SAID)}
    if tool == label_studio.NAME:
        return [{"id": 9, "data": each["data"], "annotations": [choices(said[each["data"]["text"]])]} for each in made]
    if tool == doccano.NAME:
        return [each | {"id": 3, "label": said[each["text"]] or ["-"], "Comments": []} for each in made]
    if tool == prodigy.NAME:
        return [each | {"accept": said[each["text"]], "answer": "accept"} for each in made]
    ends = {"": [], ".users": ["0a"], ".status": ["submitted"]}
    responses = {f"label.responses{end}": value for end, value in ends.items()}
    return [each | responses | {"label.responses": [said[each["text"]] or ["-"]]} for each in made]


@pytest.mark.parametrize("name", formats.TOOLS)
def test_tasks_come_back_with_several_labels_and_with_none(project, name):
    tasks.write(formats.TOOLS[name], ["stage1"], False)
    [file] = tasks.FOLDER.glob(f"stage1.{name}.json*")
    content = file.read_text(encoding="utf-8")
    made = json.loads(content) if file.suffix == ".json" else list(map(json.loads, content.splitlines()))
    assert read("back.jsonl", exported(name, made), "anna") == {"anna": WRITTEN}


def test_each_tool_is_told_that_a_text_may_have_several_labels():
    row = [Task(KEYS[0], TEXTS[0], ("fear", "joy"))]
    made = {tool.NAME: tool.tasks(row, CLASSES, "-") for tool in formats.TOOLS.values()}
    view = ElementTree.fromstring(made["label-studio"][".xml"])  # noqa: S314
    assert (view.find("Choices").get("choice"), view.find("Choices").get("required")) == ("multiple", "false")
    [record] = json.loads(made["label-studio"][".json"])
    assert record["predictions"][0]["result"][0]["value"] == {"choices": ["fear", "joy"]}
    assert [label["text"] for label in json.loads(made["doccano"]["-labels.json"])] == [*CLASSES, "-"]
    assert json.loads(made["doccano"][".jsonl"])["label"] == ["fear", "joy"]
    record = json.loads(made["prodigy"][".jsonl"])
    assert (record["config"], record["accept"]) == ({"choice_style": "multiple"}, ["fear", "joy"])
    assert json.loads(made["argilla"][".jsonl"])["label"] == ["fear", "joy"]
    one = [Task(KEYS[0], TEXTS[0], ("joy",))]
    assert 'choice="single" showInLine' in label_studio.tasks(one, CLASSES)[".xml"]
    assert json.loads(argilla.tasks(one, CLASSES)[".jsonl"])["label"] == "joy"
    assert "config" not in json.loads(prodigy.tasks(one, CLASSES)[".jsonl"])


def test_what_a_person_did_not_say_in_a_tool_is_no_answer(project, capsys):
    data = [{"gleaner_id": key, "text": text} for key, text in zip(KEYS, TEXTS)]
    annotated = [[choices(["joy"])], [choices([], was_cancelled=True)], []]
    records = [{"data": each, "annotations": own} for each, own in zip(data, annotated)]
    assert read("ls.jsonl", records, "anna") == {"anna": {KEYS[0]: "joy", KEYS[1]: "?"}}
    rows = [each | {"id": 1, "label": names} for each, names in zip(data, (["joy"], []))]
    assert read("doccano.jsonl", rows, "anna") == {"anna": {KEYS[0]: "joy"}}
    none = "1 records without an answer are ignored; give a text that has none of the labels the label -"
    assert none in capsys.readouterr().out
    more = ({"accept": [], "answer": "reject"}, {"accept": [], "answer": "ignore"}, {"label": "joy", "answer": "accept"})
    rows = [each | own for each, own in zip(data, ({"accept": ["joy", "fear"], "answer": "accept"}, *more))]
    assert read("prodigy.jsonl", rows, "anna") == {"anna": {KEYS[0]: "fear; joy", KEYS[2]: "?"}}  # a single label is not all
    table = [["id", "data", "label"], ["1", TEXTS[0], "joy#fear"], ["2", TEXTS[1], "-"], ["3", TEXTS[2], ""]]
    assert read("doccano.csv", [[*line, "" if at else "Comments"] for at, line in enumerate(table)], "anna") == {
        "anna": {KEYS[0]: "fear; joy", KEYS[1]: "-"}
    }


# ---- agreement


def test_agreement_over_label_sets_is_krippendorffs_alpha_with_the_distance_masi():
    """By hand: two people, three texts.

    fear, joy against joy: 1 - 1/2 x 2/3 = 2/3. anger, joy against fear, joy: 1 - 1/3 x 1/3 = 8/9. none against none: 0. Observed:
    (2/3 + 8/9 + 0) / 3 = 14/27. Expected, over the 15 pairs of the 6 answers {fj, j, aj, fj, none, none}: fj-j 2/3 twice, fj-aj 8/9
    twice, fj-fj 0, j-aj 2/3, none with any of the four others 1, eight times, none-none 0: (4/3 + 16/9 + 2/3 + 8) / 15 = 106/135.
    alpha = 1 - (14/27) / (106/135) = 36/106.
    """
    anna, bob = ["fear; joy", "anger; joy", "-"], ["joy", "fear; joy", "-"]
    answers = {f"t{i}": {"anna": one, "bob": other} for i, (one, other) in enumerate(zip(anna, bob))}
    found = agreement(answers | {"t3": {"anna": "joy", "bob": "?"}}, task.MULTI)
    assert found == {"annotators": 2, "texts": 3, "agreement": 0.3333, "krippendorff_alpha": round(36 / 106, 4)}
    assert agreement({"t0": {"anna": "-", "bob": "-"}}, task.MULTI)["krippendorff_alpha"] == 1
    apart = task.MULTI.distances([("a", "b"), ("a",), ("b", "c"), (), ("c",)])
    assert apart[0].tolist() == pytest.approx([0, 2 / 3, 8 / 9, 1, 1])
    assert (apart == apart.T).all()
