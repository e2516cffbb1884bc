"""Which classes their phrases mislead about: rows that people or the data set answered so, and the names' model calls otherwise."""

from dataclasses import dataclass

import numpy as np

from stages.core.reporting.markdown import quoted

HEAD = "phrases of the last run that mislead; better words go into labels.describe (docs/names.md):"
LEAST, FEW = 5, 1 / 3  # rows answered so, and share of them that is called so
SHOWN = 3  # texts a class


@dataclass(frozen=True)
class Misled:
    """A class of which few rows are called so by name."""

    name: str
    answered: int
    called: int  # of the answered, how many the names' model calls so
    instead: str  # what it calls most of the others
    rows: list[int]  # some of those, as numbers of the arguments

    def line(self, texts: list[str]) -> str:
        """texts   of `rows`"""
        few = f"of {self.answered:,} rows answered {self.name}, the phrases find {self.called:,}"
        return f"{few}; they call most others {self.instead}: {quoted(texts)}"


def found(actual: np.ndarray, named: np.ndarray, classes: list[str]) -> list[Misled]:
    """The classes whose phrases mislead, the worst first.

    actual, named   int [rows]   class numbers by answers, and by the names' model; negative where unknown
    """
    misled = []
    for number, name in enumerate(classes):
        rows = np.flatnonzero((actual == number) & (named >= 0))
        others = rows[named[rows] != number]
        if len(rows) >= LEAST and len(rows) - len(others) < FEW * len(rows):
            most = int(np.bincount(named[others]).argmax())
            like = others[named[others] == most][:SHOWN].tolist()
            misled.append(Misled(name, len(rows), len(rows) - len(others), classes[most], like))
    return sorted(misled, key=lambda each: each.called / each.answered)


def as_markdown(misled: list[Misled], texts: list[str]) -> str:
    """Nothing where no phrase misleads. texts: of all rows."""
    lines = [f"- {each.line([texts[row] for row in each.rows])}\n" for each in misled]
    return f"\n{HEAD.capitalize()}\n\n{''.join(lines)}" if lines else ""
