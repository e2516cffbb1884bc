"""`make find` beside random rows and the default: how many labels until classes have 5 answers.

    python -m benchmarks.finding [--sets banking77 trec sms] [--seeds 3] [--most 5 20] [--home .gleaner/evidence]

Of banking77 every class is wanted, of trec and sms the rarest. Words are those of the class's phrase (its name, or what
phrases.yaml says) without stop words; LIKE is the phrase; CLASS takes the names' model, which has seen no label. For each class
that lacks answers, in an order drawn at random, so many rows are found and answered, and again until none lacks any; where a way
finds no more rows, random rows follow. The default chooses as params.yaml does, with names, in rounds of BUDGETS.
"""

import argparse
import contextlib
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

STUDY = "names"
ENOUGH = 5  # answers a class
EVERY = ("banking77",)  # sets of which every class is wanted
BUDGETS = {"banking77": (77, 154, 308, 462, 770, 1_540, 3_080), "trec": (50, 100, 200, 300, 500, 1_000), "sms": (50, 100, 200)}


class Asked:
    """What was answered so far, of `answers` int64 [pool]; `wanted` are class numbers."""

    def __init__(self, answers: np.ndarray, wanted: list[int]):
        self.answers, self.wanted, self.rows = answers, wanted, []
        self.counts = np.zeros(answers.max() + 1, int)

    def lacking(self) -> list[int]:
        return [each for each in self.wanted if self.counts[each] < ENOUGH]

    def ask(self, rows: np.ndarray) -> "Asked":
        """Answer these rows one by one, as long as a class lacks answers."""
        for row in rows:
            if self.lacking():
                self.rows.append(row)
                self.counts[self.answers[row]] += 1
        return self


def looked_for(way: str, most: int, asked: Asked, phrases: list[str], order: np.ndarray, rng: np.random.Generator) -> Asked:
    texts = [Text(keys.key(text), text, "", row, False, None) for row, text in enumerate(artifacts.texts(paths.POOL))]
    classes = artifacts.load_json(paths.CLASSES)
    settings = SimpleNamespace(labels=SimpleNamespace(keep_text=True), seeds=[0])
    state = SimpleNamespace(texts={text.key: text for text in texts}, classes=classes, stages=[], settings=settings)
    exhausted = set[int]()
    while left := [each for each in asked.lacking() if each not in exhausted]:
        for number in rng.permutation(left):
            if number not in asked.lacking():
                continue
            done = set(asked.rows)
            what = {"words": words_of(phrases[number]), "like": phrases[number], "class": classes[number]}[way]
            found = finding.best(state, way, what, [text.key for text in texts if text.row not in done], most).marks
            asked.ask(np.array([state.texts[key].row for key in found], np.int64))
            if len(found) < most:
                exhausted.add(number)
    return asked.ask(np.array([row for row in order if row not in set(asked.rows)]))


def words_of(phrase: str) -> str:
    return " ".join(word for word in re.findall(r"\w+", phrase) if word.lower() not in ENGLISH_STOP_WORDS)


def labels_needed(name: str, seed: int, most: list[int]) -> dict[str, int | None]:
    """way -> labels; None where the default's rounds do not suffice. In the folder of a prepared set."""
    answers, data = labels.whole_pool("to look for classes"), evidence.opened(str(Path.cwd()), None, False)
    phrases = list(evidence.phrases_of(name, STUDY).values())
    wanted = list(range(len(phrases))) if name in EVERY else [int(np.bincount(answers).argmin())]
    [order] = rounds.random_orders([seed], len(answers))
    data.fitter.named = []
    arm = evidence.arm_of(variants.name_of_default(), BUDGETS[name], data, [])
    tried = {"random rows": Asked(answers, wanted).ask(order), "default": Asked(answers, wanted)}
    for _, rows, _, _ in arm.trajectory(seed, order):
        tried["default"].ask(rows[~np.isin(rows, tried["default"].rows)])
        if not tried["default"].lacking():
            break
    for way in finding.EXAMPLES:
        for rows in most:
            rng = np.random.default_rng(seed)
            tried[f"{way.upper()}, {rows} at a time"] = looked_for(way, rows, Asked(answers, wanted), phrases, order, rng)
    return {way: None if asked.lacking() else len(asked.rows) for way, asked in tried.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finding")
    parser.add_argument("--sets", nargs="*", choices=list(BUDGETS), default=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--most", nargs="*", type=int, default=[5, finding.MOST])
    parser.add_argument("--home", default=".gleaner/evidence")
    options = parser.parse_args()
    home, table = Path(options.home).resolve(), {}
    for name in options.sets:
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
            evidence.prepare_set(home, name, STUDY)
            needed = [labels_needed(name, seed, options.most) for seed in evidence.SEEDS[: options.seeds]]
        for way in needed[0]:
            of_way = [run[way] for run in needed]
            known = None not in of_way
            shown = f"{statistics.mean(of_way):,.0f} ({min(of_way):,} to {max(of_way):,})" if known else "not reached"
            table.setdefault(way, {"rows": way})[name] = shown
        print(tabulate(table.values(), headers="keys", tablefmt="github", disable_numparse=True), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
