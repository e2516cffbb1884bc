"""The answer in one sentence: how many labels, how good, against random rows and against all labels."""

from typing import Any

from stages.core.reporting.result_tables import NAMES, verdict
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL

VERDICTS = {"better": "better than random rows over all budgets", "worse": "worse than random rows over all budgets"}


def which(measured: dict[tuple[str, str], dict], last: str) -> dict[str, tuple[str, str]]:
    """The three that are told: arm -> (arm, stage), of those that there are; `last` is the last stage with models."""
    end = FINAL if (MAIN, FINAL) in measured else last
    told = {MAIN: (MAIN, end), BASELINE: (BASELINE, end), BOUND: (BOUND, WHOLE_POOL)}
    return {arm: where for arm, where in told.items() if where in measured}


def sentence(measured: dict[tuple[str, str], dict], overall: dict[str, dict], last: str, measure: str, train: Any) -> str:
    """As "With 300 labels 0.77, random rows 0.75, all 10,922 labels 0.82 (accuracy); no difference shown."

    measured   (arm, stage) -> as metrics/ARM/STAGE.json
    overall    arm -> as metrics/ARM/curve.json; the verdict is over all budgets
    train      of params.yaml: whether the model of all labels is an upper bound
    """
    told = {arm: measured[where] for arm, where in which(measured, last).items()}
    parts = [f"with {told[MAIN]['labels']:,} labels {told[MAIN][measure]:.2f}"]
    if BASELINE in told:
        parts.append(f"random rows {told[BASELINE][measure]:.2f}")
    if BOUND in told:
        parts.append(f"all {told[BOUND]['labels']:,} labels {told[BOUND][measure]:.2f}{_no_bound(train, told[BOUND]['labels'])}")
    found = verdict(overall[MAIN])
    text = f"{', '.join(parts)} ({NAMES[measure]}); {VERDICTS.get(found, found)}."
    return text[0].upper() + text[1:]


def _no_bound(train: Any, rows: int) -> str:
    """What to say of a learner that does not see all of so many rows, "" of others."""
    if train.trainer != "contrastive" or 2 * train.pairs_per_row * rows <= train.most_pairs:
        return ""
    return f" (no upper bound: contrastive sees {train.most_pairs:,} pairs of them)"
