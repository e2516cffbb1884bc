"""From raw rows to pool and holdout, on few rows."""

import re
from collections import Counter

import pytest

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.sources import cleaning


def row(text, label="a", **more):
    return {"text": text, "label": label, **more}


def labelled(*labels):
    return [row(f"text {i}", label) for i, label in enumerate(labels)]


def films(count, rows_each=4):
    """Rows of `count` films, half of each film's rows a and half b."""
    return [row(f"text {i}", "ab"[i % 2], group=f"film {i // rows_each}") for i in range(count * rows_each)]


def groups(rows):
    return {row["group"] for row in rows}


def test_empty_and_blank_texts_are_dropped_if_asked_for():
    rows = [row("one"), row(""), row(" \t"), row("two")]
    assert cleaning.without_empty(rows, "drop", "pool") == ([rows[0], rows[3]], rows[1:3])


def test_empty_texts_are_refused_with_their_count_the_first_and_the_setting():
    message = r"^pool: 2 rows have no text, the first is row 2; mend them or set prepare.empty_texts to drop$"
    with pytest.raises(Refused, match=message):
        cleaning.without_empty([row("one"), row(""), row(" ")], "refuse", "pool")


@pytest.mark.parametrize("missing", [None, ""])
def test_rows_without_a_label_are_separated(missing):
    rows = [row("one"), row("two", missing), row("three", "b")]
    assert cleaning.without_missing_labels(rows, "pool") == ([row("one"), row("three", "b")], [row("two", missing)])


@pytest.mark.parametrize("missing", [None, ""])
def test_rows_are_refused_if_none_has_a_label(missing):
    message = r"^pool: none of 2 rows has a label; is prepare.label_column the right column\?$"
    with pytest.raises(Refused, match=message):
        cleaning.without_missing_labels([row("one", missing), row("two", missing)], "pool")


def test_of_equal_texts_with_one_label_the_first_stays_in_its_place():
    rows = [row("x", group="1"), row("y"), row("x", group="2")]
    assert cleaning.one_per_text(rows, labelled=True) == ([row("x", group="1"), row("y")], [row("x", group="2")], [])


def test_of_equal_texts_with_two_labels_none_stays():
    rows = [row("x", "a"), row("y"), row("x", "b"), row("x", "a")]
    assert cleaning.one_per_text(rows, labelled=True) == ([row("y")], [], [rows[0], rows[2], rows[3]])


SPELLINGS = ["A fine film", "a  fine film", "a fine FILM ", "a \ufb01ne film"]  # the last with the ligature fi


def test_texts_that_differ_in_case_blanks_and_unicode_form_are_one_and_the_first_stays_as_it_is():
    rows = [row(text) for text in SPELLINGS]
    assert cleaning.one_per_text(rows, labelled=True) == (rows[:1], rows[1:], [])
    assert cleaning.one_per_text([*rows[:3], row(SPELLINGS[3], "b")], labelled=True)[0] == []


@pytest.mark.parametrize("text", SPELLINGS)
def test_texts_of_the_holdout_leave_the_pool_whatever_their_label_and_spelling(text):
    pool, holdout = [row("x"), row(text), row("z")], [row(SPELLINGS[0], "b"), row("w")]
    assert cleaning.without_those_of(pool, holdout) == ([row("x"), row("z")], [row(text)], [])


def test_groups_of_the_holdout_leave_the_pool_and_rows_without_a_group_stay():
    pool = [row("x", group="f"), row("y", group="g"), row("z", group=None), row("v", group="")]
    holdout = [row("w", group="f"), row("u", group=None), row("t", group="")]
    assert cleaning.without_those_of(pool, holdout) == (pool[1:], [], pool[:1])


# Chances of these texts with seed 0, as keys.chance gives them: a share above a row's chance puts it into the holdout.
#          0     1     2     3     4     5     6     7
CHANCES = [0.88, 0.06, 0.28, 0.02, 0.46, 0.06, 0.43, 0.61]
EIGHT = labelled(*"abababab")


def texts(rows):
    return [row["text"] for row in rows]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.45, 0.8])
def test_a_row_is_held_out_where_its_chance_is_below_the_share_and_rows_keep_their_order(share):
    pool, holdout = cleaning.split(EIGHT, share, seed=0)
    assert pool == [row for row, chance in zip(EIGHT, CHANCES) if chance >= share]
    assert holdout == [row for row, chance in zip(EIGHT, CHANCES) if chance < share]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_about_the_share_of_the_rows_of_every_label_and_of_the_groups_is_held_out(share):
    holdout = cleaning.split(labelled(*"aaab" * 2_500), share, seed=0)[1]
    held = Counter(row["label"] for row in holdout)
    for label, rows in (("a", 7_500), ("b", 2_500)):
        assert abs(held[label] - share * rows) < 3.5 * (rows * share * (1 - share)) ** 0.5  # standard deviations of a draw
    held = groups(cleaning.split(films(1_000), share, seed=0)[1])
    assert abs(len(held) - share * 1_000) < 3.5 * (1_000 * share * (1 - share)) ** 0.5


