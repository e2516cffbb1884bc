"""One label per text from the answers of several annotators."""

import pytest

from stages.core import task
from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.records.conflicts import renamed, resolve
from stages.core.people.records.journal import Answer

ONE, TWO, GONE = (keys.key(text) for text in ("one", "two", "gone"))
CLASSES = ["neg", "pos", "Mixed"]


def resolved(rename=None, **labels):
    """labels   annotator -> label of ONE"""
    given = {who: {ONE: Answer(ONE, label, "", 2)} for who, label in labels.items()}
    return resolve(given, CLASSES, task.SINGLE, rename or {}, [ONE, TWO])


def test_a_unanimous_answer_is_the_label_and_an_unanswered_text_has_none():
    found = resolved(anna="pos", bob="pos")
    assert (found.labels, found.conflicts) == ({ONE: "pos"}, {})


def test_two_classes_are_a_conflict_with_the_label_of_each_annotator():
    found = resolved(anna="pos", bob="neg", eve="pos")
    assert found.labels == {}
    assert found.conflicts == {ONE: {"anna": "pos", "bob": "neg", "eve": "pos"}}


def test_a_decision_settles_a_conflict():
    assert resolved(anna="pos", bob="neg", decided="neg").labels == {ONE: "neg"}
    assert resolved(anna="pos", bob="pos", decided="?").labels == {ONE: "?"}


def test_a_class_outranks_cannot_say():
    assert resolved(anna="?", bob="pos").labels == {ONE: "pos"}
    assert resolved(anna="?", bob="?").labels == {ONE: "?"}


def test_people_and_the_data_set_outrank_programs_which_count_where_these_say_nothing():
    by = {"program-x": "pos", "anna": "neg"}
    found = resolved(**by)
    assert (found.labels, found.conflicts, found.answers, found.several()) == ({ONE: "neg"}, {}, {ONE: by}, {})
    assert resolved(**by, bob="pos").conflicts == {ONE: {"anna": "neg", "bob": "pos"}}
    assert resolved(**by | {"anna": "?"}).labels == {ONE: "?"}
    alone = resolved(**{"program-x": "pos"})
    assert (alone.labels, alone.by_people()) == ({ONE: "pos"}, {})
    assert resolved(**{"program-x": "pos", "program-y": "neg"}).conflicts == {ONE: {"program-x": "pos", "program-y": "neg"}}
    given = {who: {ONE: Answer(ONE, label, "", 2)} for who, label in by.items()}
    assert resolve({"program-x": given["program-x"]}, CLASSES, task.SINGLE, {}, [ONE], labelled=[ONE]).answers == {}
    assert resolve(given, CLASSES, task.SINGLE, {}, [ONE], labelled=[ONE]).by_people() == {ONE: "neg"}


def test_a_renamed_or_merged_class_is_the_new_one():
    assert resolved({"bad": "neg", "awful": "bad"}, anna="awful", bob="neg").labels == {ONE: "neg"}
    assert renamed("awful", {"bad": "neg", "awful": "bad"}) == "neg"
    assert renamed("pos", {"bad": "neg"}) == "pos"


def test_an_unknown_class_is_refused_with_file_line_value_and_what_is_possible():
    with pytest.raises(Refused) as refused:
        resolved(anna="good")
    assert str(refused.value).startswith(
        "labels/answers/anna.csv, line 2: label = good, which is no class; possible: neg, pos, Mixed, ?"
    )
    assert "labels.rename" in str(refused.value)


@pytest.mark.parametrize(("label", "meant"), [("Pos", "pos"), ("MIXED", "Mixed"), ("mixed", "Mixed")])
def test_a_class_in_another_case_is_suggested_and_not_taken(label, meant):
    with pytest.raises(Refused, match=rf"label = {label}, which is no class; .* did you mean {meant}\?"):
        resolved(anna=label)


def test_answers_to_texts_not_in_the_data_set_are_ignored():
    given = {"anna": {GONE: Answer(GONE, "of another time", "", 2), TWO: Answer(TWO, "neg", "", 3)}}
    assert resolve(given, CLASSES, task.SINGLE, {}, [ONE, TWO]).labels == {TWO: "neg"}
