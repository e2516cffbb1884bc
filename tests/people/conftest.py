"""Projects that people label, made once: each test works on a copy."""

import shutil

import pytest

from tests.support.people import Labelled


@pytest.fixture(scope="session")
def unlabelled(clustered, tmp_path_factory) -> Labelled:
    """Nothing has been run since the labels were hidden; vectors lie in the side cache."""
    with pytest.MonkeyPatch.context() as patch:
        project = Labelled.of(clustered.entered(tmp_path_factory.mktemp("unlabelled") / "a projéct", patch))
        shutil.rmtree("data")
    return project


@pytest.fixture(scope="session")
def asked_first(unlabelled, tmp_path_factory) -> Labelled:
    """The first round and the holdout were asked for."""
    with pytest.MonkeyPatch.context() as patch:
        project = unlabelled.entered(tmp_path_factory.mktemp("asked") / "a projéct", patch)
        project.ask()
    return project


@pytest.fixture
def project(unlabelled, tmp_path, monkeypatch) -> Labelled:
    """A copy of `unlabelled`, in which this process is."""
    return unlabelled.entered(tmp_path / "a projéct", monkeypatch)


@pytest.fixture
def first(asked_first, tmp_path, monkeypatch) -> Labelled:
    """A copy of `asked_first`, in which this process is."""
    return asked_first.entered(tmp_path / "a projéct", monkeypatch)