def test_a_split_by_group_never_cuts_a_group():
    for seed in range(20):
        pool, holdout = cleaning.split(films(40), share=0.25, seed=seed)
        assert groups(pool) | groups(holdout) == groups(films(40)), seed
        assert not groups(pool) & groups(holdout), seed


def test_a_rare_class_keeps_its_groups_in_the_pool_and_moves_no_other_row(capsys):
    rows = [*films(40), row("rarely", "rare", group="film 3"), row("once more", "rare")]
    for seed in range(10):
        usual, spared = cleaning.split(rows, 0.5, seed), cleaning.split(rows, 0.5, seed, rare_below=3)
        assert spared[1] == [row for row in usual[1] if row["label"] != "rare" and row["group"] != "film 3"]
    assert cleaning.split(rows, 0.5, 0, rare_below=2) == cleaning.split(rows, 0.5, 0)
    assert "prepare: classes with fewer than 3 rows stay in the pool: rare\n" in capsys.readouterr().out


def test_a_larger_share_takes_nothing_back():
    held = [texts(cleaning.split(labelled(*"ab" * 100), share, seed=0)[1]) for share in (0.1, 0.2, 0.6)]
    assert set(held[0]) < set(held[1]) < set(held[2])


def test_a_row_that_is_added_moves_no_other():
    rows = labelled(*"ab" * 50)
    pool, holdout = cleaning.split(rows, share=0.3, seed=0)
    added = [row(f"new {i}", "c") for i in range(20)]
    more_pool, more_holdout = cleaning.split([*added[:10], *rows, *added[10:]], share=0.3, seed=0)
    assert [row for row in more_pool if row in rows] == pool
    assert [row for row in more_holdout if row in rows] == holdout


def test_a_label_that_is_corrected_moves_no_row():
    rows = labelled(*"ab" * 50)
    corrected = [{**row, "label": "b"} if number in (3, 30, 60) else row for number, row in enumerate(rows)]
    before, after = cleaning.split(rows, share=0.3, seed=0), cleaning.split(corrected, share=0.3, seed=0)
    assert list(map(texts, before)) == list(map(texts, after))


def test_a_row_that_is_added_to_a_group_goes_where_the_group_is():
    more = [*films(40), *(row(f"new {i}", "a", group=f"film {i}") for i in range(40))]
    for side, with_more in zip(cleaning.split(films(40), 0.3, seed=0), cleaning.split(more, 0.3, seed=0)):
        assert groups(side) == groups(with_more)
        assert len(with_more) == len(side) + len(groups(side))


def test_the_split_of_given_rows_is_the_same_in_any_order_of_rows():
    for rows in (labelled(*"ab" * 50), films(40)):
        there = cleaning.split(rows, share=0.3, seed=0)
        back = cleaning.split(rows[::-1], share=0.3, seed=0)
        assert [side[::-1] for side in back] == list(there)


def test_texts_that_differ_only_in_case_blanks_and_unicode_form_go_to_one_side():
    alike = [row(f"{cafe} {i}") for i in range(30) for cafe in ("a caf\u00e9", "A Cafe\u0301", " a\t CAF\u00c9")]
    pool, holdout = cleaning.split(alike, share=0.5, seed=0)
    numbers = [Counter(text.split()[-1] for text in texts(side)) for side in (pool, holdout)]
    assert set(numbers[0].values()) == set(numbers[1].values()) == {3}


def test_rows_without_a_group_are_groups_of_their_own():
    ungrouped = [row(f"text {i}", "ab"[i % 2], group=None) for i in range(8)]
    assert list(map(texts, cleaning.split(ungrouped, 0.45, seed=0))) == list(map(texts, cleaning.split(EIGHT, 0.45, seed=0)))


@pytest.mark.parametrize("rows", [EIGHT, films(8)], ids=["rows", "groups"])
def test_the_same_seed_gives_the_same_split_and_another_another(rows):
    assert cleaning.split(rows, 0.5, seed=1) == cleaning.split(rows, 0.5, seed=1)
    assert cleaning.split(rows, 0.5, seed=1) != cleaning.split(rows, 0.5, seed=2)


def test_a_class_that_one_side_lacks_is_printed_by_name(capsys):
    rows = labelled("rare", "a", "b", "once", "b", "a", "b", "a")  # row 0 goes to the pool, rows 1, 3 and 5 to the holdout
    cleaning.split(rows, share=0.2, seed=0)
    assert capsys.readouterr().out.splitlines() == [
        "prepare: the holdout has no row of class b, rare: too few rows or groups of it fell to that side"
    ]


def test_nothing_is_printed_if_both_sides_have_every_class(capsys):
    cleaning.split(labelled(*"aabbaaab"), share=0.45, seed=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("share", "holdout", "pool"), [(0.01, 0, 8), (0.9, 8, 0), (5e-324, 0, 8)])
