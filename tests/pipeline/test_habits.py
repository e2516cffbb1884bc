"""Where and how people keep a project: after each of these habits a finished one is still finished, and nothing is written over."""

import json
import os
import subprocess

import pytest

from tests.support.project import Project


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory) -> Project:
    """A copy for these tests, each of which leaves it as it was; in ASCII, since DVC cannot write other letters into its config."""
    return finished.copied(tmp_path_factory.mktemp("habits") / "a project")


def is_as_committed(project: Project) -> bool:
    """Git sees nothing new: neither dvc.lock nor the metrics were written otherwise."""
    return project.run("git", "status", "--porcelain").stdout == ""


def is_finished(project: Project) -> bool:
    return project.repro() == [] and is_as_committed(project)


@pytest.mark.parametrize("kind", ["worktree", "shallow clone"])
def test_another_checkout_takes_all_from_a_cache_on_another_path(project, tmp_path, kind):
    other = Project(tmp_path / "another")
    if kind == "worktree":
        project.run("git", "worktree", "add", "--quiet", "--detach", str(other.folder))
    else:
        project.run("git", "clone", "--quiet", "--depth=1", f"file://{project.folder}", str(other.folder))
        assert other.run("git", "rev-list", "--count", "HEAD").stdout == "1\n"
    other.dvc("cache", "dir", "--local", str(project.folder / ".dvc/cache"))
    other.dvc("checkout", "--quiet")
    assert is_finished(other)
    assert (other.folder / "data/summary.md").read_bytes() == (project.folder / "data/summary.md").read_bytes()


@pytest.mark.faults
def test_a_read_only_cache_gives_what_it_has_and_is_named_where_something_new_should_go_in(project, tmp_path):
    cache, other = project.folder / ".dvc/cache", Project(tmp_path / "another")
    project.run("git", "clone", "--quiet", ".", str(other.folder))
    if subprocess.run(["mount", "--bind", str(cache), str(cache)], capture_output=True).returncode:
        pytest.skip("mounting takes root")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(cache)], check=True)
        other.dvc("cache", "dir", "--local", str(cache))
        other.dvc("checkout", "--quiet")
        assert is_finished(other)
        other.change({"cluster": {"clusters": 3}})
        refused = other.dvc("repro", "cluster", check=False)
        assert refused.returncode != 0
        assert f"ERROR: failed to reproduce 'cluster': [Errno 30] Read-only file system: '{cache}" in refused.output
        assert "Traceback" not in refused.output
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_a_project_can_be_entered_by_a_symbolic_link(project, tmp_path, monkeypatch):
    (tmp_path / "a link").symlink_to(project.folder)
    monkeypatch.setenv("PWD", str(tmp_path / "a link"))  # as a shell has it there
    said = Project(tmp_path / "a link").run("dvc", "repro").stdout
    assert [line for line in said.splitlines() if line.startswith("Running stage ")] == ["Running stage 'inputs':"]
    assert is_as_committed(project)


def test_no_stages_but_those_of_the_project_are_run_whatever_stands_in_pythonpath(project, tmp_path, monkeypatch):
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_text("raise SystemExit('another package')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), "", "/no/such/földer", "."]))
    said = project.run("dvc", "repro", "--force", "--single-item", "--no-run-cache", "buy_labels@stage2").stdout
    assert "buy_labels stage2: 20 rows for each of 2 seeds" in said
    assert is_as_committed(project)


@pytest.mark.exhaustive  # one that is applied is in test_people_reruns, two in a queue in test_load
def test_an_experiment_is_compared_applied_and_branched(project):
    lock = (project.folder / "dvc.lock").read_bytes()
    project.run("dvc", "exp", "run", "--set-param", "arms=[]", "--name", "fewer")
    changed = (project.folder / "dvc.lock").read_bytes()
    assert changed != lock
    different = json.loads(project.dvc("exp", "diff", "HEAD", "fewer", "--json").output)
    assert different["params"]["params.yaml"] == {"arms": {"old": "['entropy']", "new": "[]"}}
    back = ("git", "checkout", "--quiet", "--force")
    branch = project.run("git", "branch", "--show-current").stdout.strip()
    try:
        project.run(*back, branch, "--", ".")
        assert (project.folder / "dvc.lock").read_bytes() == lock

        project.dvc("exp", "apply", "fewer")
        assert project.repro() == []
        assert (project.folder / "dvc.lock").read_bytes() == changed
        assert not (project.folder / "metrics/entropy").exists()

        project.dvc("exp", "branch", "fewer", "kept")
        project.run(*back, "kept")
        assert is_finished(project)
        assert project.params()["arms"] == []
    finally:
        project.run(*back, branch)
        project.dvc("checkout", "--quiet", "--force")
    assert is_as_committed(project)
    assert (project.folder / "metrics/entropy/curve.json").exists()
