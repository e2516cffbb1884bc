"""Where the model errs: what the mean of the seeds' models says of the holdout."""

import numpy as np

from stages.core.report_page import shortened
from stages.core.rows.measures import confusion

MOST_CHARACTERS = 1_000
BUDGET = 500_000  # bytes of all texts
MOST_ROWS = 1_500  # mistakes on the page, the surest first
RIGHT_SHOWN = 10  # of each class, the least sure
MOST_CELLS = 30 * 30  # a larger table of confusion tells a person nothing: then the most frequent confusions alone
LOOK_AGAIN = 50


def mistakes(probabilities: np.ndarray, actual: np.ndarray, holdout: list[str], full: np.ndarray | None) -> dict:
    """The table of confusion, and the rows behind it.

    probabilities   float32 [seeds, holdout, classes]
    actual          int64 [holdout]
    holdout         texts
    full            int [holdout]   classes that the model of all labels predicts, if there is one

    A row is doubtful where the model and that of all labels agree against its label.
    """
    mean = probabilities.mean(0)
    predicted, sure = mean.argmax(1), mean.max(1)
    classes = mean.shape[1]
    counts = confusion(mean, actual)
    order = np.argsort(-sure, kind="stable")
    wrong = order[predicted[order] != actual[order]]
    right = order[::-1][predicted[order[::-1]] == actual[order[::-1]]]
    rows = [*wrong[:MOST_ROWS]]
    for number in range(classes):
        rows += [*right[actual[right] == number][:RIGHT_SHOWN]]
    cut, length = shortened.fitting([holdout[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.plain_size)
    return {
        "counts": counts.tolist() if classes**2 <= MOST_CELLS else None,
        "pairs": _most_frequent(counts),
        "mistakes": len(wrong),
        "holdout": len(actual),
        "cut_at": length,
        "rows": [
            {
                "row": int(row),
                "actual": int(actual[row]),
                "predicted": int(predicted[row]),
                "sure": round(float(sure[row]), 3),
                "agree": int((probabilities[:, row].argmax(1) == predicted[row]).sum()),
                "doubtful": bool(full is not None and predicted[row] != actual[row] and full[row] == predicted[row]),
                "text": text,
            }
            for row, text in zip(rows, cut)
        ],
    }


def _most_frequent(counts: np.ndarray, most: int = 100) -> list[list[int]]:
    """[actual, predicted, rows] of the most frequent confusions."""
    off = counts - np.diag(np.diag(counts))
    order = np.argsort(-off, axis=None, kind="stable")[:most]
    return [[int(a), int(b), int(off[a, b])] for a, b in zip(*np.unravel_index(order, off.shape)) if off[a, b]]


def by_class(probabilities: np.ndarray, actual: np.ndarray, bought: np.ndarray, answers: np.ndarray) -> list[dict]:
    """What each class has and how well it is known, the fewest labels first.

    bought    int64 [seeds, rows]   labels of the rows the model was trained on
    answers   int64 [pool]
    """
    predicted = probabilities.argmax(2)
    made = []
    for number in range(probabilities.shape[2]):
        is_it, said = actual == number, predicted == number
        hits = (is_it & said).sum()
        made.append({
            "class": number,
            "labels": round(float((bought == number).sum(1).mean()), 1),
            "pool": int((answers == number).sum()),
            "holdout": int(is_it.sum()),
            "recall": round(float(hits / (is_it.sum() * len(said))), 4) if is_it.any() else None,
            "precision": round(float(hits / said.sum()), 4) if said.any() else None,
        })  # fmt: skip
    return sorted(made, key=lambda row: row["labels"])


def look_again(stages: list[dict]) -> list[dict]:
    """Labelled rows whose label a person should look at: those of which the models before were sure, and said otherwise.

    stages   as picks.of_stage gives them, each under "rows", with its "stage"
    """
    against = [
        row | {"stage": entry["stage"]}
        for entry in stages
        for row in entry["rows"]
        if row["label"] < 0 or (row["score"] is not None and row["predicted"] not in (None, -1, row["label"]))
    ]
    return sorted(against, key=lambda row: (row["label"] >= 0, row["score"] or 0))[:LOOK_AGAIN]
