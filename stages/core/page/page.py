"""data/report.html: what it is made of is read here, and the file written."""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts
from stages.core.encoding import vectors
from stages.core.page import contents, render
from stages.core.page.contents import Reported, Seen
from stages.core.rows import outlook

PATH = Path("data/report.html")


def write(reported: Reported) -> None:
    """Write the page; what the stage report has not read is read here."""
    settings = reported.settings
    outlook.forget_all_but(settings.rounds)
    shape = len(reported.answers), len(settings.seeds), len(reported.classes)
    rows = artifacts.load(artifacts.MAP / "rows.npy", np.int64, (None,), within=(0, len(reported.answers)))
    seen = Seen(
        **vars(reported),
        outlooks={stage: outlook.load(stage, *shape) for stage in settings.rounds},
        pool=artifacts.texts(artifacts.POOL),
        held_out=artifacts.texts(artifacts.HOLDOUT),
        pool_vectors=vectors.of_texts(artifacts.EMBEDDINGS, artifacts.POOL),
        holdout_vectors=vectors.of_texts(artifacts.HOLDOUT_EMBEDDINGS, artifacts.HOLDOUT)[reported.known],
        rows=rows,
        places=artifacts.load(artifacts.MAP / "points.npy", np.float32, (len(rows), 2)),
        counts=artifacts.load_json(artifacts.COUNTS),
        dropped=artifacts.load_json(artifacts.DROPPED),
        people=artifacts.load_json(artifacts.PEOPLE),
    )
    with artifacts.whole(PATH) as part:
        part.write_text(render.page(contents.gathered(seen)), encoding="utf-8", newline="\n")
