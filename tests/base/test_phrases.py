"""Which words describe a class."""

import pytest

from stages.core.base import phrases
from stages.core.base.errors import Refused


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("card_arrival", "card arrival"),
        ("CardArrival", "Card Arrival"),
        ("top-up/by.card", "top up by card"),
        ("positive", "positive"),
        ("don't know", "don't know"),
        ("喜", "喜"),
        ("0", ""),
        ("-1", ""),
        ("2.5", ""),
        ("A", ""),
        ("LABEL_3", ""),
        ("class 12", ""),
        ("?", ""),
    ],
)
def test_a_name_is_words_or_says_nothing(name, words):
    assert phrases.words_of(name) == words


def test_a_description_comes_before_the_name_and_classes_keep_their_order():
    found = phrases.of_classes(["b_c", "0", "1"], {"1": ["one", "a single one"], "b_c": "between b and c"})
    assert list(found.items()) == [("b_c", ["between b and c"]), ("1", ["one", "a single one"])]


def test_a_description_of_no_class_is_refused():
    with pytest.raises(Refused, match=r"labels.describe.postive: no such class; .*did you mean positive"):
        phrases.of_classes(["positive", "negative"], {"postive": "good"})
