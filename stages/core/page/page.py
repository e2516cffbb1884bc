"""data/report.html: what it is made of is read here, and the file written."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.base import artifacts
from stages.core.encoding import vectors
from stages.core.page import contents, render
from stages.core.page.contents import Seen
from stages.core.reporting.comparison import Found
from stages.core.rows import outlook
from stages.core.rows.results import MAIN

PATH = Path("data/report.html")


def of(
    settings: Any,
    stages: list[str],
    read: Found,
    found: Found,
    answers: np.ndarray,
    actual: np.ndarray,
    known: np.ndarray,
    classes: list[str],
    buckets: np.ndarray,
) -> Seen:
    """All that the page is made of, of it what the stage report has not read already. Arguments as in `Seen`.

    read    of all arms and stages, whether they have models or not
    known   bool [holdout]   rows of the holdout whose class is known: those of `actual`
    """
    outlook.forget_all_but(settings.rounds)
    shape = len(answers), len(settings.seeds), len(classes)
    rows = artifacts.load(artifacts.MAP / "rows.npy", np.int64, (None,), within=(0, len(answers)))
    return Seen(
        settings=settings,
        stages=stages,
        results={stage: read[MAIN, stage] for stage in stages},
        found=found,
        outlooks={stage: outlook.load(stage, *shape) for stage in settings.rounds},
        pool=artifacts.texts(artifacts.POOL),
        holdout=[text for text, there in zip(artifacts.texts(artifacts.HOLDOUT), known) if there],
        pool_vectors=vectors.of_texts(artifacts.EMBEDDINGS, artifacts.POOL),
        holdout_vectors=vectors.of_texts(artifacts.HOLDOUT_EMBEDDINGS, artifacts.HOLDOUT)[known],
        rows=rows,
        places=artifacts.load(artifacts.MAP / "points.npy", np.float32, (len(rows), 2)),
        answers=answers,
        buckets=buckets,
        actual=actual,
        classes=classes,
    )


def write(seen: Seen, measured: dict, overall: dict, tables: str, measure: str) -> None:
    """Write the page. measured, overall, tables and measure as of contents.gathered."""
    made = contents.gathered(seen, measured, overall, artifacts.load_json(artifacts.COUNTS), tables, measure)
    with artifacts.whole(PATH) as part:
        part.write_text(render.page(made), encoding="utf-8", newline="\n")
