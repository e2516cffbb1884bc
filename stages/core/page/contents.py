"""What stands on the page: one dict of plain values, which json can write, made of the results of all arms."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core.page import curves, making, mistakes, picks, points
from stages.core.reporting import answer
from stages.core.reporting.comparison import Found
from stages.core.rows.outlook import Outlook
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL, Result
from stages.core.rows.rounds import FIRST


@dataclass(frozen=True)
class Seen:
    """All that the page is made of.

    settings     of params.yaml, as the stage report declares them
    stages       all labelling stages, in order
    results      stage -> the bucketed arm's result, models or not
    found        of all arms and stages that have models
    outlooks     stage -> what the models before it thought; none for the first stage
    pool, holdout                   texts; of the holdout those rows that have a class
    pool_vectors, holdout_vectors   float32 [pool, width], [holdout, width]
    rows, places                    of the map: int64 [points], float32 [points, 2]
    answers, buckets                int64 [pool], int32 [pool]
    actual, classes                 int64 [holdout], names
    """

    settings: Any
    stages: list[str]
    results: dict[str, Result]
    found: Found
    outlooks: dict[str, Outlook]
    pool: list[str]
    holdout: list[str]
    pool_vectors: np.ndarray
    holdout_vectors: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    answers: np.ndarray
    buckets: np.ndarray
    actual: np.ndarray
    classes: list[str]

    @property
    def trained(self) -> list[str]:
        """Stages whose models were measured."""
        return [stage for stage in self.stages if (MAIN, stage) in self.found]


def gathered(seen: Seen, measured: dict, overall: dict, counts: dict, tables: str, measure: str) -> dict:
    """Everything on the page.

    measured, overall   as for reporting.answer.sentence
    counts              of data/prepare.json
    tables              Markdown, as in data/summary.md
    measure             accuracy or macro_f1, by which arms are held against each other
    """
    after = {FIRST: None} | {name: item.after for name, item in seen.settings.rounds.items()}
    columns = picks.added(seen.stages, seen.results, after)
    stages = [_picked(seen, stage, after[stage], columns[stage]) for stage in seen.stages]
    looked = [
        seen.outlooks[stage] for stage in seen.stages if stage in seen.outlooks and (seen.outlooks[stage].predicted >= 0).any()
    ]
    return {
        "title": str(seen.settings.prepare.dataset),
        "measure": measure,
        "seeds": len(seen.settings.seeds),
        "classes": seen.classes,
        "waiting": {stage: seen.results[stage].waits_for for stage in seen.stages if seen.results[stage].waits_for},
        "answer": _answer(seen, measured, overall, measure),
        "curves": curves.curves(seen.found, seen.actual) if seen.trained else [],
        "stages": seen.stages,
        "score": seen.settings.score_entropy.score,
        "buckets": points.named_buckets(seen.rows, seen.pool, seen.buckets),
        "map": {
            "pool": len(seen.pool),
            "by": seen.settings.map.method,
            **points.points(
                seen.rows,
                seen.places,
                seen.pool,
                seen.answers,
                seen.buckets,
                looked[-1] if looked else None,
                [seen.results[stage].labelled[:, columns[stage]] for stage in seen.stages],
            ),
        },
        "picked": picks.with_texts(stages, seen.pool),
        "errors": _errors(seen) if seen.trained else None,
        "look_again": mistakes.look_again(stages),
        "made": {
            "settings": making.settings(seen.settings),
            "counts": [[name.replace("_", " "), str(value)] for name, value in counts.items()],
            "versions": making.versions(),
            "tables": tables,
        },
    }


def _answer(seen: Seen, measured: dict, overall: dict, measure: str) -> dict | None:
    """The sentence, and the three figures in it with their limits."""
    if not seen.trained:
        return None
    told = answer.which(measured, seen.trained[-1])
    names = {MAIN: "rows picked by Gleaner", BASELINE: "rows picked at random", BOUND: "all labels"}
    return {
        "sentence": answer.sentence(measured, overall, seen.trained[-1], measure),
        "told": [
            {"name": names[arm], "arm": arm, "labels": measured[where]["labels"], "final": FINAL in where}
            for arm, where in told.items()
        ],
    }


def _picked(seen: Seen, stage: str, before: str | None, columns: slice) -> dict:
    result, outlook = seen.results[stage], seen.outlooks.get(stage)
    rows = result.labelled[:, columns]
    changed = None
    if before and len(seen.actual) and (MAIN, stage) in seen.found and (MAIN, before) in seen.found:
        then, now = (seen.found[MAIN, each].probabilities.argmax(2) for each in (before, stage))
        changed = picks.minds_changed(rows, then, now, seen.pool_vectors, seen.holdout_vectors)
    return {"stage": stage, "rows": picks.of_stage(rows, result.bought[:, columns], outlook, columns, changed, seen.buckets)}


def _errors(seen: Seen) -> dict:
    last = (MAIN, FINAL) if (MAIN, FINAL) in seen.found else (MAIN, seen.trained[-1])
    result, full = seen.found[last], seen.found.get((BOUND, WHOLE_POOL))
    said = full and full.probabilities[0].argmax(1)
    return {
        "of": last[1],
        "by_class": mistakes.by_class(result.probabilities, seen.actual, result.bought, seen.answers),
        **mistakes.mistakes(result.probabilities, seen.actual, seen.holdout, said),
    }