def test_an_empty_side_is_refused_with_the_setting_and_what_to_do(share, holdout, pool):
    message = (
        f"params.yaml: prepare.holdout_share = {share}: of 8 rows {holdout} fall to the holdout and {pool} to the pool, and both "
        "need some; change prepare.holdout_share or prepare.holdout_seed, bring more rows, or set prepare.group_column to none"
    )
    with pytest.raises(Refused, match=f"^{re.escape(message)}$"):
        cleaning.split(EIGHT, share, seed=0)


def test_rows_of_a_single_group_cannot_be_split():
    with pytest.raises(Refused, match=r"of 4 rows 0 fall to the holdout and 4 to the pool"):
        cleaning.split(films(1), share=0.5, seed=0)


@pytest.mark.parametrize(("alone", "asked"), [(120, 50), (15, 23)])
def test_a_group_that_is_too_large_stays_in_the_pool_and_the_holdout_has_about_the_rows_asked_for(alone, asked, capsys):
    rows = [*(row(f"film {i}", "ab"[i % 2], group="A") for i in range(1_000)), *films(alone // 3, 3)]
    for seed in range(5):
        pool, holdout = cleaning.split(rows, asked / len(rows), seed)
        assert "A" in groups(pool) - groups(holdout)
        assert min(asked, alone) / 2 < len(holdout) < 2 * asked
    assert f"prepare: 1 groups are too large for a holdout of {asked} rows and stay in the pool" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5])
def test_where_two_even_groups_cannot_be_split_the_setting_of_groups_is_named(share):
    chances = {seed: sorted(keys.chance(f"group film {i}", seed) for i in range(2)) for seed in range(40)}
    seed = next(seed for seed, (low, high) in chances.items() if low >= share or high < share)  # both fall to one side
    with pytest.raises(
        Refused, match=r"; change prepare.holdout_share or prepare.holdout_seed, .* or set prepare.group_column to none$"
    ):
        cleaning.split(films(2, 50), share, seed)


def test_a_holdout_split_off_that_shares_no_class_with_the_pool_is_refused():
    rows = [row(f"{label} {i}", label, group=label) for label in "abc" for i in range(10)]
    held = {seed: [name for name in "abc" if keys.chance(f"group {name}", seed) < 0.3] for seed in range(40)}
    seed = next(seed for seed, names in held.items() if names == ["a"])
    message = (
        r"^the holdout and the pool share no label: the holdout has a, the pool has b, c; change prepare.holdout_share or "
        r"prepare.holdout_seed, bring more rows, or set prepare.group_column to none$"
    )
    with pytest.raises(Refused, match=message):
        cleaning.check_holdout_classes(*cleaning.split(rows, 0.3, seed), own=False)


@pytest.mark.parametrize(
    ("pool", "holdout", "classes"),
    [
        (["10", "9", "0"], ["9"], ["0", "9", "10"]),  # numbers
        (["1", "0", "-1"], [], ["-1", "0", "1"]),
        (["pos", "neg", "mid", "neg"], [], ["mid", "neg", "pos"]),  # words
        (["10", "9", "x"], [], ["10", "9", "x"]),  # one word makes all of them words
        (["a", "c"], ["b", "a"], ["a", "b", "c"]),  # b is only in the holdout
    ],
)
def test_classes_are_in_numeric_order_if_all_are_numbers_and_else_in_alphabetical_order(pool, holdout, classes):
    assert cleaning.classes(labelled(*pool), labelled(*holdout)) == classes


def test_a_single_class_is_refused():
    with pytest.raises(Refused, match=r"^the pool has a single class \(a\); a classifier needs two or more$"):
        cleaning.classes(labelled("a", "a"), labelled("a"))


def test_an_empty_pool_is_refused():
    with pytest.raises(Refused, match=r"single class \(none\)"):
        cleaning.classes([], [])


def test_classes_that_only_the_holdout_has_are_printed_with_their_rows(capsys):
    cleaning.check_holdout_classes(labelled("a", "b"), labelled("d", "a", "c", "d"), own=True)
    assert capsys.readouterr().out == (
        "prepare: the holdout has classes that the pool lacks: c, d; no model can learn them, so 3 of its 4 rows count as "
        "mistakes; mend misspelt labels, and add what is no class to prepare.missing_labels\n"
    )


def test_a_holdout_that_shares_no_class_with_the_pool_is_refused():
    message = r"^the holdout and the pool share no label: the holdout has 0, 1, the pool has neg, pos; spell them alike, or "
    with pytest.raises(Refused, match=message):
        cleaning.check_holdout_classes(labelled("pos", "neg"), labelled("0", "1"), own=True)


def test_a_class_that_only_the_pool_has_is_fine(capsys):
    cleaning.check_holdout_classes(labelled("a", "b", "c"), labelled("b", "a"), own=True)
    assert capsys.readouterr().out == ""
