"""Two ways to do the same work, timed in turn (A B A B ...), so that other load on the machine affects both."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from stages import collect_answers, finetune_encoder, prepare
from stages.commands.overlay import lay_over
from stages.core.base import artifacts, params, paths
from stages.core.rows import labels

ROOT = Path(__file__).parent.parent
SST2 = ROOT.parent / "shared" / "data" / "sst2"


@dataclass(frozen=True)
class Row:
    """One line of the table: `ours` and `rival` are medians in `unit`; the ratio is how many times better ours is.

    rows       rows that ours worked on
    at_least   ratio that we want, if set
    checked    how far both results agree
    """

    name: str
    ours: float
    rival: float
    unit: str
    ratio: float
    ratio_min: float
    ratio_max: float
    rows: int
    at_least: float | None
    checked: str
    machine: str


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def against(
    name: str,
    ours: Callable[[], Any],
    rival: Callable[[], Any],
    rows: int,
    rival_rows: int | None = None,
    at_least: float | None = None,
    check: Callable[[Any, Any], str] = lambda ours, rival: "",
    pairs: int = 3,
    unit: str = "rows/s",
) -> Row:
    """Time `ours` on `rows` rows and `rival` on `rival_rows` (fewer, if it would take hours), in turn.

    unit    rows/s, or s: seconds for all `rows`, the rival's in proportion
    check   of the last results of both: how far they agree, or AssertionError
    """
    fast, slow = [], []
    for pair in range(1, pairs + 1):
        seconds, our_result = timed(ours)
        fast.append(seconds / rows)
        seconds, rival_result = timed(rival)
        slow.append(seconds / (rival_rows or rows))
        print(f"  {name}, pair {pair}: ours {fast[-1] * rows:.2f} s, rival {slow[-1] * rows:.2f} s", file=sys.stderr, flush=True)
    ratios = [b / a for a, b in zip(fast, slow)]
    ours_each, rival_each = statistics.median(fast), statistics.median(slow)
    both = (ours_each * rows, rival_each * rows) if unit == "s" else (1 / ours_each, 1 / rival_each)
    checked = check(our_result, rival_result)
    return row(name, *both, unit, statistics.median(ratios), min(ratios), max(ratios), rows, at_least, checked)


def row(name: str, ours: float, rival: float, unit: str, ratio: float, low: float, high: float, rows: int,
        at_least: float | None = None, checked: str = "") -> Row:  # fmt: skip
    shown = [float(f"{value:.4g}") for value in (ours, rival)]
    return Row(name, *shown, unit, round(ratio, 3), round(low, 3), round(high, 3), rows, at_least, checked, machine())


def machine() -> str:
    """Processor, cores, its best vector unit, and the GPU if there is one."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    about = dict(line.split(":", 1) for line in lines if ":" in line)
    about = {key.strip(): value.strip() for key, value in about.items()}
    flags = about.get("flags", "").split()
    units = [unit for unit in ("amx_bf16", "avx512_bf16", "avx2") if unit in flags][:1]
    gpu = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return ", ".join([about.get("model name", platform.processor()), f"{os.cpu_count()} cores", *units, *gpu])


def of_repository() -> dict[str, Any]:
    """The repository's params.yaml, wherever this process runs."""
    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def enter_project(folder: Path, **changes: dict) -> None:
    """Go to a new folder with the repository's params, changed, and the data set SST-2 (else the packaged corpus)."""
    content = of_repository()
    lay_over(content, changes)
    if SST2.is_dir() and "prepare" not in changes:
        content["prepare"]["dataset"] = str(SST2)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    os.chdir(folder)
    os.environ["GLEANER_CACHE"] = str(folder / ".gleaner")


def prepared(folder: Path, **changes: dict) -> Any:
    """`enter_project`, then stages prepare, collect_answers and finetune_encoder; gives all params."""
    enter_project(folder, **changes)
    prepare.main()
    collect_answers.main()
    finetune_encoder.main()
    return params.read(*params.load())


def labelled_pool() -> Iterator[dict]:
    """The pool's rows as a data set has them: text and name of the class."""
    classes = labels.classes()
    for row, answer in zip(artifacts.load_jsonl(paths.POOL), labels.whole_pool("to make a data set of the pool"), strict=True):
        yield row | {"label": classes[answer]}


@dataclass(frozen=True)
class Cost:
    seconds: float
    megabytes: float  # peak resident memory of the process


def run_stage(*command: str) -> Cost:
    """Run one stage in a process of its own in the current folder, as DVC does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([sys.executable, "-m", "stages", *command], env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:  # polled, since the system's figure after its end includes the parent's memory
        peak = max(peak, megabytes_of(process.pid, "VmHWM"))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - start, peak)


def megabytes_of(pid: int, what: str) -> float:
    """A line of /proc/PID/status, such as VmHWM, the largest resident memory so far; 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024
