"""Rows are encoded in shards by the engine that is set; an engine that cannot work is refused before the work begins."""

import importlib.util
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.core.base import params, plugins
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, shards
from stages.core.engines import _session
from stages.core.settings import rules
from tests.support.project import ROOT, InProcess
from tests.support.tiny import WORDS, map_rows, tiny_encoder

TEXTS = [" ".join(WORDS[: 1 + number % 9]) for number in range(50)]
HIDDEN = {"RAY_ADDRESS": "", "RAY_TMPDIR": "nowhere"}  # hides clusters that may run on this machine


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> encoder.Encoder:
    return encoder.Encoder(str(tiny_encoder(tmp_path_factory.mktemp("model") / "tiny")), 16).eval()


@pytest.fixture
def work(model) -> shards.Work:
    return shards.Work(model, encoder.Encoder.vectors, model.vector_shape, np.float32, 64)


LOCAL = SimpleNamespace(engine="local")


def test_shards_give_the_same_rows_as_one_pass(work, model, monkeypatch):
    tokens = model.tokenise(TEXTS)
    at_once = map_rows(model.vectors, tokens, model.width, 64)
    for rows in (1, 7, 50):
        monkeypatch.setattr(shards, "ROWS", rows)
        assert (shards.map_rows(work, tokens, LOCAL) == at_once).all()


def test_a_shard_of_texts_gives_the_same_as_one_of_their_tokens(work, model):
    assert (work(TEXTS) == work(model.tokenise(TEXTS))).all()


def test_progress_adds_up_to_the_size_of_the_shard(work, model):
    for shard in (TEXTS, model.tokenise(TEXTS)):
        told = []
        work(shard, told.append)
        assert len(told) > 5
        assert sum(told) == shards.size(shard)
    assert shards.size(["ab", "cde"]) == 5


def test_the_next_shard_is_taken_after_the_last_result(work):
    taken = []

    def one_by_one():
        for number in range(3):
            taken.append(number)
            yield number, TEXTS[:2]

    done = shards.run(work, one_by_one(), LOCAL)
    for number in range(3):
        assert next(done)[0] == number
        assert taken == list(range(number + 1))


def test_smaller_batches_give_the_same_bytes(work):
    assert work.in_less_memory(1).batch_tokens == 32
    assert work.in_less_memory(9).batch_tokens == 1
    assert (work.in_less_memory(9)(TEXTS) == work(TEXTS)).all()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_used_model_of_several_layers_can_be_sent_to_another_process(tmp_path):
    """transformers attaches hooks that cannot be pickled."""
    model = encoder.Encoder(str(tiny_encoder(tmp_path / "tiny")), 16, layers=2).eval()
    of_layers = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, model.stored_dtype, 64)
    expected = of_layers(TEXTS)
    (tmp_path / "work").write_bytes(pickle.dumps(of_layers.portable()))
    script = (
        "import pickle, sys\n"
        "work = pickle.load(open('work', 'rb')).settled()\n"
        "sys.stdout.buffer.write(work(sys.argv[1:]).tobytes())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, *TEXTS], env=environment, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == expected.tobytes()
    assert (of_layers(TEXTS) == expected).all()  # and this model still works


def test_about_names_what_last_bits_depend_on():
    assert sorted(shards.about()) == ["device", "numpy", "processor", "torch", "transformers"]
    assert all(shards.about().values())


@pytest.fixture
def set_to(in_process, monkeypatch):
    """Sets `machine` in a project without a cluster, and checks it as before every stage."""
    for name, value in HIDDEN.items():
        monkeypatch.setenv(name, value)

    def change(**values):
        in_process.change({"machine": values})
        return rules.check_file("embed")

    return change


def test_engines_are_these():
    assert plugins.names("engines", "run") == ["local", "ray"]
    assert plugins.names("engines", "check") == plugins.names("engines", "begin") == ["local", "ray"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"engine": "rey"},
            r"machine\.engine = 'rey': is no file of stages/core/engines .*possible: local, ray; did you mean ray\?",
        ),
        ({"ray_address": ""}, r"machine\.ray_address = '': "),
        ({"ray_address": "10.0.0.5"}, r"machine\.ray_address = '10\.0\.0\.5': must be auto, or host:port, as `ray start"),
        ({"ray_address": "ray://10.0.0.5:10001"}, r"machine\.ray_address = 'ray://10\.0\.0\.5:10001': must be auto, or host:port"),
        ({"ray_address": "head:0"}, r"machine\.ray_address = 'head:0': must be auto"),
        ({"ray_cores": 0}, r"machine\.ray_cores = 0: must be greater than or equal to 1"),
        ({"ray_mixed": 1}, r"machine\.ray_mixed = 1: must be a valid boolean"),
    ],
)
def test_impossible_settings_are_refused(set_to, values, told):
    with pytest.raises(Refused, match=told):
        set_to(**values)


