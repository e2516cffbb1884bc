"""`make find` beside random rows and the default: how many labels until classes have 5 answers.

    python -m benchmarks.finding [--sets banking77 trec sms] [--seeds 3] [--most 5 20] [--home .gleaner/evidence]

Of banking77 every class is wanted, of trec and sms the rarest. Words are those of the class's phrase (its name, or what
phrases.yaml says) without stop words; LIKE is the phrase; CLASS takes the names' model, which has seen no label. For each class
that lacks answers, in an order drawn at random, so many rows are found and answered, and again until none lacks any; where a way
finds no more rows, random rows follow. The default chooses as params.yaml does, with names, in rounds of BUDGETS.
"""

import argparse
import contextlib
import functools
import itertools
import os
import re
import statistics
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from tabulate import tabulate

from benchmarks import evidence, variants
from stages.core.base import artifacts, keys, paths
from stages.core.people import finding
from stages.core.people.labelling import Text
from stages.core.rows import labels, rounds

STUDY, ENOUGH, EVERY = "names", 5, ("banking77",)  # answers a class; sets of which every class is wanted
BUDGETS = {"banking77": (77, 154, 308, 462, 770, 1_540, 3_080), "trec": (50, 100, 200, 300, 500, 1_000), "sms": (50, 100, 200)}


class Asked:  # answers int64 [pool]; wanted: class numbers
    def __init__(self, answers: np.ndarray, wanted: list[int]):
        self.answers, self.wanted, self.rows = answers, wanted, []
        self.counts = np.zeros(answers.max() + 1, int)

    def lacking(self) -> list[int]:
        return [each for each in self.wanted if self.counts[each] < ENOUGH]

    def open(self, rows: np.ndarray) -> np.ndarray:
        return rows[~np.isin(rows, self.rows)]

    def ask(self, rows: np.ndarray) -> "Asked":
        """Answer these rows one by one, as long as a class lacks answers."""
        for row in rows:
            if self.lacking():
                self.rows.append(row)
                self.counts[self.answers[row]] += 1
        return self


class Search:
    """Rows as `make find` gives them in the folder of a prepared set."""

    def __init__(self, phrases: list[str]):
        texts = [Text(keys.key(text), text, "", row, False, None) for row, text in enumerate(artifacts.texts(paths.POOL))]
        settings = SimpleNamespace(labels=SimpleNamespace(keep_text=True), seeds=[0])
        by_key, classes = {text.key: text for text in texts}, artifacts.load_json(paths.CLASSES)
        self.state = SimpleNamespace(texts=by_key, classes=classes, stages=[], settings=settings)
        words = [" ".join(word for word in re.findall(r"\w+", said) if word.lower() not in ENGLISH_STOP_WORDS) for said in phrases]
        self.what, self.ranked = {"words": words, "like": phrases, "class": classes}, functools.cache(self.rank)

    def rank(self, way: str, number: int) -> np.ndarray:
        """int64 [rows]: all that the way finds for a class, best first."""
        found, _ = finding.best(self.state, way, self.what[way][number], list(self.state.texts), len(self.state.texts))
        return np.array([self.state.texts[key].row for key in found], np.int64)

    def until_enough(self, way: str, most: int, asked: Asked, order: np.ndarray, rng: np.random.Generator) -> Asked:
        exhausted = set[int]()
        while left := [each for each in asked.lacking() if each not in exhausted]:
            for number in rng.permutation(left):
                if number in asked.lacking():
                    rows = asked.open(self.ranked(way, number))[:most]
                    asked.ask(rows)
                    exhausted |= {number} if len(rows) < most else set()
        return asked.ask(asked.open(order))


def labels_needed(name: str, seed: int, most: list[int], search: Search) -> dict[str, int | None]:
    """way -> labels; None where the default's rounds do not suffice. In the folder of a prepared set."""
    answers, data = labels.whole_pool("to look for classes"), evidence.opened(str(Path.cwd()), None, False)
    wanted = list(range(data.fitter.classes)) if name in EVERY else [int(np.bincount(answers).argmin())]
    [order] = rounds.random_orders([seed], len(answers))
    data.fitter.named = []
    arm = evidence.arm_of(variants.name_of_default(), BUDGETS[name], data, [])
    tried = {"random rows": Asked(answers, wanted).ask(order), "default": Asked(answers, wanted)}
    for _, rows, _, _ in arm.trajectory(seed, order):
        if not tried["default"].ask(tried["default"].open(rows)).lacking():
            break
    for way, rows in itertools.product(finding.WAYS, most):
        rng = np.random.default_rng(seed)
        tried[f"{way.upper()}, {rows} at a time"] = search.until_enough(way, rows, Asked(answers, wanted), order, rng)
    return {way: None if asked.lacking() else len(asked.rows) for way, asked in tried.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="*", choices=list(BUDGETS), default=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", nargs="*", type=int, default=[5, finding.MOST])
    parser.add_argument("--home", default=".gleaner/evidence")
    options = parser.parse_args()
    home, table = Path(options.home).resolve(), {}
    for name in options.sets:
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
            evidence.prepare_set(home, name, STUDY)
            search = Search(list(evidence.phrases_of(name, STUDY).values()))
            needed = [labels_needed(name, seed, options.most, search) for seed in evidence.SEEDS[: options.seeds]]
        for way, some in {way: [run[way] for run in needed] for way in needed[0]}.items():
            shown = "not reached" if None in some else f"{statistics.mean(some):,.0f} ({min(some):,} to {max(some):,})"
            table.setdefault(way, {"rows": way})[name] = shown
        print(tabulate(table.values(), headers="keys", tablefmt="github", disable_numparse=True), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
