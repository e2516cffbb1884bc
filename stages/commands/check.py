"""`make check`: is params.yaml in order? In under a second, and before every stage.

`make check DATA=path` reads and cleans a data set too, all as prepare would, and writes nothing.
"""

from stages.core.base import params
from stages.core.base.errors import Refused
from stages.core.settings import rules, schema


def data_set(name: str, found: schema.Params) -> None:
    """Print what prepare finds in a data set, in place of prepare.dataset; nothing is written.

    name    as in prepare.dataset: a path, a hub name or a packaged one
    found   the whole of params.yaml, whose other settings count

    Raises Refused where prepare would, and where its pool is too small for the labels asked for.
    """
    from stages import prepare  # here, since the check before every stage reads no data set

    read = params.read("prepare", "labels.from", "labels.classes", "labels.rename")
    made = prepare.prepared(read.prepare.changed(dataset=name), read)
    rules.refuse_budget_over(len(made.pool), found)
    print(f"{name} can be used, and nothing was written: set prepare.dataset to it")


def main(*data: str) -> None:
    # The pool that lies in data/ is not the one that is asked about.
    found = rules.check_file("prepare" if data else "check")
    print(f"params.yaml: {len(schema.Params.model_fields)} sections, stages {', '.join(found.stages)}: all valid")
    needed = found.sufficient.comparisons + 2
    if found.sufficient.rule == "agreement" and len(found.stages) < needed:
        print(
            f"sufficient.rule = agreement never ends labelling here: it takes {needed} stages, the last of which is then left out, "
            f"and stages has {len(found.stages)}; add rounds, or lower sufficient.comparisons"
        )
    if len(data) > 1:
        raise Refused(f'{len(data)} data sets given, one is possible: make check DATA="a path, blanks and all"')
    for name in data:
        data_set(name, found)
