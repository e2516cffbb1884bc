"""Agreement of annotators, calculated by hand."""

import pytest

from stages.core import task
from stages.core.base.errors import Refused
from stages.core.people.records import conflicts
from stages.core.people.records.journal import Answer
from stages.core.reporting.annotators import agreement, as_markdown


def said(**labels: str) -> dict[str, dict[str, str]]:
    """labels   of each annotator, one letter for each text; a dot where there is none"""
    texts = max(map(len, labels.values()))
    rows = {f"t{i}": {who: word[i] for who, word in labels.items() if word[i : i + 1].strip(".")} for i in range(texts)}
    return {key: by for key, by in rows.items() if by}


def test_two_annotators_have_cohens_kappa():
    # alike 3/4; by chance 2/4 x 1/4 + 2/4 x 3/4 = 1/2
    found = agreement(said(anna="aabb", bob="abbb"), task.SINGLE)
    assert found == {"annotators": 2, "texts": 4, "agreement": 0.75, "cohens_kappa": 0.5}


def test_more_annotators_have_krippendorffs_alpha_and_need_not_answer_all():
    # Pairs by text: aa+a 6 of 6 alike, ab 0 of 2, bb 2 of 2, weighed by 1 / (answers - 1): observed 5 of 7 alike.
    # 4 a and 3 b of 7 answers: by chance (4 x 3 + 3 x 2) / (7 x 6) = 3/7 alike. alpha = 1 - (2/7) / (4/7) = 1/2
    found = agreement(said(anna="aab", bob="ab.", carla="a.b"), task.SINGLE)
    assert found == {"annotators": 3, "texts": 3, "agreement": 0.6667, "krippendorff_alpha": 0.5}


def test_of_three_answers_to_one_text_the_pairs_count():
    assert agreement(said(anna="aa", bob="aa", carla="ba"), task.SINGLE)["agreement"] == pytest.approx((1 / 3 + 1) / 2, abs=1e-4)


def test_cannot_say_is_no_answer_and_a_text_with_one_answer_does_not_count():
    found = agreement(said(anna="ab?b", bob="a?ab.", carla="....a"), task.SINGLE)
    assert found["texts"] == 2
    assert found["annotators"] == 2
    assert agreement(said(anna="a", bob="?"), task.SINGLE) is None
    assert agreement({}, task.SINGLE) is None


@pytest.mark.parametrize("people", [{"anna": "aa", "bob": "aa"}, {"anna": "aa", "bob": "aa", "carla": "a."}])
def test_annotators_who_use_only_one_class_agree_fully(people):
    found = agreement(said(**people), task.SINGLE)
    assert (found.get("cohens_kappa"), found.get("krippendorff_alpha")).count(1.0) == 1
    assert found["agreement"] == 1


def test_the_report_shows_agreement_as_a_table_or_nothing():
    assert as_markdown(None) == ""
    *_, heads, _, line = as_markdown(agreement(said(anna="aabb", bob="abbb"), task.SINGLE)).splitlines()
    assert [cell.strip() for cell in heads.split("|")[3:5]] == ["agreement", "Cohen's kappa"]
    assert [cell.strip() for cell in line.split("|")[1:5]] == ["2", "4", "0.7500", "0.5000"]


def test_decisions_do_not_count_as_second_answers_and_renamed_classes_are_equal():
    answers = {"anna": {"k": "pos"}, "bob": {"k": "good"}, "decided": {"k": "neg"}, "carla": {"other": "neg"}}
    given = {who: {key: Answer(key, label, "", 2) for key, label in by.items()} for who, by in answers.items()}
    found = conflicts.resolve(given, ["good", "neg"], task.SINGLE, {"pos": "good"}, ["k", "other"])
    assert found.several() == {"k": {"anna": "good", "bob": "good"}}
    assert found.labels["k"] == "neg"
    with pytest.raises(Refused, match="which is no class"):
        conflicts.resolve(given, ["good"], task.SINGLE, {"pos": "good"}, ["k"])
