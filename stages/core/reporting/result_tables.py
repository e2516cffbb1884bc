"""data/summary.md: the arms side by side, for a person."""

from stages.core.reporting.markdown import table
from stages.core.reporting.statistics import ALPHA
from stages.core.rows.results import BASELINE, BOUND, MAIN, WHOLE_POOL, is_final

NAMES = {"accuracy": "accuracy", "macro_f1": "macro F1"}
FURTHER = {"micro_f1": "micro F1", "mean_average_precision": "mean AP", "hamming_loss": "Hamming loss"}  # see Task.further


def summary(
    measured: dict[tuple[str, str], dict],
    overall: dict[str, dict],
    picked: dict[str, dict],
    seeds: int,
    stages: list[str],
    waiting: dict[str, int],
    measure: str,
    answer: str = "",
) -> str:
    """What waits for answers, the answer in a sentence, and all tables, as Markdown.

    measured, overall, picked   as for the tables below
    stages                      all labelling stages, in order
    waiting                     stage -> answers that it waits for
    measure                     accuracy or macro_f1, which decides the comparison
    """
    parts = [f"{stage} waits for {rows:,} answers.\n" for stage, rows in waiting.items()]
    if measured:
        parts += [f"{answer}\n"] if answer else []
        parts.append(by_stage(measured, seeds, stages, measure, waiting))
    if overall:
        parts += [by_curve(overall, seeds, measure, (BOUND, WHOLE_POOL) in measured), by_selection(picked)]
    return "\n".join(parts)


def shown(arm: str, uses_pool_labels: bool) -> str:
    """The arm's name in tables and plots, marked if it chose rows by labels that are not in the budget."""
    return f"{arm} (pool labels)" if uses_pool_labels else arm


def by_stage(measured: dict[tuple[str, str], dict], seeds: int, stages: list[str], measure: str, waiting: dict[str, int]) -> str:
    """One line an arm and stage. measured: (arm, stage) -> as metrics/ARM/STAGE.json."""
    arms = list(dict.fromkeys(arm for arm, _ in measured))
    order = sorted(measured, key=lambda which: (is_final(which[1]), measured[which]["labels"], arms.index(which[0])))
    further = [name for name in FURTHER if name in measured[order[0]]]
    lines = [
        [
            shown(arm, row["uses_pool_labels"]),
            stage,
            f"{row['labels']:,}",
            _plus_minus(row["accuracy"], row["accuracy_std"]),
            _plus_minus(row["macro_f1"], row["macro_f1_std"]),
            *(_plus_minus(row[name], None) for name in further),
            "" if arm == BASELINE else _plus_minus(row["gain_vs_random"], row["gain_vs_random_se"], "+"),
        ]
        for (arm, stage), row in ((which, measured[which]) for which in order)
    ]
    heads = ["accuracy ± sd", "macro F1 ± sd", *(FURTHER[name] for name in further), "gain vs random ± se"]
    text = table(lines, ["arm", "stage", "labels", *heads], left=2)
    text += f"\n\nMeans over {seeds} seeds, on the holdout, with their sd. The gain is in {NAMES[measure]}; its se takes seeds and "
    text += "holdout rows as samples. A full model has one seed and is compared with random rows of the last stage.\n"
    if any(is_final(stage) for _, stage in measured):
        text += "Stages have models of train.trainer and `final` those of train_final.trainer: compare like with like.\n"
    of_loop = [(stage, row) for (arm, stage), row in measured.items() if arm == MAIN and not is_final(stage)]
    last, row = of_loop[-1] if of_loop else ("", {})
    if last not in ("", stages[-1]):
        how = f"has come to {last}" if waiting else f"ended after {last}"
        text += f"Labelling {how}, with {row['labels']:,} labels.{''.join(f' {stage} waits.' for stage in waiting)}\n"
    return text


