"""`make check [DATA=path]`: check params.yaml, and with DATA read and clean a data set as prepare would; writes nothing."""

from stages.core.base import params
from stages.core.base.errors import Refused
from stages.core.settings import rules, schema


def main(*data: str) -> None:
    # With DATA the pool in data/ belongs to another data set.
    checked = rules.check_file("prepare" if data else "check")
    print(f"params.yaml: {len(schema.Params.model_fields)} sections, stages {', '.join(checked.stages)}: all valid")
    needed = checked.sufficient.comparisons + 2
    if checked.sufficient.rule == "agreement" and len(checked.stages) < needed:
        print(
            f"sufficient.rule = agreement never ends labelling here: it takes {needed} stages, the last of which is then left out, "
            f"and stages has {len(checked.stages)}; add rounds, or lower sufficient.comparisons"
        )
    if len(data) > 1:
        raise Refused(f'{len(data)} data sets given, one is possible: make check DATA="a path, with its blanks"')
    for name in data:  # a path, a hub name or a packaged one; the other settings of params.yaml apply
        from stages import prepare  # numpy and readers; `make check` alone does without

        read = params.read("prepare", "labels.from", "labels.classes", "labels.rename")
        made = prepare.prepared(read.prepare.changed(dataset=name), read)
        rules.refuse_budget_over(len(made.pool), checked)
        print(f"{name} can be used, and nothing was written: set prepare.dataset to it")
