"""In which scripts texts are written, to tell when new ones are in another than those that a model learned from."""

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

LOOKED_AT = 1_000  # texts, evenly spaced
CHARACTERS = 1_000  # of each
STRANGE = 0.5  # share of the letters
HARDLY_ANY = 0.01


def shares(texts: Sequence[str]) -> dict[str, float]:
    """Script -> share of the letters of these texts, the commonest first; nothing where they have no letters.

    Scripts are called by the first word of their letters' Unicode names, as in LATIN SMALL LETTER A: LATIN, CYRILLIC, CJK.
    """
    counts: Counter[str] = Counter()
    for row in np.unique(np.linspace(0, len(texts) - 1, LOOKED_AT).astype(int)) if len(texts) else ():
        counts.update(_script(letter) for letter in texts[row][:CHARACTERS] if letter.isalpha())
    total = sum(counts.values())
    return {script: round(count / total, 4) for script, count in counts.most_common()}


def warning(texts: Sequence[str], learned_from: dict[str, float]) -> str | None:
    """One line where most letters are of scripts that the texts learned from hardly have; None where they are not.

    learned_from   as from `shares`
    """
    strange = {script: share for script, share in shares(texts).items() if learned_from.get(script, 0) < HARDLY_ANY}
    if sum(strange.values()) <= STRANGE:
        return None
    return (
        f"{sum(strange.values()):.0%} of the letters of these texts are {' or '.join(list(strange)[:3])}, of which the texts that "
        f"the model learned from have hardly any: do not believe their labels"
    )


@functools.cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].partition("-")[0]
