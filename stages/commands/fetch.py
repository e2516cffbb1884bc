"""`make fetch`: pull from the remote what fits the params and the code of this checkout, and say what that saves.

Plain `dvc pull` brings all that dvc.lock names, also what the next `dvc repro` would make anew.
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
        inputs.main()  # as the next `dvc repro` will: data sets and encoders of this checkout may not be those that were read
        names = fitting(repo)
        if not names:
            print("fetch: nothing in dvc.lock fits these params: everything will run")
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
        print(f"fetch: not whole in remote {remote}, made by the next dvc repro: {', '.join(absent)}")
    if "embed" in here:
        rows = artifacts.load_json(paths.EMBEDDINGS.with_suffix(".json"))["rows"]
        print(f"fetch: embeddings of {rows:,} texts, {paths.EMBEDDINGS.stat().st_size / 1e6:.0f} MB")


def pull(repo: Repo, names: list[str]) -> Exception | None:
    """As `dvc pull` with the names of stages, but a file that is missing in one folder spoils nothing else; what went wrong.

    DVC reads dvc.lock anew for each name that it is given; to bring all of them it is given none.
    """
    every = {stage.addressing for stage in repo.index.stages if not stage.always_changed}
    targets = None if every <= set(names) else names
    failed = None
    try:
        repo.fetch(targets=targets)
    except (DvcException, OSError) as error:
        failed = error
    with suppress(CheckoutError):
        repo.checkout(targets=targets, allow_missing=True)
    return failed


def fitting(repo: Repo) -> list[str]:
    """Names of the stages in dvc.lock whose command, params and code, and those of all before them, are as recorded.

    A stage that runs in every `dvc repro` stands in nobody's way: what it wrote is told like any other file. It is not named.
    """
    status = repo.status()
    graph = repo.index.graph  # an edge leads from a stage to the one it needs
    fits: dict = {}

    def check(stage) -> bool:
        if stage not in fits:
            entries = status.get(stage.addressing, [])
            changed = any(not isinstance(entry, dict) or _recorded_otherwise(entry) for entry in entries)
            fits[stage] = stage.always_changed or (not changed and all([check(before) for before in graph.successors(stage)]))
        return fits[stage]

    return [stage.addressing for stage in repo.index.stages if check(stage) and not stage.always_changed]


def _recorded_otherwise(entry: dict) -> bool:
    """Whether a status entry says more than that data files are not here yet."""
    return any(state != "deleted" for state in entry.get("changed deps", {}).values())
