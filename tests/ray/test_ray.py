"""The engine ray on real clusters of several nodes on this machine: the bytes of one process, whatever happens on the way."""

import importlib.util
import itertools
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stages.core.base.errors import Refused
from stages.core.encoding import encoder, shards
from tests.support.processes import wait_for
from tests.support.project import ROOT
from tests.support.tiny import WORDS, map_rows, tiny_encoder

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is missing: pip install -r requirements-ray.txt"),
]
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
NODE = {"node_ip_address": "127.0.0.1", "include_dashboard": False, "object_store_memory": 80 * 2**20}
LOCAL = SimpleNamespace(engine="local")
ROWS = 8  # of a shard
ALIKE = [f"good film {number}" for number in range(96)]  # a shard of them is one batch
TEXTS = [" ".join([*WORDS[: 1 + number % 9], str(number)]) for number in range(96)]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one core each, to which this process is connected. Tests on it are exhaustive: workers start for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**LOOPBACK, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "t" * 64}.items():
            patch.setenv(name, value)
        patch.delenv("RAY_ADDRESS", raising=False)
        import ray
        from ray.cluster_utils import Cluster

        from stages.core.engines import _session

        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **NODE})
        started.add_node(num_cpus=1, **NODE)
        _session.connect(started.address)
        yield started
        ray.shutdown()
        _session.connect.cache_clear()
        started.shutdown()


@pytest.fixture
def machine(cluster, monkeypatch) -> SimpleNamespace:
    """The section of params.yaml."""
    from stages.core.engines import _pool

    monkeypatch.setattr(_pool, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(shards, "ROWS", ROWS)
    return SimpleNamespace(engine="ray", ray_address=cluster.address, ray_cores=1, ray_mixed=False, batch_tokens=64)


@pytest.fixture
def anew(machine, monkeypatch):
    """A pool without workers in place of that of the other tests, whose workers make room."""
    import ray

    from stages.core.engines import _pool

    before = _pool.of_session(1, False)
    for worker in [*before.idle, *before.starting.values()]:
        ray.kill(worker)
    before.idle, before.starting = [], {}
    made = _pool.Pool(1, False)
    monkeypatch.setattr(_pool, "of_session", lambda cores, mixed: made)
    yield made
    for worker in [*made.idle, *made.starting.values()]:
        ray.kill(worker)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> encoder.Encoder:
    return encoder.Encoder(str(tiny_encoder(tmp_path_factory.mktemp("model") / "tiny")), 16).eval()


def work(model, function=encoder.Encoder.vectors, batch_tokens=64) -> shards.Work:
    return shards.Work(model, function, model.vector_shape, np.float32, batch_tokens)


def outcome(of: shards.Work, machine) -> np.ndarray:
    """float32 [texts, width]: TEXTS done by an engine."""
    out = np.full((len(TEXTS), of.model.width), np.nan, np.float32)
    parts = np.array_split(np.arange(len(TEXTS)), len(TEXTS) // ROWS)
    for rows, made in shards.run(of, ((rows, [TEXTS[row] for row in rows]) for rows in parts), machine):
        out[rows] = made
    return out


@pytest.fixture(scope="module")
def undisturbed(model) -> bytes:
    return outcome(work(model), LOCAL).tobytes()


def slowly(folder: Path):
    """As Encoder.vectors, but it takes its time and leaves a file named by its process, so that a test sees who works."""

    def function(model, ids):  # in here it travels with the work: the cluster has no tests
        (folder / str(os.getpid())).touch()
        time.sleep(0.2)
        return encoder.Encoder.vectors(model, ids)

    return function


def test_a_stage_makes_the_same_bytes_and_shards(in_process, machine, monkeypatch):
    hashes = {}
    for name in ("local", "ray"):
        monkeypatch.setenv("GLEANER_CACHE", f"cache of {name}")
        in_process.change({"machine": {"engine": name, "ray_address": machine.ray_address}})
        in_process.call("embed")
        kept = {file.name for file in Path(f"cache of {name}").rglob("*.safetensors")}
        made = {file: file.read_bytes() for file in Path("data/embeddings").iterdir()}
        hashes[name] = kept, made
    assert len(hashes["local"][0]) == 12 + 4  # of 90 rows and of 30
    assert hashes["ray"] == hashes["local"]


def test_scoring_gives_the_same_bytes(machine, model):
    tokens = model.tokenise(TEXTS)
    scores = shards.Work(model, lambda model, ids: model(ids).softmax(1), model.width, np.float32, 64)
    assert (shards.map_rows(scores, tokens, machine) == shards.map_rows(scores, tokens, LOCAL)).all()


def test_a_worker_killed_in_the_middle(machine, model, undisturbed, tmp_path):
    def killed_once(model, ids):
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return encoder.Encoder.vectors(model, ids)

    assert outcome(work(model, killed_once), machine).tobytes() == undisturbed
    assert (tmp_path / "killed").exists()


def test_a_worker_that_is_killed_for_its_memory_gets_smaller_batches(machine, model, undisturbed, capsys):
    def needs_much(model, ids):
        if len(ids) > 8 and ids.shape[1] > 3:
            os.kill(os.getpid(), signal.SIGKILL)  # as a system without memory does
        return encoder.Encoder.vectors(model, ids)

    longest = [[f"{TEXTS[8]} good"] * 16]
    [(_, made)] = shards.run(work(model, needs_much, 256), enumerate(longest), machine)
    [(_, expected)] = shards.run(work(model), enumerate(longest), LOCAL)
    assert (made == expected).all()
    assert "a worker was lost, its texts are given to another" in capsys.readouterr().out


def test_what_loses_every_worker_is_told(machine, model, monkeypatch):
    from stages.core.engines import _pool

    monkeypatch.setattr(_pool, "TRIES", 2)

    def kills(model, ids):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(Refused, match=r"2 workers were lost over the same texts.*lower machine\.batch_tokens"):
        outcome(work(model, kills), machine)


def test_a_worker_out_of_memory_halves_its_batch(machine, model, undisturbed):
    def in_a_narrow_place(model, ids):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 250 * 2**20, resource.RLIM_INFINITY))
        try:
            torch.empty(ids.numel(), 5 * 2**20, dtype=torch.uint8)  # what torch cannot have for more than 50 tokens
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return encoder.Encoder.vectors(model, ids)

    assert outcome(work(model, in_a_narrow_place, batch_tokens=256), machine).tobytes() == undisturbed


