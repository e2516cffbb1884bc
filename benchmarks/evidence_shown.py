"""Tables and a picture of the runs of evidence.py."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks import variants
from stages.core.reporting import statistics
from stages.core.rows import stopping

# Arms with a colour in the picture; all others are grey.
SHOWN = {
    variants.DESCRIBED: "tab:blue",
    variants.name_of_default(): "tab:red",
    "entropy": "tab:green",
    "small-text BreakingTies": "tab:orange",
    "scikit-activeml TypiClust": "tab:purple",
    "scikit-activeml Badge": "tab:brown",
}


FILMS = ("rotten_tomatoes", "sst2")  # one corpus: most sentences of the second's validation split lie inside the first's reviews


def curves_of(rows: list[dict], measure: str = "accuracy") -> dict[str, dict[str, dict[tuple, list[float]]]]:
    """set -> arm -> (seed, checksum of vectors and buckets) -> the measure at each budget"""
    found: dict = {}
    for row in rows:
        found.setdefault(row["set"], {}).setdefault(row["arm"], {})[row["seed"], row["made_of"]] = row[measure]
    return found


def of_sources(of_sets: dict[str, np.ndarray | float]) -> np.ndarray:
    """One entry a source; the sets of films count as one."""
    films = [of_sets[name] for name in FILMS if name in of_sets]
    others = [values for name, values in of_sets.items() if name not in FILMS]
    return np.array([*others, *([np.mean(films, axis=0)] if films else [])])


def table(rows: list[dict], base: str, measure: str) -> str:
    """One line an arm, best first: the mean over the budgets, its gain over the arm `base` and the interval, set by set.

    `seeds` is the smallest number over the arm's sets. The mean gain is over seeds that both arms have on all sets, with two 95%
    intervals of t: of other seeds on these sets, and of other data sets, of which the sources are taken for a sample.
    """
    found = curves_of(rows, measure)
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    compared = {name: compared_with(base, curves) for name, curves in found.items()}
    choosing = {arm: np.median([row["seconds_choosing"] for row in rows if row["arm"] == arm]) for arm in arms}
    lines = []
    for arm in arms:
        cells, gains = {"arm": arm}, {}
        for name in found:
            entry = compared[name].get(arm)
            if entry is None:
                cells[name] = ""
                continue
            gains[name] = entry["gain"]
            star = "*" if entry["p_holm"] is not None and entry["p_holm"] < statistics.ALPHA else ""
            cells[name] = f"{100 * entry['mean']:.1f} ({shown(entry)}{star})"
        cells["seeds"] = min(len(curves[arm].keys() & curves[base].keys()) for curves in found.values() if arm in curves)
        both = on_all_sources(arm, base, found)
        cells["mean gain"] = shown(gain(*both), 2) if len(both[0]) else ""
        by_source = of_sources(gains)[:, None]
        cells["of a new set"] = shown(statistics.gain(by_source), 2) if len(gains) == len(found) and arm != base else ""
        cells["seconds choosing"] = f"{choosing[arm]:.1f}"
        lines.append((by_source.mean() if gains else -np.inf, cells))
    ordered = [cells for _, cells in sorted(lines, key=lambda line: -line[0])]
    return tabulate(ordered, headers="keys", tablefmt="github", disable_numparse=True)


def gain(curve: np.ndarray, other: np.ndarray) -> dict:
    """statistics.gain of curves, float64 [seeds, budgets]; what happened to each holdout row is not kept, so only seeds vary."""
    return statistics.gain((curve - other).mean(1, keepdims=True))


def compared_with(base: str, curves: dict[str, dict[tuple, list[float]]]) -> dict[str, dict]:
    """The `gain` of every arm, over the seeds that it shares with the arm `base`."""
    entries = {}
    for arm in curves:
        curve, other = paired(curves[arm], curves[base])
        entries[arm] = {"mean": curve.mean(), **gain(curve, other)}
    entries[base]["p"] = None  # not compared with itself
    statistics.correct(entries)
    return entries


def shown(gain: dict, places: int = 1) -> str:
    """A gain in points, and its interval if there is one."""
    text = f"{100 * gain['gain']:+.{places}f}"
    return text if gain["gain_low"] is None else f"{text} [{100 * gain['gain_low']:+.1f}, {100 * gain['gain_high']:+.1f}]"


def on_all_sources(arm: str, base: str, found: dict[str, dict[str, dict[tuple, list[float]]]]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of two arms, each float64 [seeds, budgets]: means over the sources, for seeds that both arms have on all sets."""
    pairs = {
        name: {key[0]: (curves[arm][key], curves[base][key]) for key in sorted(curves.get(arm, {}).keys() & curves[base].keys())}
        for name, curves in found.items()
    }
    seeds = sorted(set.intersection(*map(set, pairs.values())))
    if not seeds:
        return np.empty((0, 0)), np.empty((0, 0))
    both = of_sources({name: np.array([of_set[seed] for seed in seeds]) for name, of_set in pairs.items()}).mean(0)
    return both[:, 0], both[:, 1]


