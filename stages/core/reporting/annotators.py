"""How far people agree on the texts that several of them answered, and how many labels they looked for themselves."""

from collections.abc import Mapping

import numpy as np

from stages.core import task
from stages.core.reporting.markdown import table
from stages.core.reporting.sureness import kappa
from stages.core.rows import rounds

CANNOT_SAY = "?"  # as in people/records/journal.py, which stage report does not depend on


def agreement(answers: Mapping[str, Mapping[str, str]], kind: task.Task) -> dict[str, float] | None:
    """Flat, for metrics: annotators, texts that two or more people gave a class, agreement (share of equal pairs of answers to one
    text, mean over the texts), cohens_kappa of two annotators, krippendorff_alpha of more or where texts may have several labels.
    None if there is no such text.

    answers   key -> annotator -> label; "?" is not a class and does not count

    Kappa and alpha subtract the agreement expected by chance: 0 is chance, 1 is full agreement (Cohen 1960; Krippendorff, "Content
    Analysis", ch. 11, where an annotator need not answer every text). Labels are as far apart as Task.distances says.
    """
    shared = {key: {who: label for who, label in by.items() if label != CANNOT_SAY} for key, by in sorted(answers.items())}
    shared = {key: by for key, by in shared.items() if len(by) > 1}
    if not shared:
        return None
    people = sorted({who for by in shared.values() for who in by})
    number = {label: i for i, label in enumerate(sorted({label for by in shared.values() for label in by.values()}))}
    apart = kind.distances(list(map(kind.read, number)))
    numbers = np.array([[number[by[who]] if who in by else np.nan for by in shared.values()] for who in people])
    if len(people) == 2 and apart is None:
        beyond_chance = {"cohens_kappa": kappa(*numbers.astype(int))}
    else:
        beyond_chance = {"krippendorff_alpha": _alpha(numbers, apart)}
    equal = np.mean([_equal_pairs(list(by.values())) for by in shared.values()])
    measured = {"annotators": len(people), "texts": len(shared), "agreement": float(equal)} | beyond_chance
    return {name: round(value, 4) for name, value in measured.items()}


def _equal_pairs(labels: list[str]) -> float:
    """Share of pairs of labels that are equal; two labels or more."""
    counts = np.unique(labels, return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def _alpha(numbers: np.ndarray, apart: np.ndarray | None) -> float:
    """numbers float [annotators, texts]: of labels, NaN without an answer. Gives 1 if there is one label only."""
    import krippendorff

    if len(np.unique(numbers[~np.isnan(numbers)])) == 1:
        return 1.0
    level = "nominal" if apart is None else lambda *_, i1, i2, **__: apart[i1, i2]
    return float(krippendorff.alpha(reliability_data=numbers, level_of_measurement=level))


def as_markdown(measured: dict[str, float] | None) -> str:
    """What `agreement` gives, as a table for data/summary.md; "" for None."""
    if measured is None:
        return ""
    titles = {"cohens_kappa": "Cohen's kappa", "krippendorff_alpha": "Krippendorff's alpha"}
    [name] = titles.keys() & measured
    heads = ["annotators", "texts with several answers", "agreement", titles[name]]
    line = [str(measured["annotators"]), f"{measured['texts']:,}", f"{measured['agreement']:.4f}", f"{measured[name]:.4f}"]
    return f"\n{table([line], heads, left=0)}\n"


def found_by_hand(found: Mapping[str, list[int]], stages: list[str], answers: np.ndarray) -> str:
    """How many labels of each stage `make find` or the page found, for data/summary.md; "" for none.

    found     stage -> rows of the pool
    answers   int64 [pool]: negative without an answer
    """
    parts = []
    for stage in (stage for stage in stages if stage in found):
        labels, all_labels = ((answers[rows] >= 0).sum() for rows in (found[stage], rounds.load_asked(stage, len(answers))))
        parts.append(f"{labels:,} of the {all_labels:,} labels of {stage}")
    why = "They are no fair sample, so compare with random rows with care; the holdout and the random arm take none."
    return f"\nFound by hand, beside the rows that the strategy chose: {', '.join(parts)}. {why}\n" if parts else ""
