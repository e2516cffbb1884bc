"""From raw rows to pool and holdout, on rows few enough to read."""

from collections import Counter

import pytest

from stages.core.sources import cleaning
from stages.core.base.errors import Refused


def row(text, label="a", **more):
    return {"text": text, "label": label, **more}


def labelled(*labels):
    return [row(f"text {i}", label) for i, label in enumerate(labels)]


def films(count, rows_each=4):
    """Rows of `count` films, half of each film's rows a and half b."""
    return [row(f"text {i}", "ab"[i % 2], group=f"film {i // rows_each}") for i in range(count * rows_each)]


def groups(rows):
    return {row["group"] for row in rows}


def test_normalised_texts_are_lower_case_and_stripped():
    assert cleaning.normalised([row("  Great FILM\n", "A")], lower=True) == [row("great film", "A")]


def test_texts_stay_as_they_are_without_normalising():
    assert cleaning.normalised([row("  Great\n")], lower=False) == [row("  Great\n")]


@pytest.mark.parametrize("lower", [True, False])
def test_no_text_becomes_an_empty_one(lower):
    assert cleaning.normalised([row(None)], lower) == [row("")]


def test_normalising_keeps_the_group():
    assert cleaning.normalised([row("A", group="F")], lower=True) == [row("a", group="F")]


def test_empty_and_blank_texts_are_dropped_if_asked_for():
    assert cleaning.without_empty([row("one"), row(""), row(" \t"), row("two")], "drop", "pool") == [row("one"), row("two")]


def test_empty_texts_are_refused_with_their_number_the_first_and_the_setting():
    message = r"^pool: 2 rows have no text, the first is row 2; mend them or set prepare.empty_texts to drop$"
    with pytest.raises(Refused, match=message):
        cleaning.without_empty([row("one"), row(""), row(" ")], "refuse", "pool")


@pytest.mark.parametrize("empty_texts", ["refuse", "drop"])
@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_label_is_always_refused(missing, empty_texts):
    with pytest.raises(Refused, match=r"^pool: 1 rows have no label, the first is row 2; label or remove them$"):
        cleaning.without_empty([row("one"), row("two", missing)], empty_texts, "pool")


def test_of_equal_texts_with_one_label_the_first_stays():
    rows = [row("y"), row("x", group="1"), row("x", group="2")]
    assert cleaning.without_duplicates(rows) == ([row("y"), row("x", group="1")], 1, 0)


def test_of_equal_texts_with_one_label_the_first_stays_in_its_place():
    rows = [row("x", group="1"), row("y"), row("x", group="2")]
    assert cleaning.without_duplicates(rows) == ([row("x", group="1"), row("y")], 1, 0)


def test_of_equal_texts_with_two_labels_none_stays():
    rows = [row("x", "a"), row("y"), row("x", "b"), row("x", "a")]
    assert cleaning.without_duplicates(rows) == ([row("y")], 0, 3)


def test_texts_of_the_holdout_leave_the_pool_whatever_their_label():
    pool, holdout = [row("x"), row("y"), row("z")], [row("y", "b"), row("w")]
    assert cleaning.without_texts_of(pool, holdout) == ([row("x"), row("z")], 1)


def test_a_split_parts_the_rows_and_keeps_their_order():
    rows = labelled(*"ab" * 10)
    pool, holdout = cleaning.split(rows, share=0.2, seed=0)
    assert (len(pool), len(holdout)) == (16, 4)
    assert sorted(pool + holdout, key=rows.index) == rows
    assert pool == sorted(pool, key=rows.index)
    assert holdout == sorted(holdout, key=rows.index)


def test_a_split_takes_the_same_share_of_every_label():
    pool, holdout = cleaning.split(labelled(*"a" * 30, *"b" * 10), share=0.2, seed=0)
    assert Counter(row["label"] for row in holdout) == {"a": 6, "b": 2}
    assert Counter(row["label"] for row in pool) == {"a": 24, "b": 8}


def test_a_split_by_group_never_cuts_a_group():
    for seed in range(20):
        pool, holdout = cleaning.split(films(9), share=0.25, seed=seed)
        assert groups(pool) | groups(holdout) == groups(films(9)), seed
        assert not groups(pool) & groups(holdout), seed


def test_a_split_by_group_takes_the_same_share_of_every_label():
    holdout = cleaning.split(films(8), share=0.25, seed=0)[1]
    assert Counter(row["label"] for row in holdout) == {"a": 4, "b": 4}


