"""Many experiments in a queue, two at a time: `LOAD=20 pytest tests/pipeline/test_load.py` makes twenty, in half an hour."""

import json
import os
import time
from contextlib import chdir

import pytest
from dvc.repo import Repo

from tests.support.project import Project

pytestmark = [pytest.mark.dvc, pytest.mark.slow]
EXPERIMENTS = int(os.environ.get("LOAD", "0"))


@pytest.fixture
def project(tmp_path) -> Project:
    # ASCII: a worker of DVC's queue cannot write another letter of the cache's path into its config.
    # One round is enough to mix something up in.
    two = ["stage1", "stage2"]
    made = Project.tiny(tmp_path / "a queue", stages=two, rounds={"stage2": {"after": "stage1", "m": 2}}, random_at=two, arms=[])
    made.repro()
    made.commit("first run")
    return made


def results(project: Project, *names: str) -> list[dict]:
    """What each of the experiments measured."""
    with chdir(project.folder), Repo(os.curdir) as repo:
        return [repo.metrics.show(revs=[name], hide_workspace=True)[name]["data"] for name in names]


@pytest.mark.skipif(not EXPERIMENTS, reason="takes a minute an experiment: set LOAD to their number")
def test_queued_experiments_with_two_workers_are_those_of_single_runs(project):
    seeds = {f"e{number}": f"seeds=[{number},{number + 100}]" for number in range(EXPERIMENTS)}
    for name, setting in seeds.items():
        project.run("dvc", "exp", "run", "--queue", "--name", name, "-S", setting)
    # Its workers hold on to its output: the end of a pipe would come only with theirs.
    project.run("sh", "-c", "dvc queue start --jobs 2 >/dev/null 2>&1")
    until = time.monotonic() + 120 * EXPERIMENTS
    while (status := project.run("dvc", "queue", "status").stdout).count("Success") < EXPERIMENTS:
        assert "Failed" not in status, status
        assert time.monotonic() < until, status
        time.sleep(5)  # asking takes a core for a second

    queued = results(project, *seeds)
    assert len({json.dumps(found, sort_keys=True) for found in queued}) == EXPERIMENTS  # not one result under many names
    for (name, setting), found in zip(seeds.items(), queued):
        project.run("dvc", "exp", "run", "--force", "--name", f"{name}-alone", "-S", setting)
        assert results(project, f"{name}-alone") == [found]
