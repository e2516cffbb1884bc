"""Processes killed, disks full, hands on the keyboard: each with real processes, and each ends as an undisturbed run does."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import stages
from stages import embed
from stages.core.base.errors import Refused
from tests.pipeline.test_reruns import stages_to_run
from tests.support.project import Project, staying_shell

pytestmark = [pytest.mark.dvc, pytest.mark.faults]
FORCE = ("dvc", "repro", "--force", "--single-item", "--no-run-cache")


def pids_of(project: Project, module: str) -> list[int]:
    """Processes that run `python -m stages MODULE` in the project's folder."""
    found, words = [], f"-m\0stages\0{'train_stageN' if module == 'train_stage1' else module}\0".encode()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and words in (entry / "cmdline").read_bytes():
                found += [int(entry.name)] if Path(os.readlink(entry / "cwd")) == project.folder else []
        except OSError:
            continue  # gone in the meantime
    return found


def wait_for(condition, seconds: float):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := condition():
            return result
        time.sleep(0.01)
    raise AssertionError(f"not so after {seconds} s")


@contextmanager
def running(project: Project, stage: str):
    """A forced run of one stage, from the moment its process is there; gives (dvc, pid of the stage)."""
    dvc = subprocess.Popen([*FORCE, stage], cwd=project.folder, env=project.environment(), start_new_session=True)
    try:
        yield dvc, wait_for(lambda: pids_of(project, stage.split("@")[0]), 30)[0]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(dvc.pid, signal.SIGKILL)
        dvc.wait()


def state(project: Project) -> tuple[bytes, set[str]]:
    """What DVC has recorded, and what it would run."""
    return (project.folder / "dvc.lock").read_bytes(), stages_to_run(project.folder)


def finishes_as_if_nothing_had_happened(project: Project, before: tuple[bytes, set[str]], *targets: str) -> bool:
    project.run("dvc", "repro", "--no-run-cache", *targets)
    halves = list(project.folder.rglob("data/**/*.part"))
    return state(project) == before and halves == []


