"""The rows that each stage picked, and what they changed."""

import numpy as np

from stages.core import task
from stages.core.report_page import shortened
from stages.core.rows.score_summary import ScoreSummary
from stages.core.space import geometry

MOST_CHARACTERS = 5_000
BUDGET = 1_000_000  # bytes of all texts of picked rows
MOST_ROWS = 3_000  # on the page, over all stages


def changed_predictions(picked: np.ndarray, old: np.ndarray, new: np.ndarray, pool: np.ndarray, holdout: np.ndarray) -> np.ndarray:
    """Number of holdout rows whose prediction changed, each counted for the nearest (cosine) of the picked rows.

    picked     int64 [seeds, rows]     rows of the pool that the stage added
    old, new   labels [seeds, holdout] that the models without and with them predict
    pool       float32 [pool, width]   vectors
    holdout    float32 [holdout, width]

    Returns int64 [seeds, rows]. A hint: the nearest row likely made the change, but all rows are learned from together.
    """
    counts = np.zeros(picked.shape, np.int64)
    for seed, rows in enumerate(picked):
        changed = np.flatnonzero(~task.of(old).same(old[seed], new[seed]))
        if len(rows) and len(changed):
            near = geometry.unit(np.asarray(holdout[changed], np.float32)) @ geometry.unit(np.asarray(pool[rows], np.float32)).T
            counts[seed] = np.bincount(near.argmax(1), minlength=len(rows))
    return counts


def of_stage(
    picked: np.ndarray,
    bought: np.ndarray,
    summary: ScoreSummary | None,
    columns: slice,
    changed: np.ndarray | None,
    buckets: np.ndarray,
) -> list[dict]:
    """One entry a row that a stage added in some seed, rows of most seeds first. Numbers are means or sums over these seeds.

    picked, bought   int64 and labels [seeds, rows]   rows that the stage added, and their labels
    summary          of the models before, if there were any; its `columns` are the added rows
    changed          of `changed_predictions`, if known
    """
    rows: dict[int, list[tuple[int, int]]] = {}
    for (seed, place), row in np.ndenumerate(picked):
        rows.setdefault(int(row), []).append((seed, place))
    made = []
    for row, places in rows.items():
        where = tuple(np.array(places).T)
        scores = None if summary is None else summary.picked_scores[:, columns][where]
        predicted = None if summary is None else summary.picked_predicted[:, columns][where]
        made.append({
            "row": row,
            "seeds": len(places),
            "bucket": int(buckets[row]),
            "score": None if scores is None or np.isnan(scores).any() else round(float(scores.mean()), 3),
            "predicted": None if predicted is None else int(np.bincount(predicted + 1).argmax() - 1),
            "label": task.of(bought).shown(bought[where][0]),
            "changed": None if changed is None else int(changed[where].sum()),
        })  # fmt: skip
    return sorted(made, key=lambda entry: -entry["seeds"])


def with_texts(stages: list[dict], pool: list[str]) -> dict:
    """{"stages", "texts": row -> text, "cut_at", "left_out": rows beyond MOST_ROWS}, from {"stage", "rows": of of_stage} each."""
    left = MOST_ROWS
    kept = []
    for entry in stages:
        kept.append(entry | {"rows": entry["rows"][:left], "all": len(entry["rows"])})
        left -= len(kept[-1]["rows"])
    rows = sorted({row["row"] for entry in kept for row in entry["rows"]})
    texts, length = shortened.fitting([pool[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.plain_size)
    return {
        "stages": kept,
        "texts": dict(zip(map(str, rows), texts)),
        "cut_at": length,
        "left_out": sum(entry["all"] - len(entry["rows"]) for entry in kept),
    }
