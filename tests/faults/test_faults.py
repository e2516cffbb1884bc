"""Processes killed, disks full, hands on the keyboard: each with real processes, and each ends as an undisturbed run does."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stages import embed
from stages.core.base.errors import Refused
from stages.core.encoding import shards
from tests.support.dvc_in_process import stages_to_run
from tests.support.processes import Hold, pids_of, wait_for
from tests.support.project import Project, staying_shell

pytestmark = [pytest.mark.dvc, pytest.mark.faults]
FORCE = ("dvc", "repro", "--force", "--single-item", "--no-run-cache")
COMMANDS = {
    "embed": "-m stages embed",
    "train_stage1": "-m stages train_stageN stage1",
    "select_stageN@stage2": "-m stages select_stageN stage2",
    "report": "-m stages report",
}
STARTS = ("open", "params.yaml")  # when the door checks it, a stage watches already whether DVC lives
WRITES = ("os.rename",)  # a file gets its name when it is whole
THIRD = ("os.rename", "", 3)


@contextmanager
def running(project: Project, stage: str, hold: Hold):
    """A forced run of one stage, held at a point of its work; gives (dvc, pid of the stage)."""
    dvc = subprocess.Popen([*FORCE, stage], cwd=project.folder, env=hold.environment(project), start_new_session=True)
    try:
        hold.wait(dvc)
        yield dvc, pids_of(project, COMMANDS[stage])[0]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(dvc.pid, signal.SIGKILL)
        dvc.wait()


def state(project: Project) -> tuple[bytes, set[str]]:
    """What DVC has recorded, and what it would run."""
    return (project.folder / "dvc.lock").read_bytes(), stages_to_run(project.folder)


def finishes_as_if_nothing_had_happened(project: Project, before: tuple[bytes, set[str]], stage: str = "") -> bool:
    project.repro("--no-run-cache")
    halves = list(project.folder.rglob("data/**/*.part"))
    # DVC gives back the outs of a stage with unchanged inputs without running it. Its unfinished file goes when it next runs.
    if halves and stage:
        subprocess.run([*FORCE, stage], cwd=project.folder, env=project.environment(), check=True)
        halves = list(project.folder.rglob("data/**/*.part"))
    return state(project) == before and halves == []


def exhaustive(*values):
    return pytest.param(*values, marks=pytest.mark.exhaustive)


@pytest.mark.parametrize(
    ("stage", "point", "victim"),
    [
        ("embed", WRITES, "dvc"),
        ("train_stage1", WRITES, "stage"),
        *(
            exhaustive(stage, point, victim)
            for stage in COMMANDS
            for point in (STARTS, WRITES, THIRD)
            for victim in ("dvc", "stage")
            if (stage, point, victim) not in {("embed", WRITES, "dvc"), ("train_stage1", WRITES, "stage")}
        ),
    ],
)
def test_after_kill_9_the_next_repro_ends_with_the_same_hashes(copy_of_finished, tmp_path, stage, point, victim):
    project, hold = copy_of_finished, Hold(tmp_path, COMMANDS[stage], *point)
    before = state(project)
    with running(project, stage, hold) as (dvc, pid):
        os.kill(pid if victim == "stage" else dvc.pid, signal.SIGKILL)
        wait_for(lambda: dvc.poll() is not None and not pids_of(project, COMMANDS[stage]))  # the orphan ends by itself
    assert finishes_as_if_nothing_had_happened(project, before, stage)


@pytest.mark.parametrize("stays", [exhaustive(False), True], ids=["started by DVC", "a shell stands between"])
def test_a_stage_that_went_on_in_the_projects_venv_does_not_survive_dvc(copy_of_finished, tmp_path, monkeypatch, stays):
    project, usual = copy_of_finished, {**Project.environment(), "SHELL": str(staying_shell(tmp_path)) if stays else "/bin/bash"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    (project.folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
    other = {"PATH": f"{tmp_path / 'other/bin'}{os.pathsep}{usual['PATH']}"}
    monkeypatch.setattr(Project, "environment", staticmethod(lambda: {**usual, **other}))
    with running(project, "embed", Hold(tmp_path, COMMANDS["embed"], "import", "torch")) as (
        dvc,
        _,
    ):  # the other Python lacks torch
        os.kill(dvc.pid, signal.SIGKILL)
        wait_for(lambda: dvc.poll() is not None and not pids_of(project, COMMANDS["embed"]))
    assert not (project.folder / "data/embeddings/pool.npy").exists()


def test_ctrl_c_ends_the_stage_and_dvc_and_the_next_run_goes_on(copy_of_finished, tmp_path):
    before = state(copy_of_finished)
    with running(copy_of_finished, "train_stage1", Hold(tmp_path, COMMANDS["train_stage1"], *WRITES)) as (dvc, _):
        os.killpg(dvc.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
        wait_for(lambda: dvc.poll() is not None and not pids_of(copy_of_finished, COMMANDS["train_stage1"]))
    assert finishes_as_if_nothing_had_happened(copy_of_finished, before)


def test_of_two_repros_at_once_one_refuses_and_the_other_finishes(copy_of_finished, tmp_path):
    project, hold = copy_of_finished, Hold(tmp_path, COMMANDS["train_stage1"], *WRITES)
    before = state(project)
    with running(project, "train_stage1", hold) as (dvc, _):
        second = project.run("dvc", "repro", "--force", "--single-item", "train_stage1", check=False)
        assert second.returncode != 0
        assert "is busy, it is being blocked by" in second.stderr or "Unable to acquire lock" in second.stderr
        assert "Traceback" not in second.stderr
        hold.release()
        assert dvc.wait() == 0
    assert state(project) == before


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
    monkeypatch.chdir(project.folder)
    with pytest.raises(Refused, match=r"^data/embeddings/pool.npy cannot be written: No space left on device, 11,520 bytes wanted"):
        embed.main()
    assert files_in(data) == ["ballast", "classes.json", "encoder/pointer.json", "holdout.jsonl", "pool.jsonl"]
    (data / "ballast").unlink()
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
        project.run(*FORCE, "report")
        assert (project.folder / "dvc.lock").read_bytes() == lock
    finally:
        subprocess.run(["umount", str(code)], check=True)


SMALL_SHARDS = "from stages import embed; from stages.core.encoding import shards; shards.ROWS = 16; embed.main()"


def test_an_embed_that_was_killed_repeats_at_most_one_shard(copy_of_finished, tmp_path, monkeypatch, capsys):
    project, out = copy_of_finished, copy_of_finished.folder / "data/embeddings/pool.npy"
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(shards, "ROWS", 16)
    monkeypatch.setenv("GLEANER_CACHE", "undisturbed")
    embed.main()
    undisturbed = out.read_bytes()

    monkeypatch.setenv("GLEANER_CACHE", "killed")
    hold = Hold(tmp_path, SMALL_SHARDS, *THIRD)  # two shards are whole by then
    killed = subprocess.Popen([sys.executable, "-c", SMALL_SHARDS], env=hold.environment(project))
    hold.wait(killed)
    killed.kill()
    killed.wait()
    capsys.readouterr()
    embed.main()
    assert f"90 texts, {90 - 2 * 16} encoded now" in capsys.readouterr().out
    assert out.read_bytes() == undisturbed


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
