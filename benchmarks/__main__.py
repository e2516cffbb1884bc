"""python -m benchmarks [NAME ...]: time, print the table, write benchmarks/results.json; QUICK=1 for a reduced run."""

import importlib
import json
import os
import sys
from dataclasses import asdict

from tabulate import tabulate

from benchmarks.harness import ROOT
from stages.core.base.errors import Refused, choices

NAMES = ["embed", "new_rows", "sweep", "umap", "finetune", "path", "predict", "growth", "scale", "gpu"]


def main(*names: str) -> None:
    quick = os.environ.get("QUICK") == "1"
    for name in names:
        if name not in NAMES:
            raise Refused(f"benchmark {name}: {choices(name, NAMES)}")
    results = ROOT / "benchmarks" / ("results-quick.json" if quick else "results.json")
    kept = json.loads(results.read_text()) if results.exists() else []
    for name in names or NAMES:
        print(f"{name}:", file=sys.stderr, flush=True)
        new = [{"benchmark": name, **asdict(row)} for row in importlib.import_module(f"benchmarks.{name}").run(quick)]
        done = {(name, row["machine"]) for row in new}  # rows of other machines stay
        kept = [row for row in kept if (row["benchmark"], row["machine"]) not in done] + new
        kept.sort(key=lambda row: (row["machine"], NAMES.index(row["benchmark"])))
        results.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(kept))


def table(rows: list[dict]) -> str:
    shown = [
        {
            "work": row["name"],
            "ours": f"{row['ours']:,.4g}",
            "rival": f"{row['rival']:,.4g}",
            "unit": row["unit"],
            "times better (least to most)": f"{row['ratio']:.3g} ({row['ratio_min']:.3g} to {row['ratio_max']:.3g})",
            "wanted": "" if row["at_least"] is None else f"{row['at_least']:g}",
            "checked": row["checked"],
            "machine": row["machine"],
        }
        for row in rows
    ]
    return tabulate(shown, headers="keys", tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(f"error: {refusal}")
