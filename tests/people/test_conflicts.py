"""From what several people say to one label a text."""

import pytest

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.records.conflicts import renamed, resolve
from stages.core.people.records.journal import Answer

ONE, TWO, GONE = (keys.key(text) for text in ("one", "two", "gone"))
CLASSES = ["neg", "pos", "Mixed"]


def resolved(rename=None, **said):
    """said   annotator -> what it says of ONE"""
    given = {who: {ONE: Answer(ONE, label, "", 2)} for who, label in said.items()}
    return resolve(given, CLASSES, rename or {}, [ONE, TWO])


def test_what_all_say_is_the_label_and_nothing_is_where_nobody_answered():
    found = resolved(anna="pos", bob="pos")
    assert (found.labels, found.conflicts) == ({ONE: "pos"}, {})


def test_two_classes_are_a_conflict_that_says_who_says_what():
    found = resolved(anna="pos", bob="neg", eve="pos")
    assert found.labels == {}
    assert found.conflicts == {ONE: {"anna": "pos", "bob": "neg", "eve": "pos"}}


def test_a_decision_settles_a_conflict():
    assert resolved(anna="pos", bob="neg", decided="neg").labels == {ONE: "neg"}
    assert resolved(anna="pos", bob="pos", decided="?").labels == {ONE: "?"}


def test_who_cannot_say_gives_way_to_who_can():
    assert resolved(anna="?", bob="pos").labels == {ONE: "pos"}
    assert resolved(anna="?", bob="?").labels == {ONE: "?"}


def test_a_class_that_was_renamed_or_merged_is_the_new_one():
    assert resolved({"bad": "neg", "awful": "bad"}, anna="awful", bob="neg").labels == {ONE: "neg"}
    assert renamed("awful", {"bad": "neg", "awful": "bad"}) == "neg"
    assert renamed("pos", {"bad": "neg"}) == "pos"


def test_an_answer_that_is_no_class_is_refused_with_file_line_value_and_what_is_possible():
    with pytest.raises(Refused) as refused:
        resolved(anna="good")
    assert str(refused.value).startswith(
        "labels/answers/anna.csv, line 2: label = good, which is no class; possible: neg, pos, Mixed, ?"
    )
    assert "labels.rename" in str(refused.value)


@pytest.mark.parametrize(("label", "meant"), [("Pos", "pos"), ("MIXED", "Mixed"), ("mixed", "Mixed")])
def test_a_class_in_other_letters_is_told_and_not_guessed(label, meant):
    with pytest.raises(Refused, match=rf"label = {label}, which is no class; .* did you mean {meant}\?"):
        resolved(anna=label)


def test_answers_to_texts_that_are_gone_are_not_read():
    given = {"anna": {GONE: Answer(GONE, "of another time", "", 2), TWO: Answer(TWO, "neg", "", 3)}}
    assert resolve(given, CLASSES, {}, [ONE, TWO]).labels == {TWO: "neg"}
