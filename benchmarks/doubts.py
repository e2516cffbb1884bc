"""How many wrong answers `make doubts` finds: labels are flipped at random and counted in the first tenth of its list.

    python -m benchmarks.doubts [--sets NAME ...] [--seeds 10] [--home .gleaner/doubts]

For each seed, 300 rows of the pool (770 of banking77) are drawn and answered, and 5% of the answers are changed to another random
class. Prints a line a seed, and the table of docs/labelling.md. Stages prepare and embed run once a data set.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks.evidence import SETS
from benchmarks.harness import enter_project, of_repository, prepared, timed
from stages import embed
from stages.core.base import paths
from stages.core.people import label_errors
from stages.core.rows import labels
from stages.core.space import probe_model

ANSWERS = dict.fromkeys(("trec", "sms", "banking77", "rotten_tomatoes", "bbc_news"), 300) | {"banking77": 770}
WRONG = 0.05  # of the answers
SEEDS = range(200, 300)  # the method was chosen on other seeds


def flipped(answers: np.ndarray, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [rows] answers, a share WRONG of them changed to another class; bool [rows] which)."""
    wrong = np.zeros(len(answers), bool)
    wrong[rng.permutation(len(answers))[: round(WRONG * len(answers))]] = True
    return np.where(wrong, (answers + rng.integers(1, classes, len(answers))) % classes, answers), wrong


def share_found(probabilities: np.ndarray, answers: np.ndarray, wrong: np.ndarray) -> float:
    """Share of the wrong answers in the part of the list that `make doubts` shows.

    probabilities   float32 [rows, classes], as label_errors.judged gives it
    """
    own = probabilities[np.arange(len(answers)), answers]
    order = [row for row in np.argsort(own, kind="stable") if not np.isnan(own[row])]
    return float(wrong[label_errors.worst(order)].sum() / wrong.sum())


def one_run(seed: int, answers_wanted: int, pool: np.ndarray, actual: np.ndarray, classes: int) -> tuple[float, float]:
    """(share found, seconds)"""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(actual))[:answers_wanted]
    answers, wrong = flipped(actual[rows], classes, rng)
    seconds, probabilities = timed(lambda: label_errors.judged(np.array(pool[rows]), answers, classes, seed))
    return share_found(probabilities, answers, wrong), seconds


def of_set(home: Path, name: str, seeds: int) -> dict:
    folder, changes = home / name, {"prepare": {"dataset": SETS[name]}}
    if (folder / paths.EMBEDDINGS).exists():
        enter_project(folder, **changes)
    else:
        prepared(folder, **changes)
        embed.main()
    actual, classes = labels.whole_pool("to make answers, some of them wrong"), len(labels.classes())
    pool = probe_model.read(paths.POOL, paths.EMBEDDINGS, of_repository()["embed"]["model"])
    runs = []
    for seed in SEEDS[:seeds]:
        runs.append(one_run(seed, ANSWERS[name], pool, actual, classes))
        print(f"  {name}, seed {seed}: {100 * runs[-1][0]:.0f}% in {runs[-1][1]:.1f} s", file=sys.stderr, flush=True)
    found, seconds = map(np.array, zip(*runs))
    return {
        "data set": name,
        "classes": classes,
        "answers": ANSWERS[name],
        "flipped": round(WRONG * ANSWERS[name]),
        "found in the first tenth, %": f"{100 * found.mean():.0f} ± {100 * found.std(ddof=1) if seeds > 1 else 0:.0f}",
        "seeds": seeds,
        "seconds a list": f"{np.median(seconds):.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doubts")
    parser.add_argument("--sets", nargs="*", choices=list(ANSWERS), default=list(ANSWERS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--home", default=".gleaner/doubts")
    options = parser.parse_args()
    home = Path(options.home).resolve()
    with contextlib.redirect_stdout(sys.stderr):
        rows = [of_set(home, name, options.seeds) for name in options.sets]
    print(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
