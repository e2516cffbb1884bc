"""How far people agree on the texts that several of them answered."""

from collections.abc import Mapping

import numpy as np
from tabulate import tabulate

from stages.core.reporting.sureness import kappa

CANNOT_SAY = "?"  # as journal has it, of a room that report does not depend on


def agreement(said: Mapping[str, Mapping[str, str]]) -> dict[str, float] | None:
    """Flat, for metrics: annotators, texts that two or more gave a class, agreement (share of pairs of answers to one text that are
    the same, the mean over texts), cohens_kappa of two annotators, krippendorff_alpha of more. None where there is no such text.

    said   key -> annotator -> label; "?" is no class, and counts as no answer

    Kappa and alpha take off what chance alone would give: 0 is chance, 1 is to agree on every text (Cohen 1960; Krippendorff,
    "Content Analysis", ch. 11, nominal data, which needs not everybody to answer every text).
    """
    shared = {key: {who: label for who, label in by.items() if label != CANNOT_SAY} for key, by in sorted(said.items())}
    shared = {key: by for key, by in shared.items() if len(by) > 1}
    if not shared:
        return None
    people = sorted({who for by in shared.values() for who in by})
    number = {label: i for i, label in enumerate(sorted({label for by in shared.values() for label in by.values()}))}
    table = np.array([[number[by[who]] if who in by else np.nan for by in shared.values()] for who in people])
    chance = {"cohens_kappa": kappa(*table.astype(int))} if len(people) == 2 else {"krippendorff_alpha": _alpha(table)}
    alike = np.mean([_same_pairs(list(by.values())) for by in shared.values()])
    found = {"annotators": len(people), "texts": len(shared), "agreement": float(alike)} | chance
    return {name: round(value, 4) for name, value in found.items()}


def _same_pairs(labels: list[str]) -> float:
    """Share of pairs that are the same, of two labels or more."""
    counts = np.unique(labels, return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def _alpha(table: np.ndarray) -> float:
    """float [annotators, texts] of class numbers, NaN where there is no answer; 1 where all name one class alone."""
    import krippendorff

    if len(np.unique(table[~np.isnan(table)])) == 1:
        return 1.0
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"))


def told(found: dict[str, float] | None) -> str:
    """The same as Markdown, for data/summary.md; nothing where nothing was answered twice."""
    if found is None:
        return ""
    name, title = ("cohens_kappa", "Cohen's kappa") if "cohens_kappa" in found else ("krippendorff_alpha", "Krippendorff's alpha")
    heads = ["annotators", "texts that several answered", "agreement", title]
    line = [found["annotators"], f"{found['texts']:,}", f"{found['agreement']:.4f}", f"{found[name]:.4f}"]
    return f"\n{tabulate([line], heads, tablefmt='github', disable_numparse=True, colalign=['right'] * 4)}\n"
