"""How many rows have near-duplicates (labels.alike), how often they share a label, and how many answers that saves.

    python -m benchmarks.alike [--sets NAME ...] [--seeds 0] [--home .gleaner/alike]

Prints the first table of docs/labelling-more.md; with seeds, the second: what the default asks for, which takes minutes a seed.
Stages prepare to cluster run once a data set. `made-up` is a third of the pool of sms,
500 of its texts three times more: with another number and user in front (`masked`), and with one word in place of another (`word`).
"""

import argparse
import contextlib
import sys
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks import evidence, variants
from stages.core.base import artifacts, paths
from stages.core.people.alike import Alike
from stages.core.rows import labels, rounds

STUDY, MADE = "unnamed", "made-up"
BOUNDS = (None, 0.90, 0.92, 0.94, 0.96, 0.97, 0.98, 0.99)  # None: masked texts alone
DEFAULT = 0.98  # labels.alike_cosine
SETS = ("sms", MADE, "banking77", "trec", "bbc_news", "rotten_tomatoes", "tweet_emotion")


def make(home: Path) -> None:
    """Write the data set of near-duplicates, and let evidence know it. Needs sms."""
    evidence.SETS[MADE], evidence.BUDGETS[MADE] = str(home / f"{MADE}.jsonl"), (50, 100, 200, 300)
    folder, rng, rows = home / STUDY / "sms", np.random.default_rng(0), []
    texts, actual = artifacts.texts(folder / paths.POOL), np.load(folder / paths.SOURCE_LABELS)
    drawn = rng.permutation(len(texts))[: len(texts) // 3]
    words = sorted({word for row in drawn for word in texts[row].split() if word.isalpha()})
    for place, row in enumerate(drawn):
        several = [texts[row]]
        if place < 500:
            several += [f"@user{rng.integers(10**6)} {rng.integers(10**6)}: {texts[row]}" for _ in range(2)]
            changed = texts[row].split()
            changed[rng.integers(len(changed))] = str(rng.choice(words))
            several.append(" ".join(changed))
        rows += [{"text": text, "label": "spam" if actual[row] else "ham"} for text in several]
    artifacts.save_jsonl(Path(evidence.SETS[MADE]), rows)


def first_rows(name: str, seed: int) -> np.ndarray:
    """int64 [about 300]: the rows that the default asks for, the first at the beginning."""
    data = evidence.opened(str(Path.cwd()), None, False)
    arm = evidence.arm_of(variants.name_of_default(), [n for n in evidence.BUDGETS[name] if n <= 308], data, [])
    [order], data.fitter.named = rounds.random_orders([seed], len(data.buckets)), []
    return [rows for _, rows, *_ in arm.trajectory(seed, order)][-1]


def of_set(home: Path, name: str, seeds: int) -> list[dict]:
    """A line for each bound; or, with seeds, one line about the first rows."""
    evidence.prepare_set(home, name, STUDY)
    actual, texts = labels.whole_pool("to see whether near-duplicates have one label"), list(artifacts.texts(paths.POOL))
    points, lines, counts = evidence.opened(str(Path.cwd()), None, False).vectors, [], []
    for bound in (DEFAULT,) if seeds else BOUNDS:
        found = Alike(texts, points if bound else None, bound or 1.0).twins(range(len(texts)))
        wrong = [actual[row] != actual[twin] for row, several in found.items() for twin in several]
        rows, several = f"{sum(map(bool, found.values())):,}", f"{100 * np.mean(wrong or 0):.1f}% of {len(wrong) // 2:,}"
        lines.append({"data set": name, "bound": bound or "masked", "rows": rows, "two labels": several})
        print(lines[-1], file=sys.stderr, flush=True)
    for seed in range(seeds):
        rows = first_rows(name, seed).tolist()
        again = sum(bool({*rows[:place]} & {*found[row]}) for place, row in enumerate(rows))
        free = {twin: row for row in rows for twin in found[row] if twin not in rows}
        counts.append((len(rows), again, len(free), sum(actual[twin] != actual[row] for twin, row in free.items())))
    columns = ("asked", "of these near an earlier one", "answers for others", "of these wrong")
    return [{"data set": name} | dict(zip(columns, map("{:.1f}".format, np.mean(counts, axis=0))))] if seeds else lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alike")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=SETS)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--home", default=".gleaner/alike")
    options = parser.parse_args()
    home = Path(options.home).resolve()
    with contextlib.redirect_stdout(sys.stderr):
        evidence.prepare_set(home, "sms", STUDY)
        make(home)
        lines = [line for name in options.sets for line in of_set(home, name, options.seeds)]
    print(tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