@pytest.mark.parametrize(
    ("stage", "victim", "seconds"),
    [
        ("embed", "stage", 2.0),
        ("embed", "dvc", 0.0),  # in the middle of its imports
        ("embed", "dvc", 2.0),
        ("train_stage1", "dvc", 3.0),
        ("select_stageN@stage2", "stage", 0.0),
        ("report", "dvc", 0.1),
    ],
)
def test_after_kill_9_the_next_repro_ends_with_the_same_hashes(request, stage, victim, seconds):
    targets = [stage] if stage == "train_stage1" else []  # where it is fine-tuned, later stages have not run
    project = request.getfixturevalue("finetuned" if targets else "copy_of_finished")
    before = state(project)
    with running(project, stage) as (dvc, pid):
        time.sleep(seconds)
        try:
            os.kill(pid if victim == "stage" else dvc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pytest.fail("the stage was over before it could be killed")
        # No orphan goes on; one killed in the middle of its imports ends after them, which takes seconds on a busy machine.
        wait_for(lambda: dvc.poll() is not None and not pids_of(project, stage.split("@")[0]), 20)
    assert finishes_as_if_nothing_had_happened(project, before, *targets)


STOP_ITSELF = """
import importlib.util, os, signal, sys
if sys.orig_argv[1:] == ["-m", "stages", "embed"] and importlib.util.find_spec("numpy"):
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize("stays", [False, True], ids=["started by DVC", "a shell stands between"])
def test_a_stage_that_changed_to_the_python_of_dvc_does_not_survive_it(copy_of_finished, tmp_path, monkeypatch, stays):
    project, usual = copy_of_finished, {**Project.environment(), "SHELL": str(staying_shell(tmp_path)) if stays else "/bin/bash"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    (tmp_path / "sitecustomize.py").write_text(STOP_ITSELF)  # a stage of 120 texts may else be over before DVC is gone
    other = {"PATH": f"{tmp_path / 'other/bin'}{os.pathsep}{usual['PATH']}", "PYTHONPATH": str(tmp_path)}
    monkeypatch.setattr(Project, "environment", staticmethod(lambda: {**usual, **other}))
    with running(project, "embed") as (dvc, pid):
        wait_for(lambda: "State:\tT" in Path(f"/proc/{pid}/status").read_text(), 60)
        os.kill(dvc.pid, signal.SIGKILL)
        wait_for(lambda: dvc.poll() is not None, 20)
        orphan = Path(f"/proc/{pid}/status").read_text()
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: not pids_of(project, "embed"), 60)
    assert not (project.folder / "data/embeddings/pool.npy").exists(), f"DVC was {dvc.pid}, its orphan came to its end:\n{orphan}"


def test_ctrl_c_stops_within_2_seconds_and_the_next_run_goes_on(finetuned):
    before = state(finetuned)
    with running(finetuned, "train_stage1") as (dvc, _):
        time.sleep(2)
        os.killpg(dvc.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
        wait_for(lambda: dvc.poll() is not None and not pids_of(finetuned, "train_stage1"), 2)
    assert finishes_as_if_nothing_had_happened(finetuned, before, "train_stage1")


def test_ctrl_c_in_the_seconds_of_the_imports_ends_a_stage_without_a_word(tmp_path):
    (tmp_path / "stages").symlink_to(Path(stages.__file__).parent)
    command = [sys.executable, "-m", "stages", "embed"]
    stage = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=Project.environment())
    try:
        wait_for(lambda: b"numpy" in Path(f"/proc/{stage.pid}/maps").read_bytes(), 60)  # the first of them; torch takes seconds
        stage.send_signal(signal.SIGINT)
        assert stage.communicate(timeout=5) == (b"", b"")
        assert stage.returncode == -signal.SIGINT  # DVC sees that it was stopped
    finally:
        stage.kill()


def test_of_two_repros_at_once_one_refuses_and_the_other_finishes(finetuned):
    before = state(finetuned)
    with running(finetuned, "train_stage1") as (dvc, _):
        second = finetuned.run("dvc", "repro", "--force", "--single-item", "train_stage1", check=False)
        assert second.returncode != 0
        assert "is busy, it is being blocked by" in second.stderr or "Unable to acquire lock" in second.stderr
        assert "Traceback" not in second.stderr
        assert dvc.wait(60) == 0
    assert state(finetuned) == before


INPUTS = ("classes.json", "holdout.jsonl", "pool.jsonl")  # of embed, with the folder encoder


@pytest.fixture
def small_disk(copy_of_finished):
    """The project with data/ on a disk of its own of 512 kB, and a function that mounts it anew with other options."""
    data = copy_of_finished.folder / "data"
    kept = data.with_name("data kept")
    data.rename(kept)
    data.mkdir()

    def mount(options: str) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(data)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("mounting a disk takes root")

    mount("size=512k")
    try:
        for name in INPUTS:
            shutil.copy(kept / name, data)
        shutil.copytree(kept / "encoder", data / "encoder")
        yield copy_of_finished, data, lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", str(data)], check=False)


def files_in(data: Path) -> list[str]:
    return sorted(str(file.relative_to(data)) for file in data.rglob("*") if file.is_file())


def test_a_full_disk_is_told_with_path_and_bytes_and_leaves_no_half_file(small_disk, monkeypatch):
    project, data, _remount = small_disk
    # Room for less than the 11,520 bytes of 90 vectors of 32 numbers.
    free = os.statvfs(data)
    (data / "ballast").write_bytes(b"x" * (free.f_bavail * free.f_bsize - 8192))
    full = project.run("python", "-m", "stages", "embed", check=False)
    assert full.returncode == 1
    assert "error: data/embeddings/pool.npy cannot be written: No space left on device, 11,520 bytes wanted" in full.stderr
    assert "Traceback" not in full.stderr
    assert files_in(data) == ["ballast", "classes.json", "encoder/pointer.json", "holdout.jsonl", "pool.jsonl"]
    (data / "ballast").unlink()
    monkeypatch.chdir(project.folder)
    embed.main()
    for name in ("pool.npy", "holdout.npy"):
        assert (data / "embeddings" / name).read_bytes() == (data.with_name("data kept") / "embeddings" / name).read_bytes()


def test_a_read_only_folder_is_told_and_nothing_changes(small_disk, monkeypatch):
    project, data, remount = small_disk
    remount("ro")
    monkeypatch.chdir(project.folder)
    with pytest.raises(Refused, match=r"^data/embeddings/pool.npy cannot be written: Read-only file system"):
        embed.main()
    assert files_in(data) == ["classes.json", "encoder/pointer.json", "holdout.jsonl", "pool.jsonl"]


def test_an_odd_locale_and_clock_change_nothing(copy_of_finished, monkeypatch):
    project = copy_of_finished
    before = (project.folder / "data/summary.md").read_bytes()
    for name, value in {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Kiritimati"}.items():
        monkeypatch.setenv(name, value)
    shutil.rmtree(project.folder / "metrics")
    (project.folder / "data/summary.md").unlink()
    assert project.run("python", "-m", "stages", "report").returncode == 0
    assert (project.folder / "data/summary.md").read_bytes() == before


def test_a_read_only_checkout_of_the_code_works(copy_of_finished):
    project = copy_of_finished
    code = project.folder / "stages"
    lock = (project.folder / "dvc.lock").read_bytes()
    for cached in code.rglob("__pycache__"):
        shutil.rmtree(cached)
    if subprocess.run(["mount", "--bind", "-o", "ro", str(code), str(code)], capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    try:
        with pytest.raises(OSError, match="Read-only"):
            (code / "new").touch()
        project.run(*FORCE, "train_stage1")
        project.run(*FORCE, "report")
        assert (project.folder / "dvc.lock").read_bytes() == lock
    finally:
        subprocess.run(["umount", str(code)], check=True)


def test_an_embed_that_was_killed_repeats_at_most_one_shard(copy_of_finished, monkeypatch):
    project, rows, shard = copy_of_finished, 16_000, 4_096
    texts = (" ".join(f"w{number % base}" for base in (7, 11, 13, 17, 19, 23)) + f" {number}" for number in range(rows))
    (project.folder / "data/pool.jsonl").unlink()
    (project.folder / "data/pool.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    command = [sys.executable, "-m", "stages", "embed"]

    monkeypatch.setenv("GLEANER_CACHE", str(project.folder / "undisturbed"))
    project.run(*command)
    undisturbed = (project.folder / "data/embeddings/pool.npy").read_bytes()
    cache = project.folder / "killed"
    monkeypatch.setenv("GLEANER_CACHE", str(cache))
    killed = subprocess.Popen(command, cwd=project.folder, env=project.environment(), stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(cache.glob("*/*.safetensors"))) >= 2, 60)
    killed.kill()
    killed.wait()
    kept = len(list(cache.glob("*/*.safetensors"))) * shard
    said = project.run(*command).stdout
    assert 2 * shard <= kept < rows  # killed in the middle
    assert f"{rows:,} texts, {rows - kept:,} encoded now" in said
    assert (project.folder / "data/embeddings/pool.npy").read_bytes() == undisturbed


def test_a_cut_embed_goes_on_from_its_shards_with_the_same_bytes(copy_of_finished, monkeypatch, capsys):
    monkeypatch.chdir(copy_of_finished.folder)
    monkeypatch.setenv("GLEANER_CACHE", "a cäche")
    made = Path("data/embeddings/pool.npy")
    embed.main()
    assert f"{made}: 90 texts, 90 encoded now" in capsys.readouterr().out
    embedded = made.read_bytes()
    shards = sorted(Path("a cäche").glob("*/*.safetensors"))
    assert len(shards) == 2  # pool and holdout, each smaller than a shard
    whole = shards[0].read_bytes()
    for broken in (whole[:-10], whole[:-1] + bytes([whole[-1] ^ 1])):  # cut short, and one bit turned, by a dying disk
        shards[0].write_bytes(broken)
        embed.main()
        again = capsys.readouterr().out
        assert "90 texts, 90 encoded now" in again or "30 texts, 30 encoded now" in again
        assert again.count(" 0 encoded now") == 1
        assert made.read_bytes() == embedded


OF_TWO_USERS = """
import os, sys
import numpy as np
from stages.core.encoding.vector_cache import VectorCache
os.umask(int(sys.argv[1], 8))
cache = VectorCache("of one model")
cache.add(["a", "b"], np.array([[1, 2], [3, 4]], np.float32))
os.setuid(65534)  # from here on somebody else
out = np.zeros((2, 2), np.float32)
print("missing", cache.read_into(out, ["b", "c"]).tolist(), "found", out.tolist())
"""


@pytest.mark.parametrize(("umask", "said"), [("022", "missing [1] found [[3.0, 4.0], [0.0, 0.0]]"), ("077", "missing [0, 1]")])
def test_users_share_the_shards_they_may_read_and_leave_the_others_alone(tmp_path, monkeypatch, umask, said):
    if os.geteuid():
        pytest.skip("being two users takes root")
    folder = tmp_path / "cache/of one model"
    folder.mkdir(parents=True)
    folder.chmod(0o777)  # anybody may write into it, and delete from it
    for above in (tmp_path, tmp_path / "cache"):
        above.chmod(0o755)
    monkeypatch.setenv("GLEANER_CACHE", "cache")  # as seen from tmp_path: nobody else gets there from above
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    done = subprocess.run([sys.executable, "-c", OF_TWO_USERS, umask], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said in done.stdout
    [shard] = folder.iterdir()
    alone = f"embed: cache/of one model/{shard.name} cannot be read and stays: Permission denied; its texts are"
    assert [line for line in done.stdout.splitlines() if shard.name in line] == (
        [f"{alone} encoded again"] if umask == "077" else []
    )
