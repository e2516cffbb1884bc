"""Artifacts travel through a remote: a folder, and a real S3 server on this machine."""

import hashlib
import io
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import chdir, contextmanager, nullcontext, redirect_stdout

import pytest
import yaml

from stages.commands import fetch
from stages.core.base.errors import Refused
from tests.support.project import ROOT, Project
from tests.support.tiny import tiny_corpus

pytestmark = [pytest.mark.dvc, pytest.mark.faults]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
BUCKET = "s3://team/gleaner"
SHARED = ("prepare", "collect_answers", "finetune_encoder", "embed", "map", "reduce")


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
        while server.poll() is None:
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


def fetched(project: Project) -> str:
    """`make fetch` in this process: what it prints."""
    output = io.StringIO()
    with chdir(project.folder), redirect_stdout(output):
        fetch.main()
    return output.getvalue()


def shared_by(project: Project, url: str) -> None:
    """Push from `project`, as `make remote` and `make share` do."""
    project.dvc("remote", "add", "--force", "--default", "storage", url)
    project.dvc("remote", "modify", "storage", "verify", "true")
    project.dvc("push", *SHARED)
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


def test_the_helper_shares_what_make_shares():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f",--run-cache,{' '.join(SHARED)})" in makefile
    assert 'dvc remote add --force --default storage "$(URL)"\n\tdvc remote modify storage verify true' in makefile


@pytest.fixture
def on_s3(copy_of_finished, monkeypatch):
    """A project whose remote is a bucket of a real S3 server, pushed by make; gives it and the server's address."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        shutil.copy(ROOT / "Makefile", copy_of_finished.folder)
        make(copy_of_finished, "remote", f"URL={BUCKET}")
        make(copy_of_finished, "share")
        copy_of_finished.commit("remote")
        yield copy_of_finished, address


def test_a_colleague_with_the_remote_on_s3_embeds_nothing(on_s3, tmp_path):
    clone = cloned(on_s3[0], tmp_path / "a clöne")
    assert "verify = true" in (clone.folder / ".dvc/config").read_text()
    clone.change({"cluster": {"clusters": 3}})
    said = make(clone, "fetch").stdout
    assert "fetch: prepare, collect_answers, finetune_encoder, embed, map, reduce need not run" in said
    assert "embeddings of 90 texts" in said
    assert clone.repro("select_stage1") == ["cluster", "select_stage1"]


@pytest.mark.exhaustive
def test_a_remote_that_denies_access_is_named_and_local_work_goes_on(on_s3, tmp_path):
    import requests

    project, address = on_s3
    clone = cloned(project, tmp_path / "clone")
    requests.post(f"{address}/moto-api/reset-auth", data="0", timeout=60)  # from now on keys are checked
    for who, target in ((clone, "fetch"), (project, "share")):
        done = make(who, target, check=False)
        assert done.returncode != 0
        assert BUCKET in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    assert clone.repro("embed")[-1] == "embed"


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
    said = fetched(clone)
    recorded = {name: json.loads((clone.folder / f"data/inputs/{name}.json").read_text()) for name in ("prepare", "encoder")}
    for setting, kind, about in (
        ("prepare.dataset = corpus.jsonl", "file", recorded["prepare"]["prepare.dataset"]),
        ("embed.model = encoder", "folder", recorded["encoder"]["embed.model"]),
    ):
        assert f"inputs: {setting} is not here: the record stays, {kind} {about['sha256'][:12]}" in said
    assert "fetch: prepare, collect_answers, finetune_encoder, embed, map, reduce need not run" in said
    assert clone.repro("reduce") == []
    assert clone.run("git", "status", "--short").stdout == ""
    clone.change({"cluster": {"clusters": 3}})
    assert clone.repro("select_stage1") == ["cluster", "select_stage1"]

    by_dvc = cloned(copy_of_finished, tmp_path / "by dvc alone")
    by_dvc.change({"cluster": {"clusters": 3}})
    assert by_dvc.repro("--pull", "--allow-missing", "select_stage1") == ["cluster", "select_stage1"]

    other = cloned(copy_of_finished, tmp_path / "of another corpus by that name")
    tiny_corpus(other.folder / "corpus.jsonl", seed=1)
    assert "fetch: finetune_encoder need not run" in fetched(other)  # and nothing made of the first corpus
    assert other.repro("prepare") == ["prepare"]


@pytest.mark.exhaustive
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
        with pytest.raises(Refused, match=re.escape(str(remote))) if fault == "gone" else nullcontext():
            assert str(remote) in fetched(clone), fault
        assert not (clone.folder / "data/embeddings/pool.npy").exists(), fault
    assert clone.repro("embed")[-1] == "embed"
    assert embed_hashes(clone) == embed_hashes(copy_of_finished)
