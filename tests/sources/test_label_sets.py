"""Texts with several labels as data sets have them, and what is no such thing."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from stages import prepare
from stages.core.base import params, paths
from stages.core.base.errors import Refused
from tests.support.project import ROOT


def prepared(tmp_path, monkeypatch, rows, kind="auto", name="d.jsonl", **changes):
    """(classes as stored, label of each text) of a data set of these rows, dicts or lines of a csv."""
    monkeypatch.chdir(tmp_path)
    lines = rows if name.endswith("csv") else [json.dumps(row) for row in rows]
    Path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    settings = yaml.safe_load((ROOT / "params.yaml").read_text())
    settings["prepare"] |= {"dataset": name, "holdout_share": 0.3} | changes
    settings["labels"]["kind"] = kind
    params.PATH.write_text(yaml.safe_dump(settings))
    prepare.main()
    classes = json.loads(paths.CLASSES.read_text())
    names = classes["several"] if isinstance(classes, dict) else classes
    found = {}
    for texts, labels in ((paths.POOL, paths.SOURCE_LABELS), (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS)):
        for line, value in zip(texts.read_text().splitlines(), np.load(labels), strict=True):
            found[json.loads(line)["text"]] = {names[i] for i in np.flatnonzero(value)} if value.ndim else names[value]
    return classes, found


SETS = [["joy"], ["fear"], ["joy", "fear"], [], ["love", "joy"], ["love"]] * 10


def rows_of(label_of, sets=SETS):
    return [{"text": f"text {number}", "label": label_of(labels)} for number, labels in enumerate(sets)]


EXPECTED = {f"text {number}": set(labels) for number, labels in enumerate(SETS)}
SEVERAL = {"several": ["fear", "joy", "love"]}


@pytest.mark.parametrize(
    "label_of", [list, json.dumps, lambda labels: str(labels), lambda labels: "|".join(labels), lambda labels: "; ".join(labels)]
)
def test_lists_and_joined_names_are_several_labels_and_none_is_none(tmp_path, monkeypatch, capsys, label_of):
    assert prepared(tmp_path, monkeypatch, rows_of(label_of)) == (SEVERAL, EXPECTED)
    out = capsys.readouterr().out
    assert "prepare: texts may have several labels: 1." in out
    assert ("with ; between them" in out) == (label_of(["a", "b"]) == "a; b")


def test_a_column_of_0_and_1_for_each_label(tmp_path, monkeypatch):
    lines = ["text,joy,fear,love,other"]
    lines += [
        f"text {n},{','.join(str(int(name in labels)) for name in ('joy', 'fear', 'love'))},7" for n, labels in enumerate(SETS)
    ]
    for columns in (["joy", "fear", "love"], ["joy..love"]):
        assert prepared(tmp_path, monkeypatch, lines, name="d.csv", label_columns=columns) == (SEVERAL, EXPECTED)
    blank = prepared(
        tmp_path, monkeypatch, [*lines, "blank,1,,0,7", "hidden,-1,-1,-1,7"], name="d.csv", label_columns=["joy..love"]
    )
    assert blank == (SEVERAL, EXPECTED)  # missing, and so left out
    for columns, said in (
        (["joy..other"], "column other, row 1: found 7, possible: 1 and 0"),
        (["joy", "feer"], "feer is no column, or no columns in that order; possible: text, joy, .* did you mean fear?"),
        (["love..joy"], "love..joy is no column, or no columns in that order"),
        (["joy"], "1 different columns of 1; possible: two or more"),
    ):
        with pytest.raises(Refused, match=said):
            prepared(tmp_path, monkeypatch, lines, name="d.csv", label_columns=columns)
    with pytest.raises(Refused, match=r"labels\.kind is single; set it to multi"):
        prepared(tmp_path, monkeypatch, lines, kind="single", name="d.csv", label_columns=["joy..love"])


def test_rows_of_one_text_with_different_labels_are_one_only_with_multi(tmp_path, monkeypatch, capsys):
    rows = [row | {"label": label} for row in rows_of(list) for label in row["label"]]
    classes, found = prepared(tmp_path, monkeypatch, rows, kind="multi")
    assert (classes, found) == (SEVERAL, {text: labels for text, labels in EXPECTED.items() if labels})
    assert "20 texts have their labels on several rows, which are joined" in capsys.readouterr().out
    classes, found = prepared(tmp_path, monkeypatch, rows)
    assert (classes, len(found)) == (["fear", "joy", "love"], 30)


@pytest.mark.parametrize(
    "labels",
    [
        ["Berlin, Germany", "Bonn, Germany", "Berlin", "Bonn"] * 10,  # Germany is no label
        ["1,5", "2,5", "1", "2", "5"] * 10,  # numbers
        ["joy;fear", "fear;love", "love;joy"] * 10,  # no part stands alone
        [*["joy", "fear"] * 30, "joy;fear"],  # one row in 61
        ["[0, 1, 1]", "[1, 0, 0]"] * 10,
    ],
)
def test_a_data_set_of_one_label_a_text_stays_one(tmp_path, monkeypatch, labels):
    rows = [{"text": f"text {number}", "label": label} for number, label in enumerate(labels)]
    classes, found = prepared(tmp_path, monkeypatch, rows)
    assert classes == sorted(set(labels))
    assert list(found.values()).count(labels[0]) == labels.count(labels[0])


@pytest.mark.parametrize(
    ("sets", "kind", "changes", "said"),
    [
        (SETS, "single", {}, "2 labels .joy, fear.; set labels.kind to multi"),
        ([[]] * 20, "multi", {}, "the pool has a single class .none.; a classifier needs two or more"),
        ([[1, 0, 1], [0, 1, 1]] * 20, "auto", {}, "names a label twice; mend it, or give each label a column of 0 and 1"),
    ],
)
def test_what_cannot_be_several_labels_is_refused_in_a_line(tmp_path, monkeypatch, sets, kind, changes, said):
    with pytest.raises(Refused, match=said):
        prepared(tmp_path, monkeypatch, rows_of(list, sets), kind, **changes)


def test_names_with_the_sign_in_them_another_sign_and_one_label_each(tmp_path, monkeypatch, capsys):
    sets = [["a, b"], ["c"], ["a, b", "c"]] * 10
    assert prepared(tmp_path, monkeypatch, rows_of(list, sets))[0] == {"several": ["a, b", "c"]}
    assert prepared(tmp_path, monkeypatch, rows_of(" + ".join, sets), label_separator="+")[0] == {"several": ["a, b", "c"]}
    assert prepared(tmp_path, monkeypatch, rows_of("+".join, [["a"], ["b"]] * 10), kind="multi")[0] == {"several": ["a", "b"]}
    assert "0% have several and 0% none; as each has one, labels.kind: single suits" in capsys.readouterr().out


def test_words_in_brackets_are_several_labels_only_where_they_occur_alone_too(tmp_path, monkeypatch, capsys):
    of_one = [["New Feature"], ["Bug"], ["Tech, Debt"], ["Bug"]] * 10
    bracket = lambda names: f"[{names[0]}]"  # noqa: E731
    assert prepared(tmp_path, monkeypatch, rows_of(bracket, of_one))[0] == ["[Bug]", "[New Feature]", "[Tech, Debt]"]
    assert prepared(tmp_path, monkeypatch, rows_of(str, [[0, 10], [10, 20], [20, 30]] * 10))[0] == [
        "[0, 10]",
        "[10, 20]",
        "[20, 30]",
    ]
    some = [["New Feature"], ["Bug"], ["New Feature", "Bug"]] * 10
    listed = lambda names: f"[{', '.join(names)}]"  # noqa: E731
    capsys.readouterr()
    assert prepared(tmp_path, monkeypatch, rows_of(listed, some))[0] == {"several": ["Bug", "New Feature"]}
    assert "several labels, in lists; if not, set labels.kind: single" in capsys.readouterr().out


@pytest.mark.parametrize("write", [json.dumps, str, lambda names: str(np.array(names))])
def test_written_lists_are_read_whatever_wrote_them(tmp_path, monkeypatch, write):
    sets = [["caf\u00e9"], ['a "b"', "caf\u00e9"], ["d e", 'a "b"']] * 10
    assert prepared(tmp_path, monkeypatch, rows_of(write, sets))[0] == {"several": ['a "b"', "caf\u00e9", "d e"]}


def test_a_dash_is_none_of_the_labels_unless_it_means_that_the_label_is_missing(tmp_path, monkeypatch):
    rows = rows_of("; ".join, [["a"], ["b"], ["a", "b"], ["-"]] * 10)
    classes, found = prepared(tmp_path, monkeypatch, rows)
    assert (classes, found["text 3"], len(found)) == ({"several": ["a", "b"]}, set(), 40)
    assert len(prepared(tmp_path, monkeypatch, rows, missing_labels=["-"])[1]) == 30
