"""Label texts with this folder alone: python predict.py "a text" "another", or one text a line on standard input.

Needs numpy. From Python: predict_proba(["a text"]), CLASSES.
"""

import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "about.json").read_text(encoding="utf-8"))
CLASSES, (SHORTEST, LONGEST) = ABOUT["classes"], ABOUT["lengths"]
NUMBER = {piece: number for number, piece in enumerate(ABOUT["pieces"])}
IDF, WEIGHTS = (np.load(HERE / name, allow_pickle=False) for name in ("idf.npy", "weights.npy"))


def pieces(text):
    """The numbers of the pieces of words that a text consists of, and how often it has each."""
    found = Counter()
    for word in text.lower().split():
        word = f" {word} "
        for length in range(SHORTEST, min(LONGEST, len(word)) + 1):
            found.update(word[start : start + length] for start in range(len(word) - length + 1))
    return {NUMBER[piece]: count for piece, count in found.items() if piece in NUMBER}


def predict_proba(texts):
    """A list of probabilities for each text, in the order of CLASSES; NaN for an empty or blank text."""
    made = []
    for text in texts:
        if not text.strip():
            made.append([float("nan")] * len(CLASSES))
            continue
        counts = pieces(text)
        rows = np.fromiter(counts, int, len(counts))
        vector = np.array([1 + math.log(count) for count in counts.values()], np.float32) * IDF[rows]
        logits = vector @ WEIGHTS[rows] / max(float(np.sqrt(vector @ vector)), 1e-12) + WEIGHTS[-1]
        odds = np.exp(logits - logits.max())
        made.append((odds / odds.sum()).tolist())
    return made


if __name__ == "__main__":
    for text in sys.argv[1:] or (line.rstrip("\n") for line in sys.stdin):
        best, name = max(zip(predict_proba([text])[0], CLASSES))
        print(f"{name if best >= ABOUT['abstain'] else 'left open'}\t{best:.4f}\t{text}")