def paired(one: dict[tuple, list[float]], other: dict[tuple, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of two arms, each float64 [seeds, budgets], over the seeds that they share."""
    seeds = sorted(one.keys() & other.keys())
    return np.array([one[seed] for seed in seeds]), np.array([other[seed] for seed in seeds])


def saved(rows: list[dict], former: list[dict], budgets: dict[str, Sequence[int]], measure: str) -> str:
    """One line a data set: the default at two budgets, and the labels with which the former pipeline's random rows match it.

    Over the seeds that all three arms have; the last line is the mean of the two sets of films. An entry is labels [interval], or
    "over" the last budget if random rows do not get that far.
    """
    ours, theirs = curves_of(rows, measure), curves_of(former, measure)
    threes = {}
    for name in ours:
        arms = (ours[name][variants.name_of_default()], ours[name]["random"], theirs.get(name, {}).get("random", {}))
        by_seed = [{seed: curve for (seed, _), curve in curves.items()} for curves in arms]
        seeds = set.intersection(*map(set, by_seed))
        threes[name] = {seed: np.array([curves[seed] for curves in by_seed]) for seed in seeds}
    if all(name in threes for name in FILMS):
        one, other = (threes[name] for name in FILMS)
        threes["films"] = {seed: (one[seed] + other[seed]) / 2 for seed in one.keys() & other.keys()}
        budgets = {**budgets, "films": budgets[FILMS[0]]}
    lines = []
    for name, of_seeds in threes.items():
        if not of_seeds:
            continue
        curve, chance, base = np.array([of_seeds[seed] for seed in sorted(of_seeds)]).swapaxes(0, 1)
        points = np.array(budgets[name])
        line = {"set": name, "seeds": len(of_seeds)}
        for place in (1, 3):  # 100 and 300 labels
            needed = statistics.labels_to_reach(points, base[:, :, None], curve[:, place, None])
            found, low, high = (f"over {points[-1]:,}" if value is None else f"{value:,.0f}" for value in needed)
            mean, at_random, before = (100 * some[:, place].mean() for some in (curve, chance, base))
            shown = f"{mean:.1f} (random {at_random:.1f}, former {before:.1f})"
            line |= {
                f"budget {place + 1}": f"{points[place]} labels: {shown}",
                f"former needs, {place + 1}": f"{found} [{low}, {high}]",
            }
        lines.append(line)
    return tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True)


def named(rows: list[dict], unnamed: list[dict], budgets: dict[str, Sequence[int]], measure: str) -> str:
    """One line a set and arm: the measure with names at each budget, and the change by names, paired by seed.

    The last line of an arm is the mean change over the sources. A seed counts where both studies have it, with the same vectors
    and buckets.
    """
    lines, changes, beside = [], {}, curves_of(unnamed, measure)
    for name, curves in curves_of(rows, measure).items():
        for arm, of_arm in curves.items():
            with_names, without = paired(of_arm, beside.get(name, {}).get(arm, {}))
            if not len(with_names):
                continue
            gains = 100 * (with_names - without).mean(0)
            changes.setdefault(arm, {})[name] = gains
            cells = [f"{100 * mean:.1f} ({gain:+.1f})" for mean, gain in zip(with_names.mean(0), gains)]
            lines.append([name, arm, len(with_names), ", ".join(map(str, budgets[name][: len(gains)])), *cells])
    for arm, of_sets in changes.items():
        lines.append(["mean of the sources", arm, "", "", *(f"{gain:+.2f}" for gain in of_sources(of_sets).mean(0))])
    heads = ["set", "rows", "seeds", "labels", *(f"budget {number}" for number in range(1, 5))]
    return tabulate(lines, headers=heads, tablefmt="github", disable_numparse=True)


def stopped(rows: list[dict], budgets: dict[str, Sequence[int]], leasts: Sequence[float], comparisons: int) -> str:
    """One line a data set and kappa: when the agreement rule would have ended the default's runs, and the accuracy lost.

    leasts        values of params sufficient.kappa
    comparisons   as params sufficient.comparisons
    """
    runs: dict[str, list[dict]] = {}
    for row in rows:
        if row["arm"] == variants.name_of_default():
            runs.setdefault(row["set"], []).append(row)
    lines = []
    for (name, of_set), least in itertools.product(runs.items(), leasts):
        classes = max(max(row["classes_named"]) for row in of_set)
        places = [ends_at(row, classes, least, comparisons) for row in of_set]
        ended = [(row, place) for row, place in zip(of_set, places) if place is not None]
        line = {"set": name, "kappa": least, "ended": f"{len(ended)} of {len(of_set)}"}
        if ended:
            lost = [row["accuracy"][-1] - row["accuracy"][place] for row, place in ended]
            line["labels, median"] = f"{np.median([budgets[name][place] for _, place in ended]):,.0f}"
            line["points lost to the last budget"] = f"{100 * np.mean(lost):+.1f}"
        lines.append(line)
    return tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True)


def ends_at(row: dict, classes: int, least: float, comparisons: int) -> int | None:
    """The place of the first budget at which the agreement rule ends a run; None if it goes on to the last."""
    for place in range(1, len(row["accuracy"]) - 1):
        kappas, named = [[kappa] for kappa in row["kappas"][:place]], np.arange(row["classes_named"][place])
        if stopping.enough(kappas, named[None], classes, least, comparisons):
            return place
    return None


def picture(rows: list[dict], budgets: dict[str, Sequence[int]], file: Path) -> None:
    """Gain over random at each budget, one panel a data set: some arms in colour, all others in grey."""
    import matplotlib.pyplot as plt

    found = curves_of(rows)
    plt.rcParams |= {"svg.hashsalt": "gleaner", "font.size": 9}  # the same bytes every time
    figure, panels = plt.subplots(1, len(found), figsize=(3 * len(found), 3.6), layout="constrained")
    for panel, (name, curves) in zip(panels, found.items()):
        for arm in sorted(curves, key=lambda arm: arm in SHOWN):
            if arm == "random":
                continue
            curve, base = paired(curves[arm], curves["random"])
            gains = (curve - base).mean(0)
            style = {"color": SHOWN[arm], "label": arm} if arm in SHOWN else {"color": "0.85", "linewidth": 0.8}
            panel.plot(budgets[name], 100 * gains, **style)
        panel.axhline(0, color="0.3", linewidth=0.8)
        panel.set(title=f"{name}, {len(curves['random'])} seeds", xlabel="labels")
    panels[0].set_ylabel("points of accuracy over random rows")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, metadata={"Date": None})
