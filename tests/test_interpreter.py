"""Stages that DVC starts without an activated environment run in DVC's own Python, or say what to do: with a real second Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.core.base import interpreter, starters
from tests.conftest import ROOT, Project, staying_shell

BIN = Path(sys.executable).parent
SETTINGS = "python -m stages.commands.check; true"  # with a second command a shell stays, and does not become the first


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    """The folder of a Python that has nothing installed."""
    environment = tmp_path_factory.mktemp("other") / "an environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    return environment / "bin"


@pytest.fixture
def first_is_other(other, monkeypatch) -> dict[str, str]:
    environment = {**Project.environment(), "PATH": f"{other}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    monkeypatch.setattr(Project, "environment", staticmethod(lambda: environment))
    return environment


@pytest.fixture
def project(tmp_path) -> Project:
    """Only as far as prepare is run: no encoder is made for it."""
    return Project.tiny(tmp_path / "a projéct")


@pytest.mark.dvc
@pytest.mark.parametrize("dvc", ["dvc", "python -m dvc", "a path with blanks"])
def test_stages_run_in_the_python_of_the_dvc_that_started_them(project, first_is_other, tmp_path, dvc):
    command = {"dvc": [str(BIN / "dvc")], "python -m dvc": [sys.executable, "-m", "dvc"]}.get(dvc)
    if not command:
        (tmp_path / "a path with blanks").symlink_to(BIN.parent)
        command = [str(tmp_path / "a path with blanks" / "bin" / Path(sys.executable).name), "-m", "dvc"]
    project.run(*command, "repro", "prepare")
    assert len((project.folder / "data/pool.jsonl").read_text().splitlines()) == 90


@pytest.mark.dvc
def test_a_shell_may_stand_between(project, first_is_other, tmp_path, monkeypatch):
    monkeypatch.setitem(first_is_other, "SHELL", str(staying_shell(tmp_path)))
    project.run(str(BIN / "dvc"), "repro", "prepare")
    assert (project.folder / "data/pool.jsonl").exists()


def test_where_no_dvc_is_found_one_line_says_what_to_do(other, first_is_other):
    nested = ["sh", "-c", f'sh -c "{SETTINGS}"; true']
    done = subprocess.run(nested, cwd=ROOT, env=first_is_other, capture_output=True, text=True)
    assert done.stderr == (
        f"error: {other / 'python'} lacks datasets and 11 more packages: it is the first python on the path, but not that of this "
        "project's environment; run `source .venv/bin/activate` first, or use make\n"
    )


def test_a_python_that_lacks_them_too_is_not_changed_to_and_nothing_goes_round_in_circles(other, first_is_other):
    start = f"import subprocess; subprocess.run({SETTINGS!r}, shell=True)"
    done = subprocess.run(
        [other / "python3", "-c", start], cwd=ROOT, env=first_is_other, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.startswith(f"error: {other / 'python'} lacks datasets and 11 more packages")
    assert done.stderr.count("\n") == 1


def test_a_command_line_in_pieces_is_put_together(tmp_path):
    for name in ("bin/python", "bin/dvc"):
        file = tmp_path / "with two blanks" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o755)
    whole = [str(tmp_path / "with two blanks/bin" / name) for name in ("python", "dvc")]
    assert interpreter.executables([*whole, "repro"], "/") == whole
    assert interpreter.executables(" ".join([*whole, "repro"]).split(" "), "/") == whole
    assert interpreter.executables(["bin/python", "-m", "no-such-module"], str(tmp_path / "with two blanks")) == whole[:1]


@pytest.mark.skipif(not shutil.which("ps"), reason="no ps here")
def test_ps_says_of_a_process_what_proc_says():
    parent, words, folder = starters.about(os.getpid())
    assert (parent, folder) == (os.getppid(), os.getcwd())
    assert starters.by_ps(os.getpid()) == (parent, " ".join(words).split(" "), folder)


def test_a_process_that_is_gone_has_no_python():
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert interpreter.candidates(gone.pid) == []
