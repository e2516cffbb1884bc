"""`python -m stages NAME`: what it checks, which Python it runs in, and that importing the project changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, Project

BIN = Path(sys.executable).parent


def door(*words: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    environment = {**Project.environment(), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        ["python", "-m", "stages", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def other_python_first(tmp_path_factory) -> str:
    """A PATH whose first Python has nothing installed."""
    environment = tmp_path_factory.mktemp("other") / "an environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    return os.pathsep.join([str(environment / "bin"), "/usr/bin", "/bin"])


@pytest.mark.dvc
def test_stages_run_in_the_projects_venv_whichever_python_is_first_on_the_path(tmp_path, other_python_first, monkeypatch):
    project = Project.tiny(tmp_path / "a projéct")
    (project.folder / ".venv").symlink_to(BIN.parent)
    monkeypatch.setattr(Project, "environment", staticmethod(lambda: {**os.environ, "PATH": other_python_first}))
    project.run(str(BIN / "dvc"), "repro", "prepare")
    assert len((project.folder / "data/pool.jsonl").read_text().splitlines()) == 90


@pytest.mark.parametrize("broken", [False, True])
def test_without_a_venv_one_line_says_what_to_do(tmp_path, other_python_first, broken):
    if broken:  # a python that is there and belongs to no environment must not start itself for ever
        (tmp_path / ".venv/bin").mkdir(parents=True)
        (tmp_path / ".venv/bin/python").symlink_to(Path(sys.base_prefix) / "bin/python3")
    done = door("check", folder=tmp_path, PATH=other_python_first)
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith("run `source .venv/bin/activate` first, or use make\n")
    assert " lacks psutil: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_name_is_refused_with_those_that_there_are():
    done = door("emebd")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: python -m stages emebd: no stage or command of this name; possible: add, answers, ask, ")
    assert done.stderr.endswith("did you mean embed?\n")


@pytest.mark.slow
def test_all_of_params_is_checked_before_a_stage_and_not_before_a_command(tmp_path):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("  epochs: 5 ", "  epochs: 0 ")
    (tmp_path / "params.yaml").write_text(params, encoding="utf-8")
    assert door("map", folder=tmp_path).stderr.startswith(
        "error: params.yaml: train.epochs = 0: must be greater than or equal to 1"
    )
    assert door("similarity", folder=tmp_path).stderr.startswith("error: 0 texts given, two are needed")


STATE = """
import gc, os, signal, sys, threading

def state():
    return gc.get_threshold(), signal.getsignal(signal.SIGINT), threading.active_count()

def by_us(event, words):
    if event in ("os.putenv", "os.unsetenv"):  # libraries set variables too (numpy, torch): what counts is which file does it
        frame = sys._getframe(1)
        while frame.f_code.co_filename.endswith(("os.py", "_collections_abc.py")) or frame.f_code.co_filename[0] == "<":
            frame = frame.f_back
        setters.append(frame.f_code.co_filename)

setters = []
before = state()
sys.addaudithook(by_us)
from gleaner import load
from stages import embed
assert state() == before, (before, state())
print(*setters, sep="\\n")
"""


@pytest.mark.slow
def test_importing_the_project_changes_nothing_in_the_program_that_imports_it():
    done = subprocess.run([sys.executable, "-c", STATE], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    setters = [Path(file) for file in done.stdout.splitlines()]
    assert [file for file in setters if file == ROOT / "gleaner.py" or file.is_relative_to(ROOT / "stages")] == []
    assert len(setters) > 0  # it sees those of libraries


def test_ctrl_c_ends_it_without_a_traceback_while_it_still_imports(tmp_path):
    (tmp_path / "psutil.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = door("check", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]), folder=tmp_path)
    assert (done.returncode, done.stderr) == (-2, "")


def test_a_command_whose_reader_ends_says_nothing(tmp_path):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    environment = {**Project.environment(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    line = "set -o pipefail; { python -m stages check; echo $? > code; } | true"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "code").read_text() == "0\n"
