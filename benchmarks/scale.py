"""Ray against one process: encoding of the pool, overhead of a shard, start of a session, and memory as the pool grows.

The cluster is this machine alone, with a one-core worker for each core. Encoding is timed on workers that already have the model.
Memory is the peak of a process's private memory (RssAnon, without file pages, which the system can reclaim) in stage embed with a
tiny random model.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.embed import base_shape
from benchmarks.growth import varied
from benchmarks.harness import ROOT, Row, enter_project, machine, megabytes_of, prepared, row, timed
from stages import embed
from stages.core.base import artifacts, params, paths
from stages.core.encoding import encoder, model_files, shards, vector_cache

RESULTS = ROOT / "benchmarks" / "scale.json"
SIZES = (100_000, 1_000_000)
OVERHEAD_SHARDS = 40
TINY = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)  # a million texts take minutes


def run(quick: bool) -> list[Row]:
    home = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() and not quick else {}
    with cluster(os.cpu_count() or 1) as address:
        wanted = (os.environ.get("PARTS") or "start throughput overhead memory").split()
        for part in wanted:
            found |= {"machine": machine(), part: PARTS[part](home / part, address, quick)}
            print(f"  {part}: {found[part]}", file=sys.stderr, flush=True)
            if not quick:
                RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    if "throughput" not in found:
        return []
    speeds = [found["throughput"][name]["rows_a_second"] for name in ("ray", "local")]
    ratio = speeds[0] / speeds[1]
    name = "embed by Ray on this machine's cores, against one process"
    return [row(name, *speeds, "rows/s", *[ratio] * 3, found["throughput"]["rows"], 0.9, "same bytes")]


@contextlib.contextmanager
def cluster(cores: int) -> Iterator[str]:
    """Address of a cluster in another process, like a real one."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}
    os.environ["RAY_AUTH_TOKEN"] = "b" * 64
    script = (
        "import sys, time\n"
        "from ray.cluster_utils import Cluster\n"
        f"head = dict(num_cpus={cores}, node_ip_address='127.0.0.1', include_dashboard=False, object_store_memory=2**29)\n"
        "cluster = Cluster(initialize_head=True, head_node_args=head)\n"
        "print(cluster.address, flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", script], text=True, **pipes)
    try:
        yield process.stdout.readline().strip()
    finally:
        if "ray" in sys.modules:  # else an error is lost: Ray ends this process when its cluster is gone
            sys.modules["ray"].shutdown()
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def settings(address: str) -> dict[str, Any]:
    """The section `machine` for each engine."""
    common = {"batch_tokens": 4096, "ray_cores": 1, "ray_mixed": False, "ray_address": address}
    return {name: SimpleNamespace(engine=name, **common) for name in ("local", "ray")}


def of_minilm(folder: Path) -> tuple[encoder.Encoder, list[str]]:
    prepared(folder)
    embedding = params.read("embed").embed
    model = encoder.of_pipeline(embedding).eval().to(encoder.device(), encoder.dtype_of(embedding.dtype))
    return model, artifacts.texts(paths.POOL)


def start(folder: Path, address: str, quick: bool) -> dict[str, float]:
    """Seconds in a process of its own from loading Ray to the connection, and to the first result."""
    script = (
        "import time, sys\n"
        "from types import SimpleNamespace\n"
        "import numpy as np\n"
        "from stages.core.encoding import encoder, model_files, shards\n"
        "machine = SimpleNamespace(engine='ray', ray_address=sys.argv[1], ray_cores=1, ray_mixed=False)\n"
        "model = encoder.Encoder(model_files.PACKAGED, 64).eval()\n"
        "work = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, np.float32, 4096)\n"
        "begun = time.perf_counter()\n"
        "shards.begin(machine)\n"
        "connected = time.perf_counter()\n"
        "list(shards.run(work, [(0, ['a text'])], machine))\n"
        "print(connected - begun, time.perf_counter() - begun)\n"
    )
    times = []
    for _ in range(1 if quick else 3):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", script, address], env=environment, capture_output=True, text=True, check=True)
        times.append([float(word) for word in done.stdout.split()[-2:]])
    connected, first = np.median(times, axis=0)
    return {"connected_seconds": round(float(connected), 2), "first_result_seconds": round(float(first), 2)}


