"""Which scripts texts are written in: a warning where new texts use one that the model hardly saw."""

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

SAMPLE = 1_000  # texts, evenly spaced
CHARACTERS = 1_000  # of each
STRANGE = 0.5  # share of the letters
HARDLY_ANY = 0.01


def shares(texts: Sequence[str]) -> dict[str, float]:
    """Script -> share of the letters of these texts, the commonest first; empty if they have no letters.

    A script's name is the first word of its letters' Unicode names, as in LATIN SMALL LETTER A: LATIN, CYRILLIC, CJK.
    """
    counts: Counter[str] = Counter()
    for row in np.unique(np.linspace(0, len(texts) - 1, SAMPLE).astype(int)) if len(texts) else ():
        counts.update(_script(letter) for letter in texts[row][:CHARACTERS] if letter.isalpha())
    total = sum(counts.values())
    return {script: round(count / total, 4) for script, count in counts.most_common()}


def warning(texts: Sequence[str], learned_from: dict[str, float]) -> str | None:
    """One line if most letters belong to scripts that were rare in training, whose `shares` are `learned_from`, else None."""
    strange = {script: share for script, share in shares(texts).items() if learned_from.get(script, 0) < HARDLY_ANY}
    if sum(strange.values()) <= STRANGE:
        return None
    names = " or ".join(list(strange)[:3])
    share = f"{sum(strange.values()):.0%}"
    return f"{share} of the letters of these texts are {names}, which the model hardly saw: do not trust the labels"


@functools.cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].partition("-")[0]
