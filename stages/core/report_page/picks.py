"""What was picked, stage by stage, and what came of it."""

import numpy as np

from stages.core.report_page import shortened
from stages.core.rows.results import Result
from stages.core.rows.score_summary import ScoreSummary
from stages.core.space import geometry

MOST_CHARACTERS = 5_000
BUDGET = 1_000_000  # bytes of all texts of picked rows
MOST_ROWS = 3_000  # on the page, over all stages


def added(stages: list[str], results: dict[str, Result], after: dict[str, str | None]) -> dict[str, slice]:
    """Which columns of `labelled` a stage added to those of the stage before.

    after   the stage before each, None for the first
    """
    return {stage: slice(results[after[stage]].labels if after[stage] else 0, results[stage].labels) for stage in stages}


def minds_changed(picked: np.ndarray, before: np.ndarray, now: np.ndarray, pool: np.ndarray, holdout: np.ndarray) -> np.ndarray:
    """How many rows of the holdout the new models take for another class, counted for the picked row each is nearest to.

    picked        int64 [seeds, rows]      rows of the pool that the stage added
    before, now   int [seeds, holdout]     classes that the models without and with them predict
    pool          float32 [pool, width]    vectors
    holdout       float32 [holdout, width]

    Returns int64 [seeds, rows]. Who is nearest (cosine) likely changed it; it is no proof.
    """
    counts = np.zeros(picked.shape, np.int64)
    for seed, rows in enumerate(picked):
        changed = np.flatnonzero(before[seed] != now[seed])
        if len(rows) and len(changed):
            near = geometry.unit(np.asarray(holdout[changed], np.float32)) @ geometry.unit(np.asarray(pool[rows], np.float32)).T
            counts[seed] = np.bincount(near.argmax(1), minlength=len(rows))
    return counts


def of_stage(
    picked: np.ndarray,
    bought: np.ndarray,
    outlook: ScoreSummary | None,
    columns: slice,
    changed: np.ndarray | None,
    buckets: np.ndarray,
) -> list[dict]:
    """One entry a row that a stage added in some seed, the rows of most seeds first; numbers are means or sums over these seeds.

    picked, bought   int64 [seeds, rows]   what the stage added, and the labels
    outlook          of the models before, if there were any; `columns` of it are the rows that were added
    changed          as `minds_changed` gives it, if known
    """
    rows: dict[int, list[tuple[int, int]]] = {}
    for seed, of_seed in enumerate(picked):
        for place, row in enumerate(of_seed):
            rows.setdefault(int(row), []).append((seed, place))
    made = []
    for row, places in rows.items():
        where = tuple(np.array(places).T)
        scores = None if outlook is None else outlook.picked_scores[:, columns][where]
        predicted = None if outlook is None else outlook.picked_predicted[:, columns][where]
        made.append({
            "row": row,
            "seeds": len(places),
            "bucket": int(buckets[row]),
            "score": None if scores is None or np.isnan(scores).any() else round(float(scores.mean()), 3),
            "predicted": None if predicted is None else int(np.bincount(predicted + 1).argmax() - 1),
            "label": int(bought[where][0]),
            "changed": None if changed is None else int(changed[where].sum()),
        })  # fmt: skip
    return sorted(made, key=lambda entry: -entry["seeds"])


def with_texts(stages: list[dict], pool: list[str]) -> dict:
    """{"stages", "texts": row -> text, "cut_at", "left_out": rows that are too many for the page}.

    stages   {"stage", "rows": as of_stage gives them}
    """
    left = MOST_ROWS
    kept = []
    for entry in stages:
        kept.append(entry | {"rows": entry["rows"][:left], "all": len(entry["rows"])})
        left -= len(kept[-1]["rows"])
    rows = sorted({row["row"] for entry in kept for row in entry["rows"]})
    cut, length = shortened.fitting([pool[row] for row in rows], MOST_CHARACTERS, BUDGET, shortened.plain_size)
    return {
        "stages": kept,
        "texts": dict(zip(map(str, rows), cut)),
        "cut_at": length,
        "left_out": sum(entry["all"] - len(entry["rows"]) for entry in kept),
    }