def throughput(folder: Path, address: str, quick: bool) -> dict[str, Any]:
    """Rows a second of stage embed with its side cache, in turn on the same texts of SST-2: by the clock, and by the processor time
    of all processes, which other work on the machine does not change.
    """
    model, texts = of_minilm(folder)
    rows = 1_000 if quick else 4 * shards.ROWS
    order = np.random.default_rng(0).permutation(len(texts))
    spent: dict[str, list[tuple[float, float]]] = {"local": [], "ray": []}
    for pair in range(1 if quick else 2):
        some = [texts[row] for row in order[pair * rows : (pair + 1) * rows]]
        made = {}
        for name, at in settings(address).items():
            work = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, model.stored_dtype, 4096)
            list(shards.run(work, ((number, some[:50]) for number in range(8)), at))
            made[name] = np.empty((rows, *model.vector_shape), model.stored_dtype)
            cache, before = vector_cache.VectorCache(f"{name} {pair}"), processor_seconds()
            seconds, _ = timed(functools.partial(embed.fill, made[name], some, model, cache, at))
            spent[name].append((seconds, processor_seconds() - before))
            print(f"  {name}: {spent[name][-1]}", file=sys.stderr, flush=True)
        assert (made["local"] == made["ray"]).all()
    found: dict[str, Any] = {"rows": rows, "cores": os.cpu_count()}
    for name, pairs in spent.items():
        clock, processor = np.median(pairs, axis=0)
        found[name] = {"rows_a_second": round(float(rows / clock), 1), "rows_a_core_second": round(float(rows / processor), 1)}
    return found


def processor_seconds() -> float:
    """Processor time of this process and all workers so far."""
    total = time.process_time()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().partition(")")
            if "(ray::Worker" in name:
                total += sum(map(int, rest.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return total


def overhead(folder: Path, address: str, quick: bool) -> dict[str, float]:
    """Milliseconds of overhead of one shard: 4,096 texts to a worker and 12.6 MB of vectors back."""
    model, texts = of_minilm(folder)
    tokens = model.tokenise(texts[: shards.ROWS])
    count = 5 if quick else OVERHEAD_SHARDS

    def nothing(model: encoder.Encoder, ids: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(ids), *model.vector_shape)

    spent = {}
    for name, at in settings(address).items():
        at.ray_cores = os.cpu_count() or 1  # one worker
        work = shards.Work(model, nothing, model.vector_shape, model.stored_dtype, 2**22)
        done = shards.run(work, ((number, tokens) for number in range(count + 1)), at)
        next(done)  # the worker now has the model
        spent[name], _ = timed(lambda done=done: list(done))
    return {"milliseconds": round(1000 * (spent["ray"] - spent["local"]) / count, 1), "shards": count}


def memory(folder: Path, address: str, quick: bool) -> dict[str, Any]:
    """Peak private megabytes of stage embed and of its workers, and its seconds, by rows of the pool."""
    found = {}
    texts = None
    for size in (2_000, 20_000) if quick else SIZES:
        place = folder / str(size)
        if texts is None:
            prepared(folder / "texts")
            texts = artifacts.texts(paths.POOL)
        place.mkdir(parents=True)
        model = base_shape(place / "encoder", model_files.folder_of(model_files.PACKAGED), TINY)
        enter_project(
            place, embed={"model": str(model), "layers": 2, "max_tokens": 32}, machine={"engine": "ray", "ray_address": address}
        )
        artifacts.save_jsonl(paths.POOL, varied(texts, size))
        artifacts.save_jsonl(paths.HOLDOUT, varied(texts, 100))
        artifacts.save_json(paths.POINTER, {"model": str(model)})
        found[str(size)] = watched()
        print(f"  memory, {size:,} rows: {found[str(size)]}", file=sys.stderr, flush=True)
    return found


def watched() -> dict[str, float]:
    begun = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "stages", "embed"], env=environment, stdout=subprocess.DEVNULL)
    most = {"driver": 0.0, "worker": 0.0, "driver_with_files": 0.0}
    while process.poll() is None:
        most["driver"] = max(most["driver"], megabytes_of(process.pid, "RssAnon"))
        most["driver_with_files"] = max(most["driver_with_files"], megabytes_of(process.pid, "VmRSS"))
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if command.read_bytes().startswith(b"ray::Worker"):
                    most["worker"] = max(most["worker"], megabytes_of(int(command.parent.name), "RssAnon"))
        time.sleep(0.5)
    assert process.returncode == 0
    return {"seconds": round(time.perf_counter() - begun, 1), **{f"{name}_megabytes": round(size) for name, size in most.items()}}


PARTS = {"start": start, "throughput": throughput, "overhead": overhead, "memory": memory}
