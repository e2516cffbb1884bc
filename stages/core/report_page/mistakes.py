"""Where the model errs: predictions of the mean of the seeds' models on the holdout."""

import numpy as np

from stages.core.report_page import shortened
from stages.core.rows.measures import confusion

MOST_CHARACTERS = 1_000
BUDGET = 500_000  # bytes of all texts
MOST_ROWS = 1_500  # mistakes on the page, the surest first
RIGHT_SHOWN = 10  # rows of each class that are right, the least sure first
MOST_CELLS = 30 * 30  # a larger confusion table is unreadable: the page then lists the most frequent confusions
MOST_PAIRS = 100
CHECK_AGAIN = 50


def mistakes(probabilities: np.ndarray, actual: np.ndarray, holdout: list[str], by_full_model: np.ndarray | None) -> dict:
    """The confusion table, and the rows behind it.

    probabilities   float32 [seeds, holdout, classes]
    actual          int64 [holdout]
    holdout         texts
    by_full_model   int [holdout]   classes that the model of all labels predicts, if there is one

    A row is doubtful if this model and that of all labels agree against its label.
    """
    mean = probabilities.mean(0)
    predicted, sure = mean.argmax(1), mean.max(1)
    counts = confusion(mean, actual)
    order = np.argsort(-sure, kind="stable")
    is_wrong = predicted != actual
    wrong, right = order[is_wrong[order]], order[::-1][~is_wrong[order[::-1]]]
    of_class = [right[actual[right] == number] for number in range(len(counts))]
    rows = np.concatenate([wrong[:MOST_ROWS], *(each[:RIGHT_SHOWN] for each in of_class)])
    texts, length = shortened.fitting([holdout[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.plain_size)
    doubtful = is_wrong & (by_full_model == predicted) if by_full_model is not None else np.zeros(len(actual), bool)
    return {
        "counts": counts.tolist() if counts.size <= MOST_CELLS else None,
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
                "doubtful": bool(doubtful[row]),
                "text": text,
            }
            for row, text in zip(rows, texts)
        ],
    }


def _most_frequent(counts: np.ndarray) -> list[list[int]]:
    """[actual, predicted, rows] of the most frequent confusions."""
    errors = counts - np.diag(np.diag(counts))
    order = np.argsort(-errors, axis=None, kind="stable")[:MOST_PAIRS]
    return [[int(a), int(b), int(errors[a, b])] for a, b in zip(*np.unravel_index(order, errors.shape)) if errors[a, b]]


def by_class(probabilities: np.ndarray, actual: np.ndarray, bought: np.ndarray, answers: np.ndarray) -> list[dict]:
    """Labels, rows, recall and precision of each class, the fewest labels first.

    bought    int64 [seeds, rows]   labels of the rows the models were trained on
    answers   int64 [pool]
    """
    predictions = probabilities.argmax(2)
    made = []
    for number in range(probabilities.shape[2]):
        is_it, predicted = actual == number, predictions == number
        hits = (is_it & predicted).sum()
        made.append({
            "class": number,
            "labels": round(float((bought == number).sum(1).mean()), 1),
            "pool": int((answers == number).sum()),
            "holdout": int(is_it.sum()),
            "recall": round(float(hits / (is_it.sum() * len(predicted))), 4) if is_it.any() else None,
            "precision": round(float(hits / predicted.sum()), 4) if predicted.any() else None,
        })  # fmt: skip
    return sorted(made, key=lambda row: row["labels"])


def check_again(stages: list[dict]) -> list[dict]:
    """Labelled rows that a person should check: without a class, or with another class than the models before were sure of.

    stages   each with "stage", and "rows" as picks.of_stage gives them
    """
    rows = [
        row | {"stage": entry["stage"]}
        for entry in stages
        for row in entry["rows"]
        if row["label"] < 0 or (row["score"] is not None and row["predicted"] not in (None, -1, row["label"]))
    ]
    return sorted(rows, key=lambda row: (row["label"] >= 0, row["score"] or 0))[:CHECK_AGAIN]
