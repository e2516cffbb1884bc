"""The answer in one sentence: how many labels, how good, against random rows and against all labels."""

from typing import Any

from stages.core.reporting.result_tables import NAMES, verdict
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL

VERDICTS = {"better": "better than random rows over all budgets", "worse": "worse than random rows over all budgets"}


def quoted(measured: dict[tuple[str, str], dict], last: str, settings: Any) -> list[dict[str, tuple[str, str]]]:
    """The results that the answer quotes, arm -> (arm, stage): of the final models if there are any, then of the stage `last`.

    Only models of one kind stand together: the bound of a kind is left out where it was not trained.
    """
    bound = WHOLE_POOL if settings.train_final.trainer == settings.train.trainer else FINAL
    kinds = [
        {MAIN: (MAIN, end), BASELINE: (BASELINE, end), BOUND: (BOUND, of_all)}
        for end, of_all in ((FINAL, bound), (last, WHOLE_POOL))
    ]
    kinds = [{arm: which for arm, which in kind.items() if which in measured} for kind in kinds]
    kinds = [kind for kind in kinds if MAIN in kind][: 1 if bound == WHOLE_POOL else 2]
    for kind in kinds:
        if measured[kind[MAIN]].get("gain_vs_random", 0) is None:  # the random rows are of another budget
            kind.pop(BASELINE, None)
    return kinds


def sentence(measured: dict[tuple[str, str], dict], overall: dict[str, dict], last: str, measure: str, settings: Any) -> str:
    """For example "With 300 labels 0.77, random rows 0.75, all 10,922 labels 0.82 (accuracy); no difference shown."

    Final models are quoted first, and apart from those of the stages.

    measured   (arm, stage) -> as metrics/ARM/STAGE.json
    overall    arm -> as metrics/ARM/curve.json; the verdict is over all budgets, on models of the stages
    settings   .train and .train_final of params.yaml
    """
    kinds, outcome = quoted(measured, last, settings), verdict(overall[MAIN])
    trainers = [(settings.train_final if kind[MAIN][1] == FINAL else settings.train).trainer for kind in kinds]
    said = [_figures(kind, measured, measure) for kind in kinds]
    text = f"With {measured[kinds[0][MAIN]]['labels']:,} labels {said[0]} ({NAMES[measure]}"
    if len(kinds) > 1:
        text += f", {trainers[0]}). The models of {last}: {said[1]} ({trainers[1]}"
    return f"{text}); {VERDICTS.get(outcome, outcome)}."


def of_bound(measured: dict[tuple[str, str], dict], which: tuple[str, str]) -> str:
    """How many labels a full model had, in words: that of the final kind has a sample of a large pool."""
    rows, pool = measured[which]["labels"], measured.get((BOUND, WHOLE_POOL), measured[which])["labels"]
    return f"all {rows:,} labels" if rows == pool else f"{rows:,} of all {pool:,} labels"


def _figures(kind: dict[str, tuple[str, str]], measured: dict, measure: str) -> str:
    """For example "0.77, random rows 0.75, all 10,922 labels 0.82"."""
    parts = [f"{measured[kind[MAIN]][measure]:.2f}"]
    if BASELINE in kind:
        parts.append(f"random rows {measured[kind[BASELINE]][measure]:.2f}")
    if BOUND in kind:
        rows = measured[kind[BOUND]]
        parts.append(f"{of_bound(measured, kind[BOUND])} {rows[measure]:.2f}")
    return ", ".join(parts)
