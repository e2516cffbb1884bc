"""The contents of the page: one dict of plain values that json can write."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.core import task
from stages.core.report_page import curves, mistakes, picks, points, provenance, shortened
from stages.core.reporting import answer
from stages.core.reporting.comparison import Tested
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, NAMES, WHOLE_POOL, Result
from stages.core.rows.rounds import FIRST
from stages.core.rows.score_summary import ScoreSummary

PEOPLE_ROWS, PEOPLE_CHARACTERS = 200, 1_000  # of conflicts and of doubts on the page
ARM_NAMES = {MAIN: "rows picked by Gleaner", BASELINE: "rows picked at random", NAMES: "names of the classes alone"}


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What stage report has read and measured."""

    settings: Any  # of params.yaml, as the stage declares them
    stages: list[str]  # all labelling stages, in order
    results: Tested  # of all arms and stages
    tested: Tested  # those of them whose models were tested
    answers: np.ndarray  # labels [pool]
    buckets: np.ndarray  # int32 [pool]
    known: np.ndarray  # bool [holdout]: rows with a known class
    actual: np.ndarray  # labels [known]
    classes: list[str]
    measured: dict  # as for answer.sentence
    overall: dict  # as for answer.sentence
    measure: str  # accuracy or macro_f1, which decides the comparison
    waiting: dict[str, int]  # stage -> answers that it waits for
    tables: str  # Markdown, as in data/summary.md


@dataclass(frozen=True, kw_only=True)
class PageData(Reported):
    """All that the page is made of."""

    score_summaries: dict[str, ScoreSummary]  # of the models before each round
    pool: list[str]  # texts
    held_out: list[str]  # texts of the whole holdout
    pool_vectors: np.ndarray  # float32 [pool, width]
    holdout_vectors: np.ndarray  # float32 [known, width]
    rows: np.ndarray  # int64 [points]: rows of the pool on the map
    places: np.ndarray  # float32 [points, 2]
    counts: dict  # data/prepare.json
    dropped: dict  # data/dropped.json
    people: dict  # data/asked/people.json

    @property
    def bucketed(self) -> dict[str, Result]:
        """stage -> the bucketed arm's result, with models or without."""
        return {stage: self.results[MAIN, stage] for stage in self.stages}

    @property
    def holdout(self) -> list[str]:
        """Texts of the rows of `actual`."""
        return [text for text, known in zip(self.held_out, self.known) if known]

    @property
    def trained(self) -> list[str]:
        """Stages whose models were tested."""
        return [stage for stage in self.stages if (MAIN, stage) in self.tested]


def collected(page: PageData) -> dict:
    """Everything on the page."""
    after = {FIRST: None} | {name: item.after for name, item in page.settings.rounds.items()}
    rows = {None: 0} | {stage: page.bucketed[stage].labelled.shape[1] for stage in page.stages}
    columns = {stage: slice(rows[after[stage]], rows[stage]) for stage in page.stages}  # of `labelled`, added by the stage
    stages = [_picked(page, stage, after[stage], columns[stage]) for stage in page.stages]
    summaries = [page.score_summaries[stage] for stage in page.stages if stage in page.score_summaries]
    predicting = [summary for summary in summaries if (summary.predicted >= 0).any()]
    open_holdout = {} if page.known.all() else {"holdout": int((~page.known).sum())}
    return {
        "title": str(page.settings.prepare.dataset),
        "measure": page.measure,
        "columns": task.of(page.actual).columns,
        "accuracy": task.of(page.actual).accuracy,
        "seeds": len(page.settings.seeds),
        "classes": page.classes,
        "waiting": page.waiting | open_holdout,
        "people": _people(page),
        "answer": _answer(page),
        "curves": curves.curves(page.tested, page.actual) if page.trained else [],
        "stages": page.stages,
        "score": page.settings.score_entropy.score,
        "buckets": points.named_buckets(page.rows, page.pool, page.buckets),
        "map": {
            "pool": len(page.pool),
            "by": page.settings.map.method,
            **points.points(
                page.rows,
                page.places,
                page.pool,
                page.answers,
                page.buckets,
                predicting[-1] if predicting else None,
                [page.bucketed[stage].labelled[:, columns[stage]] for stage in page.stages],
            ),
        },
        "picked": picks.with_texts(stages, page.pool),
        "errors": _errors(page) if page.trained else None,
        "check_again": mistakes.check_again(stages),
        "made": {
            "settings": provenance.settings(page.settings),
            "counts": [[name.replace("_", " "), str(value)] for name, value in page.counts.items()],
            "dropped": provenance.dropped(page.dropped),
            "versions": provenance.versions(),
            "tables": page.tables,
        },
    }


def _people(page: PageData) -> dict | None:
    """Annotators, conflicts and doubts with the texts of the rows; None if the data set gives the labels."""
    if not page.people:
        return None
    texts = {"pool": page.pool, "holdout": page.held_out}

    def with_texts(rows: list) -> list[dict]:
        return [
            {"text": shortened.cut(texts[side][row], PEOPLE_CHARACTERS), "in": side, "answers": answers}
            for side, row, answers in rows[:PEOPLE_ROWS]
        ]

    return {name: page.people[name] for name in ("annotators", "found")} | {
        name: with_texts(page.people[name]) for name in ("conflicts", "doubts")
    }


def _answer(page: PageData) -> dict | None:
    """The sentence, and the results that it quotes."""
    if not page.trained:
        return None
    [quoted, *_] = answer.quoted(page.measured, page.trained[-1], page.settings)
    sentence = answer.sentence(page.measured, page.overall, page.trained[-1], page.measure, page.settings)
    return {
        "sentence": sentence.replace("accuracy", task.of(page.actual).accuracy),
        "quoted": [{"title": _title(page, which), "arm": arm, "final": FINAL in which} for arm, which in quoted.items()],
    }


def _title(page: PageData, which: tuple[str, str]) -> str:
    if which[0] == BOUND:
        return answer.of_bound(page.measured, which)
    return f"{ARM_NAMES[which[0]]}: {page.measured[which]['labels']:,} labels"


def _picked(page: PageData, stage: str, before: str | None, columns: slice) -> dict:
    result, summary = page.bucketed[stage], page.score_summaries.get(stage)
    rows = result.labelled[:, columns]
    changed = None
    if before and len(page.actual) and (MAIN, stage) in page.tested and (MAIN, before) in page.tested:
        old, new = (task.of(page.actual).predicted(page.tested[MAIN, name].probabilities) for name in (before, stage))
        changed = picks.changed_predictions(rows, old, new, page.pool_vectors, page.holdout_vectors)
    return {"stage": stage, "rows": picks.of_stage(rows, result.bought[:, columns], summary, columns, changed, page.buckets)}


def _errors(page: PageData) -> dict:
    last = (MAIN, FINAL) if (MAIN, FINAL) in page.tested else (MAIN, page.trained[-1])
    result, full = page.tested[last], page.tested.get((BOUND, WHOLE_POOL))
    by_full_model = full and task.of(page.actual).predicted(full.probabilities[0])
    return {
        "of": last[1],
        "by_class": mistakes.by_class(result.probabilities, page.actual, result.bought, page.answers),
        **mistakes.mistakes(result.probabilities, page.actual, page.holdout, by_full_model),
    }