def test_a_node_that_is_lost(cluster, machine, model, undisturbed, tmp_path):
    node = cluster.add_node(num_cpus=1, **NODE)
    made, lost = {}, []
    for number, result in shards.run(work(model, slowly(tmp_path)), many_times(in_parts(), lambda: bool(lost)), machine):
        made[number] = result
        if not lost and len(list(tmp_path.iterdir())) >= 3:  # all are at work
            cluster.remove_node(node, allow_graceful=False)
            lost.append(number)
    assert set(every_round(made)) == {undisturbed}


def test_a_node_that_joins_late(cluster, machine, model, undisturbed, tmp_path):
    at_work = lambda: len(list(tmp_path.iterdir()))  # noqa: E731
    made, node, before = {}, None, 2
    for number, result in shards.run(work(model, slowly(tmp_path)), many_times(in_parts(), lambda: at_work() > before), machine):
        made[number] = result
        if node is None and at_work() == before:
            node = cluster.add_node(num_cpus=1, **NODE)
    cluster.remove_node(node)
    assert at_work() == before + 1
    assert set(every_round(made)) == {undisturbed}


def in_parts() -> list[list[str]]:
    return [TEXTS[start : start + ROWS] for start in range(0, len(TEXTS), ROWS)]


def many_times(parts: list[list[str]], enough) -> Iterator[tuple[int, list[str]]]:
    """The parts again and again, numbered, until it is enough at the end of a round."""
    for number in itertools.count():
        yield number, parts[number % len(parts)]
        if number % len(parts) == len(parts) - 1 and enough():
            return


def every_round(made: dict[int, np.ndarray]) -> list[bytes]:
    """What became of the parts, each time that all of them were done."""
    count = len(in_parts())
    assert sorted(made) == list(range(len(made)))
    assert len(made) % count == 0
    return [joined({number: made[number] for number in range(start, start + count)}) for start in range(0, len(made), count)]


