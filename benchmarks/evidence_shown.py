"""What the runs of evidence.py show: a table and a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks import variants
from stages.core.reporting import statistics

# In the picture by colour; all others are grey.
SHOWN = {
    variants.DESCRIBED: "tab:blue",
    variants.name_of_default(): "tab:red",
    "entropy": "tab:green",
    "small-text BreakingTies": "tab:orange",
    "scikit-activeml TypiClust": "tab:purple",
    "scikit-activeml Badge": "tab:brown",
}


def curves_of(rows: list[dict]) -> dict[str, dict[str, dict[tuple, list[float]]]]:
    """set -> arm -> (seed, what vectors and buckets) -> accuracies"""
    found: dict = {}
    for row in rows:
        found.setdefault(row["set"], {}).setdefault(row["arm"], {})[row["seed"], row["made_of"]] = row["accuracy"]
    return found


def table(rows: list[dict], base: str) -> str:
    """One line an arm, best first: mean accuracy over the budgets, its gain over the arm `base` and the interval, set by set."""
    found = curves_of(rows)
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    compared = {name: held_against(base, curves) for name, curves in found.items()}
    choosing = {arm: np.median([row["seconds_choosing"] for row in rows if row["arm"] == arm]) for arm in arms}
    lines = []
    for arm in arms:
        cells = {"arm": arm}
        gains = []
        for name in found:
            entry = compared[name].get(arm)
            if entry is None:
                cells[name] = ""
                continue
            gains.append(entry["gain"])
            interval = "" if entry["gain_low"] is None else f" [{100 * entry['gain_low']:+.1f}, {100 * entry['gain_high']:+.1f}]"
            star = "*" if entry["p_holm"] is not None and entry["p_holm"] < statistics.ALPHA else ""
            cells[name] = f"{100 * entry['mean']:.1f} ({100 * entry['gain']:+.1f}{interval}{star})"
        cells["seeds"] = min(len(curves.get(arm, [])) for curves in found.values())
        cells["mean gain"] = f"{100 * np.mean(gains):+.2f}" if len(gains) == len(found) else ""
        cells["seconds choosing"] = f"{choosing[arm]:.1f}"
        lines.append((np.mean(gains) if gains else -np.inf, cells))
    ordered = [cells for _, cells in sorted(lines, key=lambda line: -line[0])]
    return tabulate(ordered, headers="keys", tablefmt="github", disable_numparse=True)


def held_against(base: str, curves: dict[str, dict[tuple, list[float]]]) -> dict[str, dict]:
    """What statistics.gain finds for every arm, over the seeds that it shares with the arm `base`."""
    entries = {}
    for arm in curves:
        curve, other = paired(curves[arm], curves[base])
        entries[arm] = {"mean": curve.mean(), **statistics.gain(curve, other)}
    entries[base]["p"] = None  # it is not compared with itself
    statistics.correct(entries)
    return entries


def paired(one: dict[tuple, list[float]], other: dict[tuple, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of two arms, each float64 [seeds, budgets], over the seeds that they share."""
    seeds = sorted(one.keys() & other.keys())
    return np.array([one[seed] for seed in seeds]), np.array([other[seed] for seed in seeds])


def picture(rows: list[dict], budgets: Sequence[int], file: Path) -> None:
    """Gain over random at each budget, one panel a data set: the chosen arms in colour, all others in grey."""
    import matplotlib.pyplot as plt

    found = curves_of(rows)
    plt.rcParams |= {"svg.hashsalt": "gleaner", "font.size": 9}  # the same bytes every time
    figure, panels = plt.subplots(1, len(found), figsize=(10, 3.6), layout="constrained")
    for panel, (name, curves) in zip(panels, found.items()):
        for arm in sorted(curves, key=lambda arm: arm in SHOWN):
            if arm == "random":
                continue
            curve, base = paired(curves[arm], curves["random"])
            gains = (curve - base).mean(0)
            style = {"color": SHOWN[arm], "label": arm} if arm in SHOWN else {"color": "0.85", "linewidth": 0.8}
            panel.plot(budgets, 100 * gains, **style)
        panel.axhline(0, color="0.3", linewidth=0.8)
        panel.set(title=f"{name}, {len(curves['random'])} seeds", xlabel="labels")
    panels[0].set_ylabel("points of accuracy over random rows")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, metadata={"Date": None})