def by_curve(overall: dict[str, dict], seeds: int, measure: str, full: bool) -> str:
    """One line an arm, over all budgets. overall: arm -> as metrics/ARM/curve.json. full: whether there is a full model."""
    lines = [
        [
            shown(arm, row["uses_pool_labels"]),
            f"{row['mean_accuracy']:.4f}",
            f"{row['mean_macro_f1']:.4f}",
            "" if arm == BASELINE or row["gain"] is None else _interval(row, "gain", "+.3f"),
            "" if row["p_holm"] is None else f"{row['p_holm']:.3f}",
            "" if arm == BASELINE else verdict(row),
            "no random arm" if row["gain"] is None else _interval(row, "labels_to_random", ",.0f"),
            _interval(row, "labels_to_95_of_full", ",.0f") if full else "no full model",
            "" if row["p"] is None else f"{enough:,}" if (enough := row["seeds_for_one_point"]) else "more holdout rows",
        ]
        for arm, row in overall.items()
    ]
    heads = [
        *("arm", "accuracy", "macro F1", "gain vs random", "p", "verdict"),
        *("labels to random's last", "labels to 95% of full", "seeds to see 1 point"),
    ]
    text = table(lines, heads, left=1) + (
        f"\n\nPlain means over the budgets, {seeds} seeds; {NAMES[measure]} decides gain, test and labels. Differences are paired "
        "by seed and holdout row; 95% intervals and p take both as samples, and p has Holm's correction.\n"
    )
    if any(row["uses_pool_labels"] for row in overall.values()):
        text += "Arms marked (pool labels) choose rows by labels of the whole pool: they prune data and save no labels.\n"
    return text


def verdict(row: dict) -> str:
    """What a reader may conclude about one arm against random rows."""
    if row["gain"] is None:
        return "no random arm"
    if row["p_holm"] is None:
        return "one seed shows nothing" if row["gain_low"] is None else "all seeds alike: no test"
    if row["p_holm"] >= ALPHA:
        return "no difference shown"
    return "better" if row["gain"] > 0 else "worse"


def by_selection(picked: dict[str, dict]) -> str:
    """One line an arm: what kind of rows it had picked by its last stage. picked: arm -> as description.describe."""
    formats = {"largest_class_share": ".3f", "mean_words": ".1f", "near_duplicates_share": ".3f", "buckets_covered_share": ".3f"}
    lines = [[arm, *(format(row[name], form) for name, form in formats.items())] for arm, row in picked.items()]
    text = table(lines, ["rows of", "largest class", "words", "near-duplicates", "buckets covered"], left=1)
    return f"{text}\n\nShares of the rows that an arm had labelled at its last stage; means over the seeds.\n"


def by_share_answered(answered: list[dict], doubt: str) -> str:
    """One line a threshold of data/model/answered.json: accuracy of the model to use where it is sure; "" if there is no model.

    doubt   as in Task
    """
    if not answered:
        return ""
    text = table(answered_rows(answered), ["rows left open below", "share answered", "accuracy of the answered"], left=0)
    return f"\n{text}\n\nThe model to use, by the probability of {doubt}, on the holdout; see predict.abstain.\n"


def answered_rows(answered: list[dict]) -> list[list[str]]:
    """Cells of that table."""
    return [
        [f"{row['abstain']:g}", f"{row['answered']:.3f}", "" if row["accuracy"] is None else f"{row['accuracy']:.4f}"]
        for row in answered
    ]


def _plus_minus(mean: float | None, spread: float | None, sign: str = "") -> str:
    if mean is None:
        return ""
    return f"{mean:{sign}.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def _interval(row: dict, name: str, form: str) -> str:
    """value [low, high] of a row's name, name_low and name_high; a limit is empty where it was not reached within the budgets."""
    if row[name] is None:
        return "not reached"
    low, high = ("" if row[name + end] is None else f"{row[name + end]:{form}}" for end in ("_low", "_high"))
    return f"{row[name]:{form}}" + (f" [{low}, {high}]" if low or high else "")
