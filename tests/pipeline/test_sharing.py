"""Artifacts travel through a remote: a folder, and a real S3 server on this machine."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import yaml

from tests.support.project import ROOT, Project
from tests.support.tiny import tiny_corpus

pytestmark = [pytest.mark.dvc, pytest.mark.faults]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server():
    """A moto server on a free port of the loopback, with a bucket called team; gives its address."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(150):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port}"
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="team")
        yield address
    finally:
        server.terminate()
        server.wait(10)


def make(project, *arguments, **options):
    # The environment is there already: this test runs in it.
    return project.run("make", "-o", ".venv/installed", *arguments, **options)


def shared_by(project: Project, url: str) -> None:
    """Push from `project`."""
    shutil.copy(ROOT / "Makefile", project.folder)
    make(project, "remote", f"URL={url}")
    make(project, "share")
    project.commit("remote")


def cloned(project: Project, to) -> Project:
    """A colleague with the same remote and an empty cache."""
    project.run("git", "clone", "--quiet", ".", str(to))
    clone = Project(to)
    # The encoder and the corpus of the tiny project are git-tracked files, as is params.yaml.
    assert not (clone.folder / "data/embeddings").exists()
    return clone


def embed_hashes(project: Project) -> dict[str, str]:
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"]["embed"]["outs"]}


@pytest.fixture(params=["folder", "s3"])
def url(request, tmp_path, monkeypatch):
    if request.param == "folder":
        yield str(tmp_path / "a remote")  # ASCII: DVC cannot write other letters into its config
        return
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield "s3://team/gleaner"


def test_a_colleague_with_the_remote_changes_clusters_and_embeds_nothing(copy_of_finished, url, tmp_path):
    shared_by(copy_of_finished, url)
    by_make, by_dvc = cloned(copy_of_finished, tmp_path / "a clöne"), cloned(copy_of_finished, tmp_path / "another")
    assert "verify = true" in (by_make.folder / ".dvc/config").read_text()
    for clone in (by_make, by_dvc):
        clone.change({"cluster": {"clusters": 3}})
    said = make(by_make, "fetch").stdout
    assert "fetch: prepare, answers, finetune_encoder, embed, map, reduce need not run" in said
    assert "embeddings of 90 texts" in said
    assert by_make.repro("select_stage1") == ["cluster", "select_stage1"]
    assert by_dvc.repro("--pull", "--allow-missing", "select_stage1") == ["cluster", "select_stage1"]


def without_sources(project: Project) -> None:
    """Take the corpus and the encoder out of git: a clone has neither. Their names could be those of a hub's."""
    project.run("git", "rm", "-r", "--quiet", "--cached", "corpus.jsonl", "encoder")
    with (project.folder / ".gitignore").open("a") as ignored:
        ignored.write("/corpus.jsonl\n/encoder/\n")


def test_a_colleague_without_the_corpus_and_the_encoder_needs_neither(copy_of_finished, tmp_path):
    without_sources(copy_of_finished)
    shared_by(copy_of_finished, str(tmp_path / "remote"))
    clone = cloned(copy_of_finished, tmp_path / "clone")
    assert not (clone.folder / "corpus.jsonl").exists()
    assert not (clone.folder / "encoder").exists()
    said = make(clone, "fetch").stdout
    recorded = {name: json.loads((clone.folder / f"data/inputs/{name}.json").read_text()) for name in ("prepare", "encoder")}
    short = recorded["prepare"]["prepare.dataset"]["sha256"][:12]
    assert f"inputs: prepare.dataset = corpus.jsonl is not here: the record stays, file {short}" in said
    assert (
        f"inputs: embed.model = encoder is not here: the record stays, folder {recorded['encoder']['embed.model']['sha256'][:12]}"
        in said
    )
    assert "fetch: prepare, answers, finetune_encoder, embed, map, reduce need not run" in said
    assert clone.repro("reduce") == []
    assert clone.run("git", "status", "--short").stdout == ""
    clone.change({"cluster": {"clusters": 3}})
    assert clone.repro("select_stage1") == ["cluster", "select_stage1"]

    other = cloned(copy_of_finished, tmp_path / "of another corpus by that name")
    tiny_corpus(other.folder / "corpus.jsonl", seed=1)
    assert "fetch: finetune_encoder need not run" in make(other, "fetch").stdout  # and nothing made of the first corpus
    assert other.repro("prepare") == ["prepare"]


def test_a_broken_remote_is_named_and_local_work_goes_on(copy_of_finished, tmp_path):
    remote = tmp_path / "remote"
    shared_by(copy_of_finished, str(remote))
    md5 = hashlib.md5((copy_of_finished.folder / "data/embeddings/pool.npy").read_bytes(), usedforsecurity=False).hexdigest()
    stored = remote / "files/md5" / md5[:2] / md5[2:]
    content = stored.read_bytes()
    stored.chmod(0o644)
    for fault in ("object missing", "object cut short", "gone"):
        clone = cloned(copy_of_finished, tmp_path / fault)
        if fault == "object missing":
            stored.unlink()
        elif fault == "object cut short":
            stored.write_bytes(content[: len(content) // 2])
        else:
            remote.rename(tmp_path / "elsewhere")
        done = make(clone, "fetch", check=False)
        assert (done.returncode != 0) == (fault == "gone"), fault
        assert str(remote) in done.stdout + done.stderr, fault
        assert "Traceback" not in done.stdout + done.stderr, fault
        assert not (clone.folder / "data/embeddings/pool.npy").exists(), fault
    assert clone.repro("embed")[-1] == "embed"
    assert embed_hashes(clone) == embed_hashes(copy_of_finished)


def test_a_remote_that_denies_access_is_named_and_local_work_goes_on(copy_of_finished, tmp_path, monkeypatch):
    import requests

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        shared_by(copy_of_finished, "s3://team/gleaner")
        clone = cloned(copy_of_finished, tmp_path / "clone")
        requests.post(f"{address}/moto-api/reset-auth", data="0", timeout=10)  # from now on keys are checked
        for project, target in ((clone, "fetch"), (copy_of_finished, "share")):
            done = make(project, target, check=False)
            assert done.returncode != 0
            assert "s3://team/gleaner" in done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
        assert clone.repro("embed")[-1] == "embed"
