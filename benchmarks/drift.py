"""How well new texts of a class that the pool lacks are found by their distance to the nearest rows, as in `make drift`.

    python -m benchmarks.drift [--sets NAME ...] [--home .gleaner/doubts]

A class is held back from the pool, with up to 500 rows of the others, and both come as new texts; so for every class, of 77 for 20.
Prints the table of docs/labelling-more.md: means over the classes. Stages prepare and embed run once a data set.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from tabulate import tabulate

from benchmarks.evidence import SETS
from benchmarks.harness import enter_project, prepared
from stages import embed
from stages.core.base import artifacts, paths
from stages.core.encoding import vectors
from stages.core.reporting import novelty
from stages.core.rows import labels

CLASSES, ORDINARY = 20, 500
VIEWS = {  # float [rows, layers, width] -> float32 [rows, width]
    "mean of the layers": vectors.mean_of_layers,
    "last layer": lambda stored: np.asarray(stored[:, -1], np.float32),
    "layers side by side": lambda stored: np.asarray(stored, np.float32).reshape(len(stored), -1),
}


def held_back(actual: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the pool, new rows of other classes, new rows of the class), int64 each."""
    others = np.random.default_rng(number).permutation(np.flatnonzero(actual != number))
    ordinary, pool = np.split(others, [min(ORDINARY, len(others) // 5)])
    return pool, ordinary, np.flatnonzero(actual == number)


def of_set(home: Path, name: str) -> Iterator[dict]:
    made_before = (home / name / paths.EMBEDDINGS).exists()
    (enter_project if made_before else prepared)(home / name, prepare={"dataset": SETS[name]})
    if not made_before:
        embed.main()
    actual, stored = labels.whole_pool("to hold a class back"), vectors.load(paths.EMBEDDINGS, paths.POOL)
    numbers = np.random.default_rng(0).permutation(len(artifacts.load_json(paths.CLASSES)))[:CLASSES]
    for view, seen_as in VIEWS.items():
        seen, made = seen_as(stored), []
        for neighbours in (1, 3, 10):
            novelty.NEIGHBOURS = neighbours
            for number in numbers:
                pool, ordinary, strange = held_back(actual, number)
                found = novelty.measured(seen[np.concatenate([ordinary, strange])], seen[pool])
                is_new = np.arange(len(found.far)) >= len(ordinary)
                made.append((found.far[is_new].mean(), found.far[~is_new].mean(), roc_auc_score(is_new, found.distances)))
            far, ordinary_far, area = 100 * np.mean(made[-len(numbers) :], axis=0)
            means = {"new class far, %": f"{far:.0f}", "others far, %": f"{ordinary_far:.1f}", "AUROC, %": f"{area:.0f}"}
            yield {"data set": name, "classes": len(numbers), "vectors": view, "neighbours": neighbours} | means


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift")
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=["bbc_news", "trec", "banking77"])
    parser.add_argument("--home", default=".gleaner/doubts")
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        rows = [row for name in options.sets for row in of_set(Path(options.home).resolve(), name)]
    print(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))
