"""No cell that we write begins a formula, whatever separator a spreadsheet expects, and every text is read as it was."""

import re

import numpy as np
import pytest

from stages.core.base.formulas import guarded, unguarded


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("nice;=1+1", "nice;'=1+1"),
        ("nice;  =1+1", "nice;'  =1+1"),
        ("a\tb|@me", "a\tb|'@me"),
        ("first\n=HYPERLINK(1)", "first\n'=HYPERLINK(1)"),
        ("＝1", "'＝1"),
        ("'=quoted", "''=quoted"),
        ("-5 below", "'-5 below"),
        ("-", "-"),  # alone it is nothing
        ("-0.5", "-0.5"),
        ("+1e-5", "+1e-5"),
        ("a, -b = c; d", "a, -b = c; d"),
        ("it's; 'fine'", "it's; 'fine'"),
        ("", ""),
    ],
)
def test_what_could_begin_a_formula_gets_an_apostrophe(text, cell):
    assert guarded(text) == cell
    assert unguarded(cell) == text


def test_every_text_is_read_as_it_was_and_no_part_of_it_is_a_formula():
    rng = np.random.default_rng(0)
    for length in rng.integers(1, 10, size=20_000):
        text = "".join(rng.choice(list("=+-@＝'\" ,;|\t\r\nab\u00a01"), size=length))
        cell = guarded(text)
        assert unguarded(cell) == text
        parts = [part for part in re.split(r"[,;|\t\r\n]", cell) if re.match(r"[\s\"]*[=@＝]|\"*[-+]", part)]
        assert parts == [] or (cell == text and re.fullmatch(r"[-+][1,]+|-", text))
