"""The answer in one sentence: how many labels, how good, against random rows and against all labels."""

from typing import Any

from stages.core.reporting.result_tables import NAMES, verdict
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL

VERDICTS = {"better": "better than random rows over all budgets", "worse": "worse than random rows over all budgets"}


def quoted(measured: dict[tuple[str, str], dict], last: str) -> dict[str, tuple[str, str]]:
    """The three results that the sentence quotes, as far as they exist: arm -> (arm, stage). last: the last stage with models."""
    end = FINAL if (MAIN, FINAL) in measured else last
    wanted = {MAIN: (MAIN, end), BASELINE: (BASELINE, end), BOUND: (BOUND, WHOLE_POOL)}
    return {arm: which for arm, which in wanted.items() if which in measured}


def sentence(measured: dict[tuple[str, str], dict], overall: dict[str, dict], last: str, measure: str, train: Any) -> str:
    """For example "With 300 labels 0.77, random rows 0.75, all 10,922 labels 0.82 (accuracy); no difference shown."

    measured   (arm, stage) -> as metrics/ARM/STAGE.json
    overall    arm -> as metrics/ARM/curve.json; the verdict is over all budgets
    train      of params.yaml: whether the model of all labels is an upper bound
    """
    rows = {arm: measured[which] for arm, which in quoted(measured, last).items()}
    parts = [f"With {rows[MAIN]['labels']:,} labels {rows[MAIN][measure]:.2f}"]
    if BASELINE in rows:
        parts.append(f"random rows {rows[BASELINE][measure]:.2f}")
    if BOUND in rows:
        parts.append(f"all {rows[BOUND]['labels']:,} labels {rows[BOUND][measure]:.2f}{_no_bound(train, rows[BOUND]['labels'])}")
    outcome = verdict(overall[MAIN])
    return f"{', '.join(parts)} ({NAMES[measure]}); {VERDICTS.get(outcome, outcome)}."


def _no_bound(train: Any, rows: int) -> str:
    """A note if the learner does not see all of so many rows, else ""."""
    if train.trainer != "contrastive" or 2 * train.pairs_per_row * rows <= train.most_pairs:
        return ""
    return f" (no upper bound: contrastive sees {train.most_pairs:,} pairs of them)"
