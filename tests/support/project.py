"""A project with a tiny corpus and encoder, run by DVC or stage by stage in this process."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from stages.commands.overlay import lay_over
from tests.support.dvc_in_process import Ran, dvc_in

ROOT = Path(__file__).parent.parent.parent
IGNORED = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
TO_BUCKETS = ("prepare", "collect_answers", "finetune_encoder", "embed", "name_classes", "map", "reduce", "cluster")  # in order
TINY = {
    "prepare": {"holdout_share": 0.25, "holdout_seed": 184},  # 30 of 120 rows, half of each class
    "embed": {"max_tokens": 16},
    "reduce": {"method": "pca", "dimensions": 8},
    "map": {"method": "pca"},
    "cluster": {"clusters": 4, "sweep_to": 6},
    # The method as described; the defaults of params.yaml have tests of their own.
    "select_stage1": {"n": 3, "pick": "random"},
    "score_entropy": {"score": "entropy"},
    "select_stageN": {"by": "buckets"},
    "rounds": {"stage2": {"after": "stage1", "m": 2}, "stage3": {"after": "stage2", "m": 2}},
    "seeds": [0, 1],
    # The probe, since each stage of a fine-tuned project would load torch, which takes seconds.
    "train": {"trainer": "probe", "epochs": 1, "min_steps": 4, "folds": 2, "names": False},
    "train_final": {"arms": []},  # it has a project of its own in test_final
}
# Two tests at a time on two cores, and nothing in them large enough for a second thread.
os.environ["OMP_NUM_THREADS"] = "1"
ENVIRONMENT = {**{f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}, "PYTHONUTF8": "1"}


class Project:
    """A project folder and the commands that a user gives in it."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def tiny(cls, folder: Path, **changes) -> "Project":
        from tests.support.tiny import tiny_corpus, tiny_encoder

        folder.mkdir(parents=True)
        for name in ("stages", "params", "labels", ".dvc"):
            shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
        for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "data").mkdir()
        shutil.copy(ROOT / "data" / ".gitignore", folder / "data")
        project = cls(folder)
        project.change(TINY)
        project.change({
            "prepare": {"dataset": str(tiny_corpus(folder / "corpus.jsonl").relative_to(folder))},
            "embed": {"model": str(tiny_encoder(folder / "encoder").relative_to(folder))},
        })  # fmt: skip
        project.change(changes)
        project.run("git", "init", "--quiet", "--template=")
        project.commit("tiny")
        return project

    def change(self, changes: dict) -> None:
        """Set values in params.yaml; a section that is given as a dict keeps its other values, `rounds` is replaced."""
        params = self.params()
        lay_over(params, changes)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))

    @staticmethod
    def environment() -> dict[str, str]:
        """This test's Python first on the path."""
        return {**ENVIRONMENT, **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command in the folder, as a process."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=1800)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def dvc(self, *words: str, check: bool = True) -> Ran:
        """A command of DVC in this process, which calls the stages; see dvc_in_process."""
        ran = dvc_in(self.folder, *words)
        if check and ran.returncode:
            raise AssertionError(f"dvc {' '.join(words)} failed:\n{ran.output}")
        return ran

    def repro(self, *words: str) -> list[str]:
        """`dvc repro` in this process; names of the stages that ran, in order, without inputs, which always runs."""
        return self.dvc("repro", *words).stages

    def copied(self, to: Path) -> "Project":
        """The same in another folder, with the cache and the history; times of files stay, so that DVC need not hash all anew."""
        to.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(self.folder), str(to)], check=True)
        return Project(to)


def staying_shell(folder: Path) -> Path:
    """A shell that waits for its command as dash does, /bin/sh of Debian, wherever this runs; bash and zsh become it."""
    shell = folder / "dash"  # the door knows a shell by its name
    shell.write_text('#!/bin/sh\neval "$2"\nexit $?\n')
    shell.chmod(0o755)
    return shell


class InProcess(Project):
    """A tiny project in the folder that this process is in, whose stages are called and not run by DVC."""

    def call(self, stage: str, *words: str) -> None:
        import_module(f"stages.{stage}").main(*words)

    def entered(self, to: Path, patch: pytest.MonkeyPatch) -> "InProcess":
        """A copy in another folder, in which this process is as long as the patch lasts."""
        shutil.copytree(self.folder, to)
        patch.chdir(to)
        return InProcess(to)

    def label_in_stages(self) -> None:
        """All stages of the bucketed arm, from the first choice to the last models."""
        for name in ("stage1", *self.params()["rounds"]):
            first = name == "stage1"
            if first:
                self.call("select_stage1")
            else:
                self.call("score_entropy", name)
                self.call("select_stageN", name)
                self.call("summarise_scores", name)
            self.call("buy_labels", name)
            self.call("train_stageN", name)
