"""`dvc repro` as the commands for people call it waits for another that runs in the same folder."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stages.core.base.errors import Refused
from stages.core.people import dvc_repro


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where `dvc` writes down what it was called with, and fails as long as there is a file `busy`."""
    monkeypatch.chdir(tmp_path)
    dvc_repro.BUSY.parent.mkdir(parents=True)
    dvc = tmp_path / "bin" / "dvc"
    dvc.parent.mkdir()
    dvc.write_text('#!/bin/sh\necho "$@" >> called\ntest ! -e busy\n')
    dvc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dvc.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def called() -> list[str]:
    return Path("called").read_text().splitlines()


def at_work(seconds: float, then=lambda: None) -> subprocess.Popen:
    """Another process that works in this folder for so long."""
    process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])

    def ended():
        process.wait()
        then()

    threading.Thread(target=ended, daemon=True).start()
    return process


def says(read: dict | None = None, write: dict | None = None) -> None:
    """What DVC's file says: path -> process."""
    of = {path: {"pid": pid, "cmd": "dvc repro"} for path, pid in (write or {}).items()}
    by = {path: [{"pid": pid, "cmd": "dvc repro"}] for path, pid in (read or {}).items()}
    dvc_repro.BUSY.write_text(json.dumps({"read": by, "write": of}))


def test_it_is_called_with_the_words_given():
    dvc_repro.run("cluster")
    dvc_repro.run("--force", "--single-item", "collect_answers")
    assert called() == ["repro cluster", "repro --force --single-item collect_answers"]


@pytest.mark.parametrize("how", ["read", "write"])
def test_it_waits_until_another_has_ended_and_says_so(capsys, how):
    other = at_work(0.8)
    says(**{how: {"data/pool.jsonl": other.pid}})
    began = time.monotonic()
    dvc_repro.run("cluster")
    assert time.monotonic() - began > 0.5
    assert capsys.readouterr().out == f"another dvc is running here (process {other.pid}): waiting until it ends\n"
    assert called() == ["repro cluster"]


@pytest.mark.slow
def test_where_another_began_meanwhile_it_is_tried_again_though_that_has_ended_since():
    Path("busy").touch()
    dvc = Path("bin/dvc")
    other = at_work(0.8, lambda: Path("busy").unlink())
    says_so = f"echo '{json.dumps({'write': {'a': {'pid': other.pid}}})}' > {dvc_repro.BUSY}"
    dvc.write_text(f'#!/bin/sh\necho "$@" >> called\ntest ! -e busy && exit\n{says_so}\nsleep 1.5\nexit 1\n')
    dvc_repro.run("cluster")
    assert called() == ["repro cluster", "repro cluster"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"write": [1]}', '{"write": {"a": {"cmd": "x"}}}', '{"read": {"a": null}}'])
def test_a_file_that_says_nothing_and_processes_that_are_dead_hold_nobody_up(content, capsys):
    dvc_repro.BUSY.write_text(content)
    assert dvc_repro.others() == set()
    gone = subprocess.Popen(["true"])
    gone.wait()
    says({"a": gone.pid}, {"b": gone.pid})
    dvc_repro.run()
    assert capsys.readouterr().out == ""


def test_an_error_of_its_own_is_told_at_once():
    Path("busy").touch()
    with pytest.raises(Refused, match=r"^`dvc repro cluster` ended with an error, see above; fix it and try again$"):
        dvc_repro.run("cluster")
    with pytest.raises(Refused, match=r"^`dvc repro` ended with an error"):
        dvc_repro.run()
    assert called() == ["repro cluster", "repro"]
