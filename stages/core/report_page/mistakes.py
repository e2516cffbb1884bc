"""Where the model errs: predictions of the mean of the seeds' models on the holdout."""

import numpy as np

from stages.core import task
from stages.core.report_page import shortened

MOST_CHARACTERS = 1_000
BUDGET = 500_000  # bytes of all texts
MOST_ROWS = 1_500  # mistakes on the page, the surest first
RIGHT_SHOWN = 10  # rows of each class that are right, the least sure first
MOST_CELLS = 30 * 30  # a larger table is unreadable: the page then lists the most frequent confusions
MOST_PAIRS = 100
CHECK_AGAIN = 50


def mistakes(probabilities: np.ndarray, actual: np.ndarray, holdout: list[str], by_full_model: np.ndarray | None) -> dict:
    """The confusion table, or that of errors by class, and the rows behind it.

    probabilities   float32 [seeds, holdout, classes]
    actual          labels [holdout]
    holdout         texts
    by_full_model   labels [holdout] that the model of all labels predicts, if there is one

    A row is doubtful if this model and that of all labels agree against its label.
    """
    mean, kind = probabilities.mean(0), task.of(actual)
    predicted, sure = kind.predicted(mean), task.sureness(kind, mean, np.min)
    counts, errors = kind.table(predicted, actual, mean.shape[1])
    order = np.argsort(-sure, kind="stable")
    is_wrong = ~kind.same(predicted, actual)
    wrong, right = order[is_wrong[order]], order[::-1][~is_wrong[order[::-1]]]
    of_class = [right[kind.has(actual[right], number)] for number in range(len(counts))]
    rows = np.concatenate([wrong[:MOST_ROWS], *(each[:RIGHT_SHOWN] for each in of_class)])
    texts, length = shortened.fitting([holdout[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.plain_size)
    doubtful = is_wrong & kind.same(by_full_model, predicted) if by_full_model is not None else np.zeros(len(actual), bool)
    return {
        "counts": counts.tolist() if counts.size <= MOST_CELLS else None,
        "pairs": _most_frequent(errors),
        "mistakes": len(wrong),
        "holdout": len(actual),
        "cut_at": length,
        "rows": [
            {
                "row": int(row),
                "actual": kind.shown(actual[row]),
                "predicted": kind.shown(predicted[row]),
                "sure": round(float(sure[row]), 3),
                "agree": int(kind.same(kind.predicted(probabilities[:, row]), predicted[row]).sum()),
                "doubtful": bool(doubtful[row]),
                "text": text,
            }
            for row, text in zip(rows, texts)
        ],
    }


def _most_frequent(errors: np.ndarray) -> list[list[int]]:
    """[actual, column, rows] of the most frequent errors."""
    order = np.argsort(-errors, axis=None, kind="stable")[:MOST_PAIRS]
    return [[int(a), int(b), int(errors[a, b])] for a, b in zip(*np.unravel_index(order, errors.shape)) if errors[a, b]]


def by_class(probabilities: np.ndarray, actual: np.ndarray, bought: np.ndarray, answers: np.ndarray) -> list[dict]:
    """Labels, rows, recall and precision of each class, the fewest labels first.

    bought    labels [seeds, rows]   of the rows the models were trained on
    answers   labels [pool]
    """
    kind = task.of(actual)
    predictions = kind.predicted(probabilities)
    made = []
    for number in range(probabilities.shape[2]):
        is_it, predicted = kind.has(actual, number), kind.has(predictions, number)
        hits = (is_it & predicted).sum()
        made.append({
            "class": number,
            "labels": round(float(kind.has(bought, number).sum(1).mean()), 1),
            "pool": int(kind.has(answers, number).sum()),
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
        if _open(row["label"]) or (row["score"] is not None and row["predicted"] not in (None, -1, *task.numbers(row["label"])))
    ]
    return sorted(rows, key=lambda row: (not _open(row["label"]), row["score"] or 0))[:CHECK_AGAIN]


def _open(label: int | str) -> bool:
    """Whether a label of the page is a code."""
    return min(task.numbers(label), default=0) < 0
