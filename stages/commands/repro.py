"""`make repro`: run the pipeline; say first what that takes, and at the end what took how long."""

import json
import subprocess
import time
from pathlib import Path

from stages.commands import waiting
from stages.core.people import dvc_repro

TIMES = Path(".gleaner/times.jsonl")  # a line for each stage that ran, by stages/__main__.py
FIRST = (
    "First run: 4 to 11 minutes on 2 cores with the default data, most of it for embedding and the final models. Later runs "
    "repeat only what a change affects."
)
SHOWN = 5


def main() -> None:
    begun = time.time()
    print("Stages run again where something they depend on has changed." if Path("dvc.lock").exists() else FIRST, flush=True)
    dvc_repro.run()
    waiting.main("repro")
    subprocess.run(["dvc", "plots", "show", "--quiet"], check=False)  # noqa: S607
    print(took(time.time() - begun, ran_since(begun)))
    print(Path("data/summary.md").read_text(encoding="utf-8").splitlines()[0])
    print(f"Plots:  {Path('dvc_plots/index.html').absolute()}\nReport: {Path('data/report.html').absolute()}")


def ran_since(begun: float) -> dict[str, float]:
    """Seconds of every stage that ran since then, the slowest first."""
    seconds: dict[str, float] = {}
    for line in TIMES.read_text(encoding="utf-8").splitlines() if TIMES.exists() else []:
        ran = json.loads(line)
        if ran["ended"] >= begun:
            seconds[ran["stage"]] = seconds.get(ran["stage"], 0) + ran["seconds"]
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def took(whole: float, seconds: dict[str, float]) -> str:
    """One line: the slowest stages, the others together, and what is left for DVC itself."""
    slowest = [f"{stage} {amount:.0f} s" for stage, amount in list(seconds.items())[:SHOWN]]
    rest = sum(list(seconds.values())[SHOWN:])
    others = [f"{len(seconds) - SHOWN} others {rest:.0f} s"] if len(seconds) > SHOWN else []
    return f"Took {whole:.0f} s: {', '.join([*slowest, *others, f'DVC {max(0, whole - sum(seconds.values())):.0f} s'])}"
