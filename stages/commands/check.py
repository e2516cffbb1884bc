"""`make check`: is params.yaml in order? In under a second, and before every stage."""

from stages.commands import settings
from stages.core.base import artifacts, params
from stages.core.base.errors import run

BEFORE_THE_POOL = ("inputs", "prepare")  # the pool that lies there may be that of other params


def whole_file(stage: str) -> settings.Params:
    """Raise Refused unless all of params.yaml is in order, and asks for no more labels than the pool has rows.

    stage   which is about to begin
    """
    found = settings.checked(params.load())
    if stage not in BEFORE_THE_POOL and artifacts.COUNTS.exists():
        settings.refuse_budget_over(artifacts.load_json(artifacts.COUNTS)["pool_rows"], found)
    return found


def main() -> None:
    found = whole_file("check")
    print(f"params.yaml: {len(settings.Params.model_fields)} sections, stages {', '.join(found.stages)}: all valid")


if __name__ == "__main__":
    run(main)
