"""Projects that many tests share: finished ones are read, copies may be changed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import dtype
from tests.support.project import ROOT, TINY, TO_BUCKETS, InProcess, Project

if dtype.DTYPE:
    dtype.force(Path(tempfile.mkdtemp(prefix="gleaner-dtype-")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts from a project that DVC has run is marked `dvc`; tests that make one themselves say so.

    Those come first: of two workers one begins with them, and the other, which has the second half, does not wait meanwhile.
    """
    for item in items:
        if "finished" in getattr(item, "fixturenames", ()):
            item.add_marker("dvc")
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("exhaustive")
    items.sort(key=lambda item: item.get_closest_marker("dvc") is None)


def once(tmp_path_factory, name: str, build: Callable[[Path], object]) -> Path:
    """A folder that `build` fills for the first worker that asks for it; the others wait, and find it there."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the folder of all workers of this run
    made = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given up, too, when a worker dies
        if not made.exists():
            half = made.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            build(half)
            half.rename(made)
    return made


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A tiny project after its first `dvc repro`, committed. Tests that leave traces work on a copy, `copy_of_finished`.

    It is run once, and every worker has a copy of its own.
    """

    def build(folder: Path) -> None:
        project = Project.tiny(folder / "a projéct")
        project.repro()
        project.commit("first run")

    folder = once(tmp_path_factory, "first", build)
    return Project(folder / "a projéct").copied(tmp_path_factory.mktemp("finished") / "a projéct")


@pytest.fixture
def copy_of_finished(finished, tmp_path) -> Project:
    return finished.copied(tmp_path / "a cöpy")


@pytest.fixture(scope="session")
def clustered(tmp_path_factory) -> InProcess:
    """A tiny project up to its buckets."""
    from tests.support.tiny import tiny_corpus, tiny_encoder

    project = InProcess(tmp_path_factory.mktemp("clustered") / "a projéct")
    project.folder.mkdir()
    shutil.copy(ROOT / "params.yaml", project.folder)
    tiny_corpus(project.folder / "corpus.jsonl")
    tiny_encoder(project.folder / "encoder")
    project.change(TINY)
    project.change(
        {"prepare": {"dataset": "corpus.jsonl"}, "embed": {"model": "encoder"}, "train": {"trainer": "probe", "folds": 2}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        for stage in TO_BUCKETS:
            project.call(stage)
    return project


@pytest.fixture
def in_process(clustered, tmp_path, monkeypatch) -> InProcess:
    """A copy of `clustered`, in which this process is."""
    return clustered.entered(tmp_path / "a projéct", monkeypatch)


@pytest.fixture(scope="session")
def trained(clustered, tmp_path_factory) -> InProcess:
    """A tiny project with the probe's models of three stages, the last of which are the model to use."""
    with pytest.MonkeyPatch.context() as patch:
        project = clustered.entered(tmp_path_factory.mktemp("trained") / "a projéct", patch)
        project.label_in_stages()
        project.call("calibrate")
    return project


@pytest.fixture
def with_model(trained, tmp_path, monkeypatch) -> InProcess:
    """A copy of `trained`, in which this process is."""
    return trained.entered(tmp_path / "a projéct", monkeypatch)
