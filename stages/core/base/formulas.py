"""Cells of a table that no spreadsheet runs as a formula (OWASP, "CSV Injection").

A program that expects another separator parts a cell too, so what follows a separator in a text counts like what begins it.
"""

import re

_BEGINS, _DANGER = r"(^|[,;|\t\r\n])", r"(?=['\" \u00a0]*[=＝@＠]|['\"]*[-+－＋])"
PLAIN = re.compile(r"-|[-+]?\d[\d.,]*([eE][-+]?\d+)?%?")  # a number, or the answer "none of the labels"


def guarded(text: str) -> str:
    """The text with an apostrophe before all that could begin a formula. A number or a lone - stays as it is."""
    return text if PLAIN.fullmatch(text) else re.sub(_BEGINS + _DANGER, r"\1'", text)


def unguarded(cell: str) -> str:
    """The text before `guarded`."""
    return re.sub(f"{_BEGINS}'{_DANGER}", r"\1", cell)
