"""Keys of texts and chances of names. Exact values are asserted, because people's answers are stored under keys."""

import numpy as np
import pytest

from stages.core.base import keys


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("caf\u00e9", "cafe\u0301"),  # Unicode forms: é as one character, and as e with an accent
        ("\ufb01lm \u2460", "film 1"),  # compatibility forms: a ligature, a number in a circle
        ("Great FILM", "great film"),
        ("Stra\u00dfe", "STRASSE"),
        ("  a\tgreat \r\n film ", "a great film"),
        ("a\u00a0great\u3000film", "a great film"),  # blanks that are not broken, and wide ones
    ],
)
def test_texts_that_differ_in_unicode_form_case_and_blanks_alone_have_one_key(one, two):
    assert keys.key(one) == keys.key(two)


def test_different_texts_have_different_keys():
    texts = ["", "a", "a b", "ab", "b a", "a.", "a b.", "á", "1", "2", "film", "films"]
    assert len({keys.key(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", ["", "a great film", "😀", "x" * 100_000])
def test_a_key_is_a_letter_and_24_hexadecimal_digits(text):
    assert keys.key(text)[0] == "t"
    assert len(keys.key(text)) == 25
    int(keys.key(text)[1:], 16)


def test_the_key_of_a_text_is_the_beginning_of_the_sha256_of_what_it_says():
    # printf 'a great film' | sha256sum
    assert keys.key(" A great\nFILM ") == "t76d81909f941334c44312a0b"


def test_the_chance_of_a_name_is_the_beginning_of_the_sha256_of_seed_and_name_as_a_fraction():
    # printf '7 film' | sha256sum: its first 12 digits, over 16 to the power of 12
    assert keys.chance("film", 7) == int("9469f576b466", 16) / 16**12


def test_chances_of_ten_thousand_names_are_spread_evenly_from_0_to_1():
    chances = np.array([keys.chance(f"name {i}", seed=0) for i in range(10_000)])
    assert chances.min() >= 0
    assert chances.max() < 1
    tenths = np.histogram(chances, bins=10, range=(0, 1))[0]
    assert ((tenths - 1_000) ** 2 / 1_000).sum() < 27.9  # chi-squared with 9 degrees of freedom: more in one of 1,000 cases
    assert abs(chances.mean() - 0.5) < 0.01  # 3.5 standard errors


def test_chances_of_one_name_with_other_seeds_are_others_and_no_neighbours():
    first, second = (np.array([keys.chance(f"name {i}", seed) for i in range(10_000)]) for seed in (0, 1))
    assert not (first == second).any()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.035  # 3.5 standard errors