def test_without_ray_the_file_to_install_is_named(set_to, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else found(name, *more))
    set_to(engine="local")
    told = r"machine\.engine = ray: the package ray is not installed; pip install -r requirements-ray\.txt, or set machine\.engine"
    with pytest.raises(Refused, match=told):
        set_to(engine="ray")
    with pytest.raises(Refused, match=told):
        shards.begin(params.machine())


@pytest.fixture
def installed(monkeypatch):
    """As if Ray were installed: `check` does not load it."""
    monkeypatch.setattr(_session, "refuse_missing", lambda: None)


def test_a_missing_cluster_is_refused_at_once(set_to, installed):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started = time.monotonic()
    told = rf"machine\.ray_address = 127\.0\.0\.1:{port}: no Ray cluster answers there \(.*\); .*or set machine\.engine: local"
    with pytest.raises(Refused, match=told):
        set_to(engine="ray", ray_address=f"127.0.0.1:{port}")
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_a_machine_that_does_not_answer_is_refused_within_seconds(set_to, installed):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # takes one connection and answers no other
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(Refused, match=r"no Ray cluster answers there \(timed out\)"):
            set_to(engine="ray", ray_address=f"127.0.0.1:{full.getsockname()[1]}")
        assert time.monotonic() - started < 10
        for one in waiting:
            one.close()


def test_a_refusal_names_the_environment_variable(set_to, installed, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://nowhere")
    with pytest.raises(Refused, match=r"^RAY_ADDRESS = ray://nowhere: .*it is no host:port"):
        set_to(engine="ray")


@contextmanager
def answering(said: bytes):
    """A port that sends the same bytes to every caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with suppress(OSError):  # closed
                while True:
                    connection, _ = server.accept()
                    connection.sendall(said)
                    kept.append(connection)

        kept: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def test_another_program_at_the_port_is_refused_at_once(set_to, installed):
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        started = time.monotonic()
        with pytest.raises(Refused, match=rf"127\.0\.0\.1:{port}: no Ray cluster answers there \(another program listens there"):
            set_to(engine="ray", ray_address=f"127.0.0.1:{port}")
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(("mine", "expected"), [(True, "there"), (False, None)])
def test_auto_finds_only_a_cluster_of_this_user(tmp_path, monkeypatch, mine, expected):
    """An address that another user left in the shared folder could lead anywhere."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert _session.found("auto") is None
    (tmp_path / "ray").mkdir()
    with answering(b"\0\0\0\4\0\0\0\0\0") as port:
        address = f"127.0.0.1:{port}"
        (tmp_path / "ray/ray_current_cluster").write_text(address)
        if not mine:
            monkeypatch.setattr(_session.os, "getuid", lambda: Path(tmp_path).stat().st_uid + 1)
        assert _session.found("auto") == (address if expected else None)
    assert _session.found("auto") is None  # it has ended since


def test_vectors_of_machines_that_may_differ_have_a_folder_of_their_own_in_the_cache(in_process, monkeypatch):
    monkeypatch.setattr(plugins, "load", lambda room, name: import_module(f"stages.core.{room}.local"))
    monkeypatch.setenv("GLEANER_CACHE", "cache")
    folders = []
    for engine, mixed in (("local", True), ("ray", False), ("ray", True)):
        in_process.change({"machine": {"engine": engine, "ray_mixed": mixed}})
        in_process.call("embed")
        folders.append(len(list(Path("cache").iterdir())))
    assert folders == [1, 1, 2]


@pytest.mark.slow
def test_a_stage_with_engine_local_imports_nothing_of_ray(in_process: InProcess):
    script = (
        "import sys; from stages import embed; embed.main(); print([name for name in sys.modules if name.split('.')[0] == 'ray'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**in_process.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
