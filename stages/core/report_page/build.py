"""Reads what data/report.html needs besides the results, and writes the page."""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts, paths
from stages.core.encoding import vectors
from stages.core.report_page import contents, render
from stages.core.report_page.contents import PageData, Reported
from stages.core.rows import score_summary

PATH = Path("data/report.html")


def write(reported: Reported) -> None:
    settings = reported.settings
    score_summary.forget_all_but(settings.rounds)
    shape = len(reported.answers), len(settings.seeds), len(reported.classes)
    rows = artifacts.load(paths.MAP / "rows.npy", np.int64, (None,), within=(0, len(reported.answers)))
    page = PageData(
        **vars(reported),
        score_summaries={stage: score_summary.load(stage, *shape) for stage in settings.rounds},
        pool=artifacts.texts(paths.POOL),
        held_out=artifacts.texts(paths.HOLDOUT),
        pool_vectors=vectors.of_texts(paths.EMBEDDINGS, paths.POOL),
        holdout_vectors=vectors.of_texts(paths.HOLDOUT_EMBEDDINGS, paths.HOLDOUT)[reported.known],
        rows=rows,
        places=artifacts.load(paths.MAP / "points.npy", np.float32, (len(rows), 2)),
        counts=artifacts.load_json(paths.COUNTS),
        dropped=artifacts.load_json(paths.DROPPED),
        people=artifacts.load_json(paths.PEOPLE),
    )
    with artifacts.whole(PATH) as part:
        part.write_text(render.page(contents.collected(page)), encoding="utf-8", newline="\n")