def joined(made: dict[int, np.ndarray]) -> bytes:
    return b"".join(made[number].tobytes() for number in sorted(made))


def test_no_more_shards_are_taken_than_workers_have_room_for(machine, model):
    taken = []

    def counted():
        for part in enumerate(in_parts()):
            taken.append(part)
            yield part

    done = shards.run(work(model), counted(), machine)
    for number in range(1, 6):
        next(done)
        assert len(taken) <= number + 2 + 1  # what came back, what two workers have, and the next
    done.close()


def test_a_model_that_a_node_does_not_have(machine, tmp_path, undisturbed):
    model = encoder.Encoder(str(tiny_encoder(tmp_path / "tiny")), 16).eval()
    (tmp_path / "tiny").rename(tmp_path / "elsewhere")  # no process but this one has it
    assert outcome(work(model), machine).tobytes() == undisturbed


DRIVER = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from stages import embed
from stages.core.encoding import encoder, shards, vector_cache
from tests.ray import test_ray

address, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
shards.ROWS = test_ray.ROWS
plain = encoder.Encoder.vectors

def counted(model, ids):
    with (folder / "batches").open("a") as file:
        file.write("batch\\n")
    time.sleep(seconds)
    return plain(model, ids)

encoder.Encoder.vectors = counted
model = encoder.Encoder(str(folder / "tiny"), 16).eval()
machine = SimpleNamespace(engine="ray", ray_address=address, ray_cores=1, ray_mixed=False, batch_tokens=1024)
out = np.full((len(test_ray.ALIKE), model.width), np.nan, np.float32)
print(embed.fill(out, test_ray.ALIKE, model, vector_cache.VectorCache("c"), machine), "encoded")
(folder / "out").write_bytes(out.tobytes())
"""


def driver(
    folder: Path,
    address: str,
    *words: str,
    script: str = DRIVER,
    python: str = sys.executable,
    cwd: Path = ROOT,
    **environment: str,
) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GLEANER_CACHE": str(folder / "cache"), **environment}
    command = [python, "-c", script, address, str(folder), *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_after_the_driver_is_killed_at_most_one_shard_a_worker_is_repeated(cluster, anew, model, tmp_path):
    tiny_encoder(tmp_path / "tiny")
    kept = lambda: len(list(tmp_path.rglob("cache/c/*.safetensors")))  # noqa: E731
    first = driver(tmp_path, cluster.address, "0.5")
    wait_for(lambda: kept() >= 3 or first.poll() is not None)
    assert first.poll() is None, first.communicate()[0]
    first.kill()
    first.wait()
    saved = kept()
    assert saved < len(ALIKE) // ROWS
    second = driver(tmp_path, cluster.address, "0")
    told, _ = second.communicate()
    assert second.returncode == 0, told
    assert f"{len(ALIKE) - saved * ROWS} encoded" in told
    expected = map_rows(model.vectors, model.tokenise(ALIKE), model.width, 64)
    assert (tmp_path / "out").read_bytes() == expected.tobytes()
    assert (tmp_path / "batches").read_text().count("batch") <= len(ALIKE) // ROWS + 2


def test_a_version_of_ray_that_differs(cluster, tmp_path):
    tiny_encoder(tmp_path / "tiny")
    process = driver(tmp_path, cluster.address, "0", script="import ray; ray.__version__ = '1.0'\n" + DRIVER)
    told, _ = process.communicate()
    assert process.returncode
    assert "Refused: machine.ray_address" in told
    assert "Ray: 1.0" in told
    assert "install the same versions of Ray and Python on both sides, or set machine.engine: local" in told


def test_a_worker_unlike_this_process_is_refused_unless_it_is_allowed(machine, anew, model, undisturbed, monkeypatch):
    from stages.core.engines import _pool

    monkeypatch.setattr(shards, "about", lambda: {"device": "cpu", "torch": "0.1"})
    told = r"the worker on 127\.0\.0\.1 \(process \d+\) has torch .*, this process on 127\.0\.0\.1 has torch 0\.1: .*ray_mixed"
    with pytest.raises(Refused, match=told):
        outcome(work(model), machine)
    allowed = _pool.Pool(1, True)
    monkeypatch.setattr(_pool, "of_session", lambda cores, mixed: allowed)
    assert outcome(work(model), machine).tobytes() == undisturbed
    import ray

    for worker in allowed.idle:
        ray.kill(worker)


def test_who_finds_the_cluster_busy_waits(machine, anew, model, undisturbed, monkeypatch, capsys):
    import ray

    from stages.core.engines import _pool

    class Other:
        def rest(self):
            return True

    monkeypatch.setattr(_pool, "TELL_AFTER", 0.5)
    others = [ray.remote(num_cpus=1)(Other).remote() for _ in range(2)]
    ray.get([other.rest.remote() for other in others])
    done = shards.run(work(model), enumerate(in_parts()), machine)
    threading.Timer(2, lambda: [ray.kill(other) for other in others]).start()
    assert joined(dict(done)) == undisturbed
    assert "waiting for room on the cluster" in capsys.readouterr().out


def test_no_room_for_a_worker_is_told_before_any_work(machine, monkeypatch):
    from stages.core.engines import _pool

    large = _pool.Pool(64, False)
    monkeypatch.setattr(_pool, "of_session", lambda cores, mixed: large)
    told = (
        r"machine\.ray_cores = 64: no machine of the Ray cluster has that many cores.*possible: up to 1; .*machine\.engine: local"
    )
    with pytest.raises(Refused, match=told):
        shards.begin(machine)


ALONE = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from stages import embed
from stages.core.base import params
from stages.core.encoding import encoder, shards

shards.ROWS = 30
embed.main()

killed = Path(sys.argv[2], "killed")

def killed_once(model, ids):
    if not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return encoder.Encoder.vectors(model, ids)

model = encoder.Encoder(sys.argv[2] + "/encoder", 16).eval()
work = shards.Work(model, killed_once, model.vector_shape, np.float32, 64)
[(_, made)] = shards.run(work, [(0, ["a text"])], params.machine())
print("made", made.shape, flush=True)
time.sleep(600)
"""


