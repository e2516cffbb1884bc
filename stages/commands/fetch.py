"""`make fetch`: pull the results that fit this checkout's params and code, and say which stages need not run.

Plain `dvc pull` fetches everything in dvc.lock, even what the next `dvc repro` would make again.
"""

from contextlib import suppress

from dvc.exceptions import CheckoutError, DvcException
from dvc.repo import Repo

from stages import inputs
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused, short


def main() -> None:
    with Repo() as repo:
        if not repo.config["core"].get("remote"):
            raise Refused("no remote is set; make remote URL=/shared/folder or URL=s3://bucket/path")
        inputs.main()  # as the next `dvc repro` will: this checkout's data sets and encoders may differ from the recorded ones
        names = fitting(repo)
        if not names:
            print("fetch: nothing in dvc.lock fits these params: every stage will run")
            return
        remote = repo.config["remote"][repo.config["core"]["remote"]]["url"]
        if error := pull(repo, names):
            print(f"fetch: remote {remote}: {short(error)}")
        outs = {stage.addressing: stage.outs for stage in repo.index.stages}
        here = [name for name in names if not any(out.status() for out in outs[name])]
    absent = [name for name in names if name not in here]
    if not here:
        raise Refused(f"remote {remote} is out of reach or has nothing of {', '.join(names)}; `dvc repro` makes it here")
    print(f"fetch: {', '.join(here)} need not run")
    if absent:
        print(f"fetch: incomplete in remote {remote}, so the next dvc repro makes them: {', '.join(absent)}")
    if "embed" in here:
        rows = artifacts.load_json(paths.EMBEDDINGS.with_suffix(".json"))["rows"]
        print(f"fetch: embeddings of {rows:,} texts, {paths.EMBEDDINGS.stat().st_size / 1e6:.0f} MB")


def pull(repo: Repo, names: list[str]) -> Exception | None:
    """Pull these stages as `dvc pull` does, except that a missing file affects only its own folder. Returns what went wrong."""
    every = {stage.addressing for stage in repo.index.stages if not stage.always_changed}
    targets = None if every <= set(names) else names  # DVC reads dvc.lock again for each target
    failed = None
    try:
        repo.fetch(targets=targets)
    except (DvcException, OSError) as error:
        failed = error
    with suppress(CheckoutError):
        repo.checkout(targets=targets, allow_missing=True)
    return failed


def fitting(repo: Repo) -> list[str]:
    """Stages in dvc.lock whose command, params and code are as recorded, and those of all stages before them.

    A stage that runs in every `dvc repro` is not among them and affects no other: its outputs count like any other file.
    """
    status = repo.status()
    graph = repo.index.graph  # an edge leads from a stage to the one it needs
    fits: dict = {}

    def check(stage) -> bool:
        if stage not in fits:
            entries = status.get(stage.addressing, [])
            changed = any(
                not isinstance(entry, dict) or any(state != "deleted" for state in entry.get("changed deps", {}).values())
                for entry in entries  # a data file that is not here yet is no change
            )
            fits[stage] = stage.always_changed or (not changed and all([check(before) for before in graph.successors(stage)]))
        return fits[stage]

    return [stage.addressing for stage in repo.index.stages if check(stage) and not stage.always_changed]
