"""What stands on the page: one dict of plain values, which json can write, made of the results of all arms."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core.report_page import curves, mistakes, picks, points, provenance, shortened
from stages.core.reporting import answer
from stages.core.reporting.comparison import Found
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL, Result
from stages.core.rows.rounds import FIRST
from stages.core.rows.score_summary import ScoreSummary

PEOPLE_ROWS, PEOPLE_CHARACTERS = 200, 1_000  # of conflicts, and of doubts, that the page shows


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What the stage report has read and found.

    settings             of params.yaml, as it declares them
    stages               all labelling stages, in order
    read, found          results of all arms and stages, and those of them that have models
    answers, buckets     int64 [pool], int32 [pool]
    known                bool [holdout]: the rows whose class is known; `actual`, int64 [known], are these classes
    classes              their names
    measured, overall    as for reporting.answer.sentence
    measure              accuracy or macro_f1, by which arms are held against each other
    waiting              stage -> answers that it waits for
    tables               Markdown, as in data/summary.md
    """

    settings: Any
    stages: list[str]
    read: Found
    found: Found
    answers: np.ndarray
    buckets: np.ndarray
    known: np.ndarray
    actual: np.ndarray
    classes: list[str]
    measured: dict
    overall: dict
    measure: str
    waiting: dict[str, int]
    tables: str


@dataclass(frozen=True, kw_only=True)
class Seen(Reported):
    """All that the page is made of.

    outlooks                        stage -> what the models before it thought; none for the first stage
    pool, held_out                  texts, of the holdout all
    pool_vectors, holdout_vectors   float32 [pool, width], [known, width]
    rows, places                    of the map: int64 [points], float32 [points, 2]
    counts, dropped, people         of data/prepare.json, data/dropped.json and data/asked/people.json
    """

    outlooks: dict[str, ScoreSummary]
    pool: list[str]
    held_out: list[str]
    pool_vectors: np.ndarray
    holdout_vectors: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    counts: dict
    dropped: dict
    people: dict

    @property
    def results(self) -> dict[str, Result]:
        """stage -> the bucketed arm's result, models or not."""
        return {stage: self.read[MAIN, stage] for stage in self.stages}

    @property
    def holdout(self) -> list[str]:
        """Texts of the rows of `actual`."""
        return [text for text, there in zip(self.held_out, self.known) if there]

    @property
    def trained(self) -> list[str]:
        """Stages whose models were measured."""
        return [stage for stage in self.stages if (MAIN, stage) in self.found]


def gathered(seen: Seen) -> dict:
    """Everything on the page."""
    after = {FIRST: None} | {name: item.after for name, item in seen.settings.rounds.items()}
    columns = picks.added(seen.stages, seen.results, after)
    stages = [_picked(seen, stage, after[stage], columns[stage]) for stage in seen.stages]
    looked = [
        seen.outlooks[stage] for stage in seen.stages if stage in seen.outlooks and (seen.outlooks[stage].predicted >= 0).any()
    ]
    return {
        "title": str(seen.settings.prepare.dataset),
        "measure": seen.measure,
        "seeds": len(seen.settings.seeds),
        "classes": seen.classes,
        "waiting": seen.waiting | ({"holdout": int((~seen.known).sum())} if not seen.known.all() else {}),
        "people": _people(seen),
        "answer": _answer(seen),
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
            "settings": provenance.settings(seen.settings),
            "counts": [[name.replace("_", " "), str(value)] for name, value in seen.counts.items()],
            "dropped": provenance.dropped(seen.dropped),
            "versions": provenance.versions(),
            "tables": seen.tables,
        },
    }


def _people(seen: Seen) -> dict | None:
    """What people did, with the texts of the rows; None where the data set plays the labeller."""
    done = seen.people
    if not done:
        return None
    sides = {"pool": seen.pool, "holdout": seen.held_out}

    def with_texts(rows: list) -> list[dict]:
        return [
            {"text": shortened.cut(sides[side][row], PEOPLE_CHARACTERS), "in": side, "said": said}
            for side, row, said in rows[:PEOPLE_ROWS]
        ]

    return {"annotators": done["annotators"], "conflicts": with_texts(done["conflicts"]), "doubts": with_texts(done["doubts"])}


def _answer(seen: Seen) -> dict | None:
    """The sentence, and the three figures in it with their limits."""
    if not seen.trained:
        return None
    told = answer.which(seen.measured, seen.trained[-1])
    names = {MAIN: "rows picked by Gleaner", BASELINE: "rows picked at random", BOUND: "all labels"}
    return {
        "sentence": answer.sentence(seen.measured, seen.overall, seen.trained[-1], seen.measure, seen.settings.train),
        "told": [
            {"name": names[arm], "arm": arm, "labels": seen.measured[where]["labels"], "final": FINAL in where}
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
