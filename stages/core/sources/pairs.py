"""Pairs of texts to tune an encoder on, or to measure it by, checked before any training.

Pairs are columns of one length: left and right, texts, and label, which depends on the objective.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from stages.core.base.errors import Refused
from stages.core.sources import splits

LEFT = ("sentence1", "premise", "question1", "text1", "left")
RIGHT = ("sentence2", "hypothesis", "question2", "text2", "right")
LABELS = {"nli": ("label", "gold_label"), "pairs": ("score", "similarity_score", "label", "is_duplicate")}
RELATIONS = ("entailment", "neutral", "contradiction")  # numbers 0, 1, 2, as in SNLI on the hub
NO_GOLD = (None, "", "-", "-1")  # SNLI's rows on which the annotators disagree

Pairs = dict[str, list]


def to_tune_on(section: Any) -> Pairs:
    """The pairs of params finetune_encoder. label is a class 0, 1 or 2 for nli, a score in [0, 1] for pairs.

    Raises Refused for an unreadable source, a missing side, an unknown label, a score out of range, and if no pair is left.
    """
    setting = "finetune_encoder.dataset"
    if section.dataset == "none":
        raise Refused(f"params.yaml: {setting} = none: objective {section.objective} needs pairs; give a path or a hub name")
    wanted = {
        "left": (section.left_column, LEFT),
        "right": (section.right_column, RIGHT),
        "label": (section.label_column, LABELS[section.objective]),
    }
    where = f"{setting} = {section.dataset}"
    pairs = splits.columns(section.dataset, setting, ("train",), wanted)
    if section.objective == "nli":
        pairs = related(pairs, where)
    else:
        pairs = scored(pairs, section.score_range, where)
        if section.most_per_class != "all":
            pairs = balanced(pairs, section.most_per_class, np.random.default_rng(section.seed))
    if not pairs["label"]:
        raise Refused(f"params.yaml: {where}: no pair to tune on")
    return pairs


def to_measure_by(path: str) -> Pairs:
    """Scored pairs of a file, or of the test split of a folder or hub set. label is the score as given."""
    setting = "finetune_encoder.evaluation"
    wanted = {"left": ("auto", LEFT), "right": ("auto", RIGHT), "label": ("auto", LABELS["pairs"])}
    return scored(splits.columns(path, setting, splits.HOLDOUT_NAMES, wanted), None, f"{setting} = {path}")


def related(pairs: Pairs, where: str) -> Pairs:
    """Pairs with a gold label, as its number. The source may give words or numbers."""
    numbers = {name: number for number, word in enumerate(RELATIONS) for name in (word, str(number))}
    gold = [row for row, label in enumerate(pairs["label"]) if label not in NO_GOLD]
    if len(gold) < len(pairs["label"]):
        print(f"finetune_encoder: {len(pairs['label']) - len(gold):,} of {len(pairs['label']):,} pairs have no gold label: dropped")
    _refuse_missing_sides(pairs, gold, where)
    for row in gold:
        if pairs["label"][row].strip().lower() not in numbers:
            raise Refused(
                f"params.yaml: {where}, row {row + 1:,}: label {pairs['label'][row]}; possible: {', '.join(RELATIONS)} or "
                f"0, 1, 2 in this order, and -1 for none"
            )
    chosen = _rows(pairs, gold)
    return chosen | {"label": [numbers[label.strip().lower()] for label in chosen["label"]]}


def scored(pairs: Pairs, score_range: list[float] | None, where: str) -> Pairs:
    """Pairs with their scores as numbers: rescaled from `score_range`, [lowest, highest], to [0, 1], or as given for None."""
    _refuse_missing_sides(pairs, range(len(pairs["label"])), where)
    lowest, highest = score_range or (-math.inf, math.inf)
    scores = []
    for row, text in enumerate(pairs["label"], start=1):
        try:
            score = float(text)
        except (TypeError, ValueError):
            score = math.nan
        if not (math.isfinite(score) and lowest <= score <= highest):
            possible = f"a number from {lowest:g} to {highest:g}" if score_range else "a number"
            remedy = "; declare the range of the scores in finetune_encoder.score_range" if math.isfinite(score) else ""
            raise Refused(f"params.yaml: {where}, row {row:,}: score {text}, possible: {possible}{remedy}")
        scores.append((score - lowest) / (highest - lowest) if score_range else score)
    return {**pairs, "label": scores}


def balanced(pairs: Pairs, most: int, rng: np.random.Generator) -> Pairs:
    """Equally many random pairs of score 0 and of score 1, at most `most` of each, in their order.

    Raises Refused for other scores, and if one of the two is missing.
    """
    scores = np.array(pairs["label"])
    if set(scores) != {0.0, 1.0}:
        raise Refused(
            f"params.yaml: finetune_encoder.most_per_class = {most}: balancing needs scores of 0 and of 1 and no others, "
            f"found {len(set(scores))} different ones; set it to all"
        )
    rows_of = [np.flatnonzero(scores == score) for score in (0, 1)]
    count = min(most, *map(len, rows_of))
    return _rows(pairs, np.sort(np.concatenate([rng.permutation(rows)[:count] for rows in rows_of])))


def _rows(pairs: Pairs, rows: Iterable[int]) -> Pairs:
    return {key: [column[row] for row in rows] for key, column in pairs.items()}


def _refuse_missing_sides(pairs: Pairs, rows: Iterable[int], where: str) -> None:
    for row in rows:
        for side in ("left", "right"):
            if not (pairs[side][row] or "").strip():
                raise Refused(f"params.yaml: {where}, row {row + 1:,}: the pair has no {side} text; mend or remove the row")
