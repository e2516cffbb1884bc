"""What report.html says about annotators: how fast they are, what waits, where they disagree."""

import pytest

from stages.core.people.labelling import Labelling
from stages.core.people.records import effort
from stages.core.people.records.conflicts import Resolved
from stages.core.people.records.journal import Answer
from stages.core.report_page import build
from tests.people.conftest import asked_first, first, unlabelled  # noqa: F401  (fixtures)
from tests.report_page.test_report_page import contents_of


def at(*times: str, label: str = "pos") -> list[Answer]:
    return [Answer("t", label, f"2026-01-01T{time}Z" if time[:1].isdigit() else time, 0) for time in times]


@pytest.mark.parametrize(
    ("answers", "an_hour"),
    [
        (at("10:00:00", "10:00:10", "10:00:30"), 240.0),
        (at("10:00:00", "10:00:10", "11:00:00", "11:00:10"), 360.0),  # a break of an hour does not count
        (at("10:00:00", "", "noon", "10:00:20"), 180.0),  # lines without a time
        (at("10:00:00"), None),
        (at("10:00:00", "10:00:00"), None),  # imported, all at once
        ([], None),
    ],
)
def test_answers_an_hour_of_work(answers, an_hour):
    assert effort.pace(answers) == an_hour


def test_conflicts_and_doubts_come_with_their_rows():
    one = {"a": Answer("a", "pos", "", 1), "b": Answer("b", "?", "", 2)}
    given = {"anna": one, "bob": {"a": Answer("a", "neg", "", 1)}}
    found = Resolved({"b": "?"}, {"a": {"bob": "neg", "anna": "pos"}}, {})
    done = effort.summary({"anna": list(one.values()), "bob": []}, given, found, {"pool": ["x", "a"], "holdout": ["b"]})
    assert done == {
        "annotators": [
            {"who": "anna", "answers": 2, "an_hour": None, "last": ""},
            {"who": "bob", "answers": 1, "an_hour": None, "last": ""},
        ],
        "conflicts": [["pool", 1, {"anna": "pos", "bob": "neg"}]],
        "doubts": [["holdout", 0, ["anna"]]],
    }


@pytest.mark.slow
def test_the_page_shows_what_waits_and_who_disagrees(first):  # noqa: F811
    first.answer_all("stage1")
    state = Labelling()
    key = state.keys_of("stage1")[0]
    said = state.texts[key].text
    state.answer("bob", key, "neg" if first.truth[said] == "pos" else "pos")
    first.repro()
    page = contents_of(build.PATH.read_text(encoding="utf-8"))
    assert {row["who"]: row["answers"] for row in page["people"]["annotators"]} == {"anna": 12, "bob": 1}
    assert [row["text"] for row in page["people"]["conflicts"]] == [said]
    assert page["waiting"]["holdout"] == 20
    assert page["answer"] is None
    assert len(page["map"]["row"]) > 50
