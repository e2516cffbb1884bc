"""data/report.html: what it is made of is read here, and the file written."""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts, paths
from stages.core.encoding import vectors
from stages.core.report_page import contents, render
from stages.core.report_page.contents import Reported, Seen
from stages.core.rows import score_summary

PATH = Path("data/report.html")


def write(reported: Reported) -> None:
    """Write the page; what the stage report has not read is read here."""
    settings = reported.settings
    score_summary.forget_all_but(settings.rounds)
    shape = len(reported.answers), len(settings.seeds), len(reported.classes)
    rows = artifacts.load(paths.MAP / "rows.npy", np.int64, (None,), within=(0, len(reported.answers)))
    seen = Seen(
        **vars(reported),
        outlooks={stage: score_summary.load(stage, *shape) for stage in settings.rounds},
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
        part.write_text(render.page(contents.gathered(seen)), encoding="utf-8", newline="\n")
