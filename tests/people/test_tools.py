"""Exports of Label Studio, doccano, Prodigy and Argilla are recognised and read once, with their annotators."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from stages.commands import answers as read_answers
from stages.core.base.errors import Refused
from stages.core.people import tasks
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal
from stages.core.people.tools import formats, label_studio
from stages.core.people.tools.exchange import Task
from tests.support.people import OTHER, Labelled
from tests.support.project import ROOT


@pytest.fixture
def project(unlabelled, tmp_path, monkeypatch) -> Labelled:
    """Texts without labels; nothing was asked yet."""
    project = unlabelled.entered(tmp_path / "a projéct", monkeypatch)
    project.repro("collect_answers")
    return project


@pytest.fixture
def texts(project) -> list:
    """Four texts of the pool: (key, text, true label)."""
    some = [text for text in Labelling().texts.values() if not text.in_holdout][:4]
    return [(text.key, text.text, project.truth[text.text]) for text in some]


def read(capsys, file: str, content, who: str = "") -> list[str]:
    """The lines that make answers prints about a file with this content."""
    Path(file).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    capsys.readouterr()
    read_answers.main(file, who)
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(file)]


def lines(records: list[dict]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def answered() -> dict[str, dict[str, str]]:
    return {who: Labelled.answered(who) for who in journal.annotators()}


def annotation(choices: list[str], by=1, control="label", **more) -> dict:
    region = {"from_name": control, "to_name": "text", "type": "choices", "value": {"choices": choices}, "origin": "manual"}
    return {"id": 7, "completed_by": by, "result": [region] if choices else [], "was_cancelled": False} | more


def task(text, *annotations, **more) -> dict:
    key, words, _ = text
    data = {"gleaner_id": key, "text": words}
    return {"id": 31, "annotations": list(annotations), "predictions": [], "data": data, "drafts": [], "meta": {}} | more


# ---- Label Studio


def test_label_studio_json_with_several_annotations_per_task_and_skipped_ones(project, texts, capsys):
    (a, _, first), (b, _, _), (c, _, third), _ = texts
    export = [
        task(texts[0], annotation([first]), annotation([OTHER[first]], by={"id": 2, "email": "bob@example.org"})),
        task(texts[1], annotation([], was_cancelled=True)),
        task(texts[2], annotation([third], by={"email": "carla@example.org"})),
        task(texts[3], annotation([])),
        task(texts[3]),
    ]
    assert read(capsys, "export.json", export) == [
        "export.json: taken for an export of Label Studio, JSON",
        "export.json: 1 records without an answer are ignored",
        "export.json: 2 answers; of label-studio-1 2 are new, of which 0 change an earlier one",
        "export.json: 1 answers; of label-studio-2 1 are new, of which 0 change an earlier one",
        "export.json: 1 answers; of label-studio-carla-example.org 1 are new, of which 0 change an earlier one",
    ]
    assert answered() == {
        "label-studio-1": {a: first, b: "?"},
        "label-studio-2": {a: OTHER[first]},
        "label-studio-carla-example.org": {c: third},
    }


def test_annotators_can_be_named(project, texts, capsys):
    export = [task(texts[0], annotation(["pos"]), annotation(["neg"], by=2))]
    read(capsys, "export.json", export, "1=anna 2=bob")
    assert set(answered()) == {"anna", "bob"}
    with pytest.raises(Refused, match=r"WHO=anna: export.json has answers of 1, 2; leave WHO out, or name each"):
        read(capsys, "export.json", export, "anna")
    with pytest.raises(Refused, match=r"WHO=3=carla: 3 is no annotator of export.json; possible: 1, 2"):
        read(capsys, "export.json", export, "3=carla")
    read(capsys, "one.json", export[:1], "1=anna")
    assert set(answered()) == {"anna", "bob", "label-studio-2"}
    read(capsys, "single.json", [task(texts[1], annotation(["pos"]))], "dora")
    assert answered()["dora"] == {texts[1][0]: "pos"}


def test_the_later_annotation_of_one_annotator_counts_in_any_order(project, texts, capsys):
    sooner, later = "2026-11-25T10:00:00.1Z", "2026-11-25T11:00:00.1Z"
    export = [task(texts[0], annotation(["neg"], updated_at=later), annotation(["pos"], updated_at=sooner))]
    read(capsys, "export.json", export)
    assert answered() == {"label-studio-1": {texts[0][0]: "neg"}}


def test_answers_keep_their_time_and_an_old_export_undoes_nothing_newer(project, texts, capsys):
    key = texts[0][0]
    old = [task(texts[0], annotation(["pos"], updated_at="2026-11-25T12:00:00.123456+02:00"))]
    read(capsys, "old.json", old, "anna")
    assert [(answer.label, answer.when) for answer in journal.history("anna")] == [("pos", "2026-11-25T10:00:00Z")]
    journal.append("anna", [(key, "neg", "2026-11-25T11:00:00Z")])  # on the page, say
    assert read(capsys, "old.json", old, "anna")[1:] == [
        "old.json: 1 answers; of anna 0 are new, of which 0 change an earlier one",
        "old.json: 1 are older than what anna answered here since, and are ignored",
    ]
    assert answered() == {"anna": {key: "neg"}}
    read(capsys, "new.json", [task(texts[0], annotation(["pos"], updated_at="2026-11-25T11:00:01Z"))], "anna")
    assert answered() == {"anna": {key: "pos"}}


def test_an_interrupted_import_is_completed_by_the_next(project, texts, capsys, monkeypatch):
    export = [task(texts[0], annotation(["pos"]), annotation(["pos"], by=2)), task(texts[1], annotation(["neg"], by=2))]
    append = journal.append

    def killed(who, given):
        if who == "label-studio-2":
            raise KeyboardInterrupt
        return append(who, given)

    monkeypatch.setattr(journal, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        read(capsys, "export.json", export)
    assert set(answered()) == {"label-studio-1"}
    monkeypatch.setattr(journal, "append", append)
    read(capsys, "export.json", export)
    assert {who: len(journal.history(who)) for who in journal.annotators()} == {"label-studio-1": 1, "label-studio-2": 2}


def test_controls_without_classes_are_ignored(project, texts, capsys):
    both = annotation(["pos"])
    both["result"] += annotation(["rude"], control="tone")["result"]
    both["result"] += [{"from_name": "note", "type": "textarea", "value": {"text": ["hm"]}}]
    read(capsys, "export.json", [task(texts[0], both)])
    assert answered() == {"label-studio-1": {texts[0][0]: "pos"}}


def test_two_labels_of_one_annotation_are_refused_and_nothing_is_read(project, texts, capsys):
    export = [task(texts[0], annotation(["pos"])), task(texts[1], annotation(["pos", "neg"]))]
    with pytest.raises(Refused, match=r"export.json, record 2: 2 labels \(pos, neg\), possible: one; set labels.kind to multi"):
        read(capsys, "export.json", export)
    assert answered() == {}


def rows_of(texts, control: str = "label", **first) -> list[dict]:
    """As JSON-MIN has them: a control that is named like a key of the data stands in its place."""
    about = {"annotator": 1, "created_at": "2026-11-25T10:00:00Z", "updated_at": "2026-11-25T10:00:00Z", "lead_time": 3.2}
    return [
        {"gleaner_id": key, "text": words, "id": number} | {control: label} | about | {"annotation_id": number} | first
        for number, (key, words, label) in enumerate(texts, start=1)
    ]


@pytest.mark.parametrize("control", ["label", "mood", "text"])
def test_label_studio_json_min_with_any_name_of_the_control(project, texts, capsys, control):
    output = read(capsys, "export.json", rows_of(texts, control))
    assert output == [
        "export.json: taken for an export of Label Studio, JSON-MIN or CSV",
        "export.json: 4 answers; of label-studio-1 4 are new, of which 0 change an earlier one",
    ]
    assert answered() == {"label-studio-1": {key: label for key, _, label in texts}}


@pytest.mark.parametrize("form", ["{}", '["{}"]', '{{"choices": ["{}"]}}'])
def test_label_studio_csv_with_choices_as_a_word_a_list_or_json(project, texts, capsys, form):
    rows = rows_of(texts)
    with Path("export.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, sorted(rows[0]), quoting=csv.QUOTE_NONNUMERIC)
        table.writeheader()
        table.writerows(row | {"label": form.format(row["label"])} for row in rows)
    read_answers.main("export.csv")
    assert answered() == {"label-studio-1": {key: label for key, _, label in texts}}
    capsys.readouterr()
    read_answers.main("export.csv")
    assert "export.csv: 4 answers; of label-studio-1 0 are new, of which 0 change an earlier one" in capsys.readouterr().out
    assert len(journal.history("label-studio-1")) == 4


def test_a_row_without_an_annotation_is_no_answer_even_if_the_data_has_a_label(project, texts, capsys):
    rows = rows_of(texts)
    rows[0] |= {"annotation_id": None, "annotator": {}}
    read(capsys, "export.json", rows)
    assert answered() == {"label-studio-1": {key: label for key, _, label in texts[1:]}}


@pytest.mark.parametrize("kind", ["labels", "taxonomy"])
def test_results_that_are_no_choices_are_named(project, texts, capsys, kind):
    region = {"from_name": "it", "to_name": "text", "type": kind, "value": {kind: [["pos"]], "start": 0, "end": 4}}
    export = [task(text, annotation([]) | {"result": [region]}) for text in texts]
    with pytest.raises(
        Refused, match=f"export.json, only results of <Choices> can be read, not of <Labels>, <Taxonomy> and others: .*{kind}"
    ):
        read(capsys, "export.json", export)
    export[0]["annotations"][0]["result"] += annotation(["pos"])["result"]  # beside a choice they are notes
    read(capsys, "export.json", export)
    assert answered() == {"label-studio-1": {texts[0][0]: "pos"}}


def test_a_control_lost_in_csv_is_reported(project, texts, capsys):
    rows = [{name: value for name, value in row.items() if name != "label"} for row in rows_of(texts)]
    with pytest.raises(Refused, match=r"export.json, columns text: none holds a class, possible: neg, pos; .*export as JSON"):
        read(capsys, "export.json", rows)


# Recorded from Label Studio 1.23.0: tasks of label_studio.tasks were imported with its config; two annotators answered three of
# five through the API, and one was skipped. In a second project the control is named text, like a key of the data.
EXPORTS = ROOT / "tests/people/exports"
SO_SO = 'so "so" & <so>'
RECORDED = {
    "label-studio-1": {"t62eaf68c10212ce23118af40": "pos", "tbcfb125137508d5ecf3445d2": SO_SO},
    "label-studio-2": {"t62eaf68c10212ce23118af40": "neg", "t2f97ca6ebca1064e29887139": "pos"},
}


def test_recorded_exports_of_label_studio_agree_in_all_formats(project, capsys):
    project.change({"labels": {"classes": ["neg", "pos", SO_SO]}})
    project.repro("collect_answers")
    for name in ("label-studio-min.json", "label-studio.csv", "control-named-text-min.json"):
        read_answers.main(str(EXPORTS / name))
        assert answered() == RECORDED, name
    read_answers.main(str(EXPORTS / "label-studio.json"))  # it alone has what was skipped
    skipped = answered()["label-studio-1"].keys() - RECORDED["label-studio-1"].keys()
    assert {answered()["label-studio-1"][key] for key in skipped} == {"?"}
    assert len(skipped) == 1
    assert [len(journal.history(who)) for who in journal.annotators()] == [3, 2]
    with pytest.raises(Refused, match=r"named-text.csv, columns text: none holds a class, possible: neg, pos, .*export as JSON"):
        read_answers.main(str(EXPORTS / "control-named-text.csv"))


# ---- tables of several people


def test_a_column_says_whose_a_label_is(project, texts, capsys):
    (a, first, one), (b, second, two), (_, third, _), _ = texts
    rows = [["Text", "label", "Rated by", "id"], [first, one, "Anna B", 1], [first, OTHER[one], "bob", 2]]
    rows += [[second, two, " bob", 3], [third, "", "", 4]]
    table = "".join(";".join(map(str, row)) + "\n" for row in rows)
    Path("both.csv").write_text(table, encoding="utf-8")
    read_answers.main("both.csv", "", "", "rated By")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("both.csv")][1:] == [
        "both.csv: 1 answers; of Anna-B 1 are new, of which 0 change an earlier one",
        "both.csv: 2 answers; of bob 2 are new, of which 0 change an earlier one",
    ]
    assert answered() == {"Anna-B": {a: one}, "bob": {a: OTHER[one], b: two}}
    read_answers.main("both.csv", "bob=eve", "", "rated by")
    assert answered()["eve"] == {a: OTHER[one], b: two}
    read_answers.main("both.csv", "", "1", "rated by")
    assert {who: own for who, own in answered().items() if own} == {"eve": {a: OTHER[one], b: two}}
    files = {file: file.read_bytes() for file in journal.FOLDER.iterdir()}
    for words, content, message in (
        (("", "", "who"), table, r"WHO_COLUMN=who: both.csv has no such column; possible: text, label, rated by, id$"),
        (("", "", "rated by"), table.replace(" bob", " "), r"both.csv, row 3: rated by is empty; name who gave the label"),
        (("", "", "rated by"), table.replace(" bob", ".x"), r"WHO='.x': possible: letters, digits"),
        (
            ("", "", "rated by"),
            table.replace("Anna B", "bob"),
            r"both.csv, rows 1 and 2: one text has two labels, .*nothing was read",
        ),
        (("", "", "rated by"), table.replace(f"{two}; bob", "posi; bob"), r"both.csv, row 3: label = posi, .*nothing was read"),
        (("anna", "", "rated by"), table, r"WHO=anna: both.csv has answers of Anna B, bob; leave WHO out, or name each"),
        (("", "", "rated by"), table.replace("label", "label_anna"), r"both.csv has columns .*, possible: label, and key or text"),
    ):
        Path("both.csv").write_text(content, encoding="utf-8")
        with pytest.raises(Refused, match=message):
            read_answers.main("both.csv", *words)
    assert {file: file.read_bytes() for file in journal.FOLDER.iterdir()} == files


def test_each_annotator_may_have_a_column(project, texts, capsys):
    (a, _, one), (b, _, two), (c, _, three), _ = texts
    table = f"key,Label_Anna,label: bob,note\n{a},{one},{OTHER[one]},x\n{b},?,{two},\n{c},,{three},\n"
    read(capsys, "both.csv", table)
    assert answered() == {"Anna": {a: one, b: "?"}, "bob": {a: OTHER[one], b: two, c: three}}
    read(capsys, "both.csv", table, "Anna=anna")
    assert set(answered()) == {"Anna", "anna", "bob"}
    with pytest.raises(Refused, match=r"both.csv, row 2: label = Neg, which is no class"):
        read(capsys, "both.csv", table.replace(f"?,{two}", "?,Neg"))
    read(capsys, "label.csv", f"key,label,label_bob\n{a},{one},{OTHER[one]}\n", "dora")  # label alone counts
    assert answered()["dora"] == {a: one}


# ---- doccano, Prodigy, Argilla


def test_doccano_jsonl_and_csv(project, texts, capsys):
    (a, first, one), (b, second, two), (c, third, _), _ = texts
    records = [
        {"id": 4, "text": first, "label": [one], "Comments": [], "gleaner_id": a},
        {"id": 5, "text": second, "label": [two], "Comments": ["hm"], "gleaner_id": b},
        {"id": 6, "text": third, "label": [], "Comments": [], "gleaner_id": c},
    ]
    assert read(capsys, "all.jsonl", lines(records), "anna") == [
        "all.jsonl: taken for an export of doccano, JSONL",
        "all.jsonl: 1 records without an answer are ignored",
        "all.jsonl: 2 answers; of anna 2 are new, of which 0 change an earlier one",
    ]
    assert answered() == {"anna": {a: one, b: two}}
    table = f'id,data,label\n4,"{first}",{one}\n5,"{second}",{two}\n6,"{third}",\n'  # without a key, by the text
    output = read(capsys, "all.csv", table, "anna")
    assert output[0] == "all.csv: taken for an export of doccano, CSV"
    assert output[-1] == "all.csv: 2 answers; of anna 0 are new, of which 0 change an earlier one"
    with pytest.raises(Refused, match=r"all.csv, record 1: 2 labels \(neg, pos\), possible: one"):
        read(capsys, "all.csv", f'id,data,label\n4,"{first}",neg#pos\n')


def test_a_class_may_contain_doccanos_separator(project, capsys, texts):
    project.change({"labels": {"classes": ["C#", "neg", "pos"]}})
    project.repro("collect_answers")
    read(capsys, "all.csv", f'id,data,label\n4,"{texts[0][1]}",C#\n', "anna")
    assert answered() == {"anna": {texts[0][0]: "C#"}}


def test_prodigy_accepts_rejects_and_ignores(project, texts, capsys):
    (a, first, one), (b, second, two), (c, third, _), (d, fourth, _) = texts
    records = [
        {"text": first, "gleaner_id": a, "accept": [one], "answer": "accept", "_annotator_id": "films-anna", "_timestamp": 9},
        {"text": second, "meta": {"gleaner_id": b}, "label": two, "answer": "accept", "_annotator_id": "2026-11-25_10-00-00"},
        {"text": third, "gleaner_id": c, "label": "pos", "answer": "reject", "_annotator_id": "films-anna"},
        {"text": fourth, "gleaner_id": d, "accept": [], "answer": "ignore", "_annotator_id": "films-anna"},
        {
            "text": first,
            "gleaner_id": a,
            "accept": [OTHER[one]],
            "answer": "accept",
            "_annotator_id": "films-anna",
            "_timestamp": 8,
        },
    ]
    output = read(capsys, "out.jsonl", lines(records), "=me films-anna=anna")
    assert output[:2] == ["out.jsonl: taken for an export of Prodigy", "out.jsonl: 1 records without an answer are ignored"]
    assert answered() == {"anna": {a: one, d: "?"}, "me": {b: two}}
    records[3]["answer"] = "skip"
    with pytest.raises(
        Refused, match=r"out.jsonl, record 4: answer = skip, possible: accept, reject, ignore; correct it; nothing was"
    ):
        read(capsys, "out.jsonl", lines(records))


def test_prodigys_numeric_ids_mean_the_options_text(project, texts, capsys):
    options = [{"id": 0, "text": "neg"}, {"id": 1, "text": "pos"}]
    records = [
        {"text": words, "gleaner_id": key, "options": options, "accept": [("neg", "pos").index(label)], "answer": "accept"}
        for key, words, label in texts
    ]
    read(capsys, "out.jsonl", lines(records), "anna")
    assert answered() == {"anna": {key: label for key, _, label in texts}}
    records[0]["options"] = [{"id": "neg", "text": "It was bad"}, {"id": "pos", "text": "It was good"}]  # the id is the class
    records[0]["accept"] = ["pos"]
    read(capsys, "out.jsonl", lines(records[:1]), "bob")
    assert answered()["bob"] == {texts[0][0]: "pos"}


def responses(text, values, users, status, question="label") -> dict:
    key, words, _ = text
    name = f"{question}.responses"
    return {
        "id": key, "status": "completed", "_server_id": "5e0c", "text": words, "label.suggestion": "pos",
        name: values, f"{name}.users": users, f"{name}.status": status,
    }  # fmt: skip


def test_only_submitted_responses_of_argilla_count(project, texts, capsys):
    anna, bob = "0a1b-anna", "9c8d-bob"
    records = [
        responses(texts[0], ["pos", "neg"], [anna, bob], ["submitted", "discarded"]),
        responses(texts[1], ["neg", "pos"], [anna, bob], ["submitted", "submitted"]),
        responses(texts[2], ["pos"], [bob], ["draft"]),
        responses(texts[3], None, None, None),
    ]
    output = read(capsys, "records.json", records, f"{anna}=anna")
    assert output[0] == "records.json: taken for records of Argilla"
    assert answered() == {"anna": {texts[0][0]: "pos", texts[1][0]: "neg"}, "argilla-9c8d-bob": {texts[1][0]: "pos"}}
    assert all(" 0 are new" in line for line in read(capsys, "records.json", records, f"{anna}=anna")[1:])
    records[1]["label.responses.users"] = [anna]
    with pytest.raises(Refused, match=r"records.json, record 2: label: 2 responses, 1 users, 2 status, possible: as many of each"):
        read(capsys, "records.json", records)
    records[1] = responses(texts[1], "pos", [anna], ["submitted"])
    with pytest.raises(Refused, match=r"record 2: label.responses = pos, possible: a list; export as JSON"):
        read(capsys, "records.json", records)
    records[1] = responses(texts[1], ["pos"], [anna], ["done"])
    with pytest.raises(Refused, match=r"record 2: label.responses.status = done, possible: submitted, discarded, draft, pending"):
        read(capsys, "records.json", records)


# ---- any tool


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"gleaner_id": "1.2E+24", "text": "x"}}, "record 1: key = '1.2E+24', possible: t and 24 hexadecimal"),
        ({"data": {"review": "x"}}, "export.json, record 1: holds id, annotations, predictions, data,"),
        ({"annotations": 3}, "export.json, record 1: annotations = 3, possible: a list of objects"),
        ({"annotations": [annotation(["Pos"])]}, "label = Pos, which is no class; possible: neg, pos, ?; did you mean pos?"),
        ({"annotations": [annotation([{"a": 1}])]}, "export.json, record 1: label = {'a': 1}, possible: a class"),
    ],
)  # fmt: skip
def test_an_unusable_record_refuses_the_whole_file(project, texts, capsys, change, message):
    export = [task(texts[0], annotation(["pos"])) | change, task(texts[1], annotation(["pos"]))]
    with pytest.raises(Refused) as refused:
        read(capsys, "export.json", export)
    assert message in str(refused.value)
    assert str(refused.value).endswith("nothing was read")
    assert answered() == {}


def test_two_controls_with_classes_are_refused(project, texts, capsys):
    both = annotation(["pos"])
    both["result"] += annotation(["neg"], control="second")["result"]
    with pytest.raises(Refused, match=r"under label, second \(label: pos; second: neg\), possible: one of them"):
        read(capsys, "export.json", [task(texts[0], both)])


def test_former_labels_are_read_once_under_their_new_names(project, texts, capsys):
    project.change({"labels": {"classes": ["good", "neg"], "rename": {"pos": "good"}}})
    project.repro("collect_answers")
    journal.append("anna", [(texts[0][0], "pos")])
    output = read(capsys, "export.json", [task(texts[0], annotation(["pos"])), task(texts[1], annotation(["pos"]))], "anna")
    assert output[-1] == "export.json: 2 answers; of anna 1 are new, of which 0 change an earlier one"
    assert answered() == {"anna": {texts[0][0]: "pos", texts[1][0]: "good"}}


# ---- tasks for tools


def answer_tasks(tool: str, name: str, truth: dict[str, str]) -> list[dict]:
    """The export of a tool after an annotator has answered all its tasks."""
    file = next(Path("tasks").glob(f"{name}.{tool}.json*"))
    content = file.read_text(encoding="utf-8")
    made: list = json.loads(content) if file.suffix == ".json" else [json.loads(line) for line in content.splitlines()]
    if tool == "label-studio":
        return [{"id": 9, "data": each["data"], "annotations": [annotation([truth[each["data"]["text"]]])]} for each in made]
    label = {each["text"]: truth[each["text"]] for each in made}
    if tool == "doccano":
        return [each | {"id": 3, "label": [label[each["text"]]], "Comments": []} for each in made]
    if tool == "prodigy":
        assert all(option["id"] in ("neg", "pos") for each in made for option in each["options"])
        return [each | {"accept": [label[each["text"]]], "answer": "accept"} for each in made]
    return [responses((each["id"], each["text"], ""), [label[each["text"]]], ["0a"], ["submitted"]) for each in made]


@pytest.mark.slow
def test_tasks_come_back_by_their_keys(project, capsys):
    project.ask("", "", "label-studio")
    output = capsys.readouterr().out
    assert "tasks/holdout.label-studio.json: 20 tasks" in output
    assert "tasks/stage1.label-studio.json: 12 tasks" in output
    assert "tasks/stage1.label-studio.xml: the classes" in output
    for tool in formats.TOOLS.values():
        tasks.write(tool, None, False)
    for name in formats.TOOLS:
        read(capsys, "back.json", answer_tasks(name, "stage1", project.truth), name)
        assert {Labelling().texts[key].text: label for key, label in answered()[name].items()}.items() <= project.truth.items()
        assert len(answered()[name]) == 12
    assert Labelling().open_keys("stage1") == []
    tasks.write(label_studio, ["stage1"], False)
    assert "stage1: every row is answered, no tasks are written" in capsys.readouterr().out


@pytest.mark.slow
def test_guesses_are_written_only_on_request_and_never_for_the_holdout(project, capsys):
    project.ask()
    project.answer_all("stage1")
    project.ask()
    state = Labelling()
    predicted = np.load("data/stage2/predicted.npy", allow_pickle=False)[0]
    guess = {key: state.classes[predicted[state.texts[key].row]] for key in state.keys_of("stage2")}
    assert set(guess.values()) <= {"neg", "pos"}
    for tool in formats.TOOLS.values():
        output = []
        for predict in (False, True):
            capsys.readouterr()
            tasks.write(tool, None, predict)
            [file] = Path("tasks").glob(f"stage2.{tool.NAME}.json*")
            output.append(file.read_text(encoding="utf-8"))
        assert "holdout: no model has predicted these rows" in capsys.readouterr().out
        for shown, content in zip(({}, guess), output):
            rows = [Task(key, state.texts[key].text, (shown[key],) if key in shown else ()) for key in guess]
            assert content == next(iter(tool.tasks(rows, state.classes).values()))
        assert output[0] != output[1]


def test_classes_are_escaped_in_the_labelling_config_and_the_first_nine_have_a_key():
    classes = ['a "b" & <c>', *map(str, range(10))]
    config = label_studio.config(classes)
    view = ElementTree.fromstring(config)  # noqa: S314
    choices = view.findall("Choices/Choice")
    assert [choice.get("value") for choice in choices] == classes
    assert [choice.get("hotkey") for choice in choices] == [*map(str, range(1, 10)), None, None]
    assert view.find("Text").get("value") == "$text"
