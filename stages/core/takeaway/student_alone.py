"""Label texts with this folder alone: python predict.py "a text" "another", or one text a line on standard input.

Needs numpy. From Python: predict_proba(["a text"]), CLASSES.
"""

import itertools
import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "about.json").read_text(encoding="utf-8"))
CLASSES, (SHORTEST, LONGEST) = ABOUT["classes"], ABOUT["lengths"]
WORDS = {word: number for number, word in enumerate(ABOUT["words"])}
PIECES = {piece: number for number, piece in enumerate(ABOUT["pieces"], start=len(WORDS))}
IDF, WEIGHTS = (np.load(HERE / name, allow_pickle=False) for name in ("idf.npy", "weights.npy"))


def words(text):
    """Words and signs, and pairs of neighbours."""
    single = re.findall(r"\w+|[^\w\s]", text)
    return [*single, *map(" ".join, itertools.pairwise(single))]


def pieces(text):
    """Letters that stand side by side in a word, which has a blank on both sides."""
    for word in map(" {} ".format, text.split()):
        for length in range(SHORTEST, min(LONGEST, len(word)) + 1):
            yield from (word[start : start + length] for start in range(len(word) - length + 1))


def logits(features, number):
    """What these features of a text add to the score of each class: the rarer a feature, the more."""
    counts = Counter(number[each] for each in features if each in number)
    rows = np.array([*counts], int)
    vector = (1 + np.log([*counts.values()])) * IDF[rows]
    return vector @ WEIGHTS[rows] / max(np.sqrt(vector @ vector), 1e-12)


def predict_proba(texts):
    """A list of probabilities for each text, in the order of CLASSES; NaN for an empty or blank text."""
    made = []
    for text in texts:
        if not text.strip():
            made.append([float("nan")] * len(CLASSES))
            continue
        small = text.lower()
        said = logits(words(small), WORDS) + logits(pieces(small), PIECES) + WEIGHTS[-1]
        odds = np.exp(said - said.max())
        made.append((1 / (1 + np.exp(-said)) if ABOUT.get("several") else odds / odds.sum()).tolist())
    return made


def label(said):
    """(probability, label) of one text's probabilities; of several labels those from 0.5 on, and the least sure probability."""
    if not ABOUT.get("several"):
        return max(zip(said, CLASSES))
    names = sorted(name for each, name in zip(said, CLASSES) if each >= 0.5)
    return min(max(each, 1 - each) for each in said), "; ".join(names) or "-"


if __name__ == "__main__":
    for text in sys.argv[1:] or (line.rstrip("\n") for line in sys.stdin):
        best, name = label(predict_proba([text])[0])
        print(f"{name if best >= ABOUT['abstain'] else 'left open'}\t{best:.4f}\t{text}")
