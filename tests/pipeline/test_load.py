"""Many experiments in DVC's queue, two at a time, give what single runs give."""

import json
import time
from contextlib import chdir

import pytest
from dvc.repo import Repo

from tests.support.project import Project

pytestmark = [pytest.mark.dvc, pytest.mark.slow]
TWO = {"stages": ["stage1", "stage2"], "rounds": {"stage2": {"after": "stage1", "m": 2}}, "random_at": ["stage1", "stage2"]}
FEW = {"e0": {"random_at": ["stage1"]}, "e1": {"random_at": []}}  # two stages each
MANY = {f"e{number}": {"seeds": [number, number + 100]} for number in range(20)}  # half an hour


@pytest.fixture
def project(finished, tmp_path) -> Project:
    # ASCII: a worker of DVC's queue cannot write another letter of the cache's path into its config.
    made = finished.copied(tmp_path / "a queue")
    made.change({**TWO, "arms": []})
    made.repro()
    made.commit("one round is enough to mix something up in")
    return made


def results(project: Project, *names: str) -> list[dict]:
    """What each of the experiments measured; "workspace" is what lies here."""
    with chdir(project.folder), Repo(".") as repo:
        return [repo.metrics.show(revs=[name], hide_workspace=False)[name]["data"] for name in names]


@pytest.mark.exhaustive
@pytest.mark.parametrize("experiments", [FEW, MANY], ids=["two", "twenty"])
def test_queued_experiments_with_two_workers_are_those_of_single_runs(project, tmp_path, experiments):
    for name, changes in experiments.items():
        [(key, values)] = changes.items()
        project.dvc("exp", "run", "--queue", "--name", name, "-S", f"{key}=[{','.join(map(str, values))}]")
    # Its workers hold on to its output: the end of a pipe would come only with theirs.
    project.run("sh", "-c", "dvc queue start --jobs 2 >/dev/null 2>&1")
    while (status := project.dvc("queue", "status").output).count("Success") < len(experiments):
        assert "Failed" not in status, status
        time.sleep(1)

    queued = results(project, *experiments)
    assert len({json.dumps(found, sort_keys=True) for found in queued}) == len(experiments)  # not one result under many names
    for (name, changes), found in zip(experiments.items(), queued):
        alone = project.copied(tmp_path / name)
        alone.change(changes)
        alone.repro()
        assert results(alone, "workspace") == [found]
