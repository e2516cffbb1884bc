"""Many experiments in a queue, two at a time. LOAD=20 makes twenty of them; by default there are three."""

import json
import os
import time

import pytest

from tests.conftest import Project

EXPERIMENTS = int(os.environ.get("LOAD", "3"))


@pytest.fixture
def project(tmp_path) -> Project:
    made = Project.tiny(tmp_path / "a queüe", train={"trainer": "probe"}, arms=[])
    made.repro()
    made.commit("first run")
    return made


def results(project: Project, *revisions: str) -> dict[str, dict]:
    """What every experiment measured, by name."""
    shown = json.loads(project.run("dvc", "metrics", "show", "--json", *revisions).stdout) if revisions else {}
    return {revision: shown[revision]["data"] for revision in revisions}


def test_queued_experiments_with_two_workers_are_those_of_single_runs(project):
    seeds = {f"e{number}": f"seeds=[{number},{number + 100}]" for number in range(EXPERIMENTS)}
    for name, setting in seeds.items():
        project.run("dvc", "exp", "run", "--queue", "--name", name, "-S", setting)
    project.run("dvc", "queue", "start", "--jobs", "2")
    until = time.monotonic() + 120 * EXPERIMENTS
    while (status := project.run("dvc", "queue", "status").stdout).count("Success") < EXPERIMENTS:
        assert "Failed" not in status, status
        assert time.monotonic() < until, status
        time.sleep(1)

    queued = results(project, *seeds)
    assert len({json.dumps(found, sort_keys=True) for found in queued.values()}) > 1  # not one result under many names
    for name, setting in seeds.items():
        alone = project.run("dvc", "exp", "run", "--force", "--no-run-cache", "--name", f"{name}-alone", "-S", setting)
        assert alone.returncode == 0
        assert results(project, f"{name}-alone")[f"{name}-alone"] == queued[name]