def test_a_cluster_of_its_own_gives_the_same_bytes_outlives_a_killed_worker_and_listens_on_loopback(in_process, monkeypatch):
    """By a Python in a path with a blank, by which Ray alone starts no worker. It ends with this process."""
    folder = in_process.folder
    monkeypatch.setattr(shards, "ROWS", 30)
    monkeypatch.setenv("GLEANER_CACHE", "cache of local")
    in_process.call("embed")
    local = embedded()
    in_process.change({"machine": {"engine": "ray", "ray_address": "auto", "batch_tokens": 64}})
    (folder / "with a blank").symlink_to(Path(sys.executable).parent.parent)
    python = str(folder / "with a blank/bin" / Path(sys.executable).name)
    process = driver(folder, "", script=ALONE, python=python, RAY_ADDRESS="local")
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line == "made (1, 32)\n":
                break
        assert said[-1:] == ["made (1, 32)\n"], "".join(said)
        assert (folder / "killed").exists()
        assert any("a worker was lost, its texts are given to another" in line for line in said)
        assert embedded() == local
        family = descendants(process.pid)
        assert len(family) > 3
        heard_at = listening(family)
        assert len(heard_at) > 3
        assert [address for address in heard_at if address not in ("0100007F", "0000000000000000FFFF00000100007F")] == []
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: not [pid for pid in family if works(pid)])


def embedded() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path("data/embeddings").iterdir()}


def works(pid: int) -> bool:
    """Whether a process is there, and is more than one of Ray's agents, which take a while to notice that all is over."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return bool(command) and b"Agent" not in command


def descendants(pid: int) -> set[int]:
    """Processes of which it is the parent, or the parent's parent, and so on; itself too."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, new = {pid}, {pid}
    while new := {child for child, parent in parents.items() if parent in new} - found:
        found |= new
    return found


def listening(processes: set[int]) -> list[str]:
    """Addresses, in the system's hexadecimal, at which these processes take connections."""
    sockets = set()
    for pid in processes:
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(file))
            except OSError:
                continue
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]
