"""`dvc repro`, as the commands for annotators call it, waits for another DVC in the same folder."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from stages.core.base.errors import Refused
from stages.core.people import dvc_repro


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Its `dvc` records its arguments, and fails while there is a file `busy`."""
    monkeypatch.chdir(tmp_path)
    dvc_repro.BUSY.parent.mkdir(parents=True)
    dvc = tmp_path / "bin" / "dvc"
    dvc.parent.mkdir()
    dvc.write_text('#!/bin/sh\necho "$@" >> called\ntest ! -e busy\n')
    dvc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dvc.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def other():
    """Another process that works in this folder until a test ends it."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def called() -> list[str]:
    return Path("called").read_text().splitlines()


def lock_file(read: dict | None = None, write: dict | None = None) -> str:
    """DVC's file about these locks: path -> process."""
    writers = {path: {"pid": pid, "cmd": "dvc repro"} for path, pid in (write or {}).items()}
    readers = {path: [{"pid": pid, "cmd": "dvc repro"}] for path, pid in (read or {}).items()}
    return json.dumps({"read": readers, "write": writers})


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def test_it_passes_its_arguments_on():
    dvc_repro.run("cluster")
    dvc_repro.run("--force", "--single-item", "collect_answers")
    assert called() == ["repro cluster", "repro --force --single-item collect_answers"]


@pytest.mark.parametrize("kind", ["read", "write"])
def test_it_says_that_it_waits_until_another_has_ended(capsys, kind, other, monkeypatch):
    dvc_repro.BUSY.write_text(lock_file(**{kind: {"data/pool.jsonl": other.pid}}))
    sleep = time.sleep
    naps = []

    def nap(seconds: float) -> None:
        naps.append(Path("called").exists())
        end(other) if len(naps) == 2 else sleep(0)

    monkeypatch.setattr(dvc_repro.time, "sleep", nap)
    dvc_repro.run("cluster")
    assert naps[:2] == [False, False]  # later ones are subprocess's own
    assert capsys.readouterr().out == f"another dvc is running here (process {other.pid}): waiting until it ends\n"
    assert called() == ["repro cluster"]


def test_it_tries_again_if_another_was_running_meanwhile(other, monkeypatch):
    """Even if that one has ended when DVC refuses."""
    Path("busy").touch()
    write_locks = f"echo '{lock_file(write={'a': other.pid})}' > {dvc_repro.BUSY}"
    wait = "while test ! -e go; do sleep 0.05; done"
    Path("bin/dvc").write_text(f'#!/bin/sh\necho "$@" >> called\ntest ! -e busy && exit\n{write_locks}\n{wait}\nexit 1\n')
    others = dvc_repro.others

    def seen() -> set[int]:
        found = others()
        if found and Path("busy").exists():
            end(other)
            Path("busy").unlink()
            Path("go").touch()
        return found

    monkeypatch.setattr(dvc_repro, "others", seen)
    dvc_repro.run("cluster")
    assert called() == ["repro cluster", "repro cluster"]


def test_unreadable_lock_files_and_dead_processes_do_not_delay_it(capsys, other):
    for content in ("", "{", "[]", '{"write": [1]}', '{"write": {"a": {"cmd": "x"}}}', '{"read": {"a": null}}'):
        dvc_repro.BUSY.write_text(content)
        assert dvc_repro.others() == set()
    end(other)
    dvc_repro.BUSY.write_text(lock_file({"a": other.pid}, {"b": other.pid}))
    dvc_repro.run()
    assert capsys.readouterr().out == ""


def test_its_own_error_is_reported_at_once():
    Path("busy").touch()
    with pytest.raises(Refused, match=r"^`dvc repro cluster` ended with an error, see above; fix it and try again$"):
        dvc_repro.run("cluster")
    with pytest.raises(Refused, match=r"^`dvc repro` ended with an error"):
        dvc_repro.run()
    assert called() == ["repro cluster", "repro"]