def test_the_share_of_a_split_by_group_is_rounded_to_one_part_of_a_whole_number():
    assert len(groups(cleaning.split(films(12), share=0.3, seed=0)[1])) == 4  # a third
    assert len(groups(cleaning.split(films(12), share=0.7, seed=0)[1])) == 6  # a half


def test_rows_without_a_group_are_groups_of_their_own():
    holdout = cleaning.split([row(f"text {i}", "ab"[i % 2], group=None) for i in range(8)], share=0.25, seed=0)[1]
    assert Counter(row["label"] for row in holdout) == {"a": 1, "b": 1}


@pytest.mark.parametrize("rows", [labelled(*"ab" * 10), films(8)], ids=["rows", "groups"])
def test_the_same_seed_gives_the_same_split_and_another_another(rows):
    assert cleaning.split(rows, 0.25, seed=1) == cleaning.split(rows, 0.25, seed=1)
    assert cleaning.split(rows, 0.25, seed=1) != cleaning.split(rows, 0.25, seed=2)


def test_a_label_on_a_single_row_is_refused():
    with pytest.raises(Refused, match=r"^label b stands on a single row: no holdout can be split off; drop it or merge it"):
        cleaning.split(labelled("a", "a", "b", "a"), share=0.5, seed=0)


@pytest.mark.parametrize(("share", "held"), [(0.1, 1), (0.9, 9)])
def test_a_share_that_leaves_a_side_fewer_rows_than_classes_is_refused(share, held):
    message = rf"^params.yaml: prepare.holdout_share = {share}: {held} of 10 rows cannot hold 2 classes on both sides; change"
    with pytest.raises(Refused, match=message):
        cleaning.split(labelled(*"ab" * 5), share, seed=0)


def test_fewer_groups_than_the_share_has_parts_are_refused():
    message = r"prepare.holdout_share = 0.25: a holdout by group wants at least 4 groups .* found 3 and 6; raise the share"
    with pytest.raises(Refused, match=message):
        cleaning.split(films(3), share=0.25, seed=0)


def test_fewer_rows_of_every_label_than_the_share_has_parts_are_refused():
    message = r"prepare.holdout_share = 0.15: .* at least 7 groups and a label with as many rows, found 8 and 4"
    with pytest.raises(Refused, match=message):
        cleaning.split(films(8, rows_each=1), share=0.15, seed=0)


def test_a_label_too_rare_for_the_holdout_is_refused():
    with pytest.raises(Refused, match=r"^label b has too few rows or groups to stand in pool and holdout, the holdout has none"):
        cleaning.split(labelled(*"a" * 97, *"b" * 3), share=0.15, seed=0)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_label_of_a_single_group_is_refused():
    one_film = [row("c 1", "c", group="film 0"), row("c 2", "c", group="film 0")]
    with pytest.raises(Refused, match=r"^label c has too few rows or groups .* drop it, merge it with another or change"):
        cleaning.split(films(8) + one_film, share=0.25, seed=0)


def test_class_names_that_are_numbers_are_ordered_as_numbers():
    assert cleaning.classes(labelled("10", "9", "0"), labelled("9")) == ["0", "9", "10"]


def test_class_names_that_are_words_are_ordered_by_letter():
    assert cleaning.classes(labelled("pos", "neg", "mid", "neg"), []) == ["mid", "neg", "pos"]


def test_negative_class_names_are_numbers_too():
    assert cleaning.classes(labelled("1", "0", "-1"), []) == ["-1", "0", "1"]


def test_one_class_name_that_is_a_word_puts_all_in_order_by_letter():
    assert cleaning.classes(labelled("10", "9", "x"), []) == ["10", "9", "x"]


def test_a_single_class_is_refused():
    with pytest.raises(Refused, match=r"^the pool has a single class \(a\); a classifier needs two or more$"):
        cleaning.classes(labelled("a", "a"), labelled("a"))


def test_an_empty_pool_is_refused():
    with pytest.raises(Refused, match=r"single class \(none\)"):
        cleaning.classes([], [])


def test_a_label_of_the_holdout_alone_is_refused():
    with pytest.raises(Refused, match=r"^the holdout has labels that the pool lacks: c, d; the pool has a, b$"):
        cleaning.classes(labelled("a", "b"), labelled("d", "a", "c"))
