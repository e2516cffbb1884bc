"""`make check [DATA=path]`: check params.yaml, and with DATA read and clean a data set as prepare would; writes nothing.

It prints the phrase of every class and names those that the encoder finds alike, except on the way to another command (BRIEF).
"""

import os

from stages.core import task
from stages.core.base import params, paths
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
    if checked.train.names == "auto" and not data and not os.environ.get("BRIEF"):
        _show_phrases(checked)
    if len(data) > 1:
        raise Refused(f'{len(data)} data sets given, one is possible: make check DATA="a path, with its blanks"')
    for name in data:  # a path, a hub name or a packaged one; the other settings of params.yaml apply
        from stages import prepare  # numpy and readers; `make check` alone does without

        read = params.read("prepare", "labels.kind", "labels.from", "labels.classes", "labels.rename")
        made = prepare.prepared(read.prepare.changed(dataset=name), read)
        rules.refuse_budget_over(len(made.pool), checked)
        print(f"{name} can be used, and nothing was written: set prepare.dataset to it")


def _show_phrases(checked: schema.Params) -> None:
    """What every class is called, and which phrases the encoder finds alike, once there is an encoder."""
    classes = task.classes() if paths.CLASSES.exists() else checked.labels.classes
    if not classes:
        return
    from stages import name_classes  # loads torch

    said = name_classes.said_of(classes, dict(checked.labels.describe), "auto")
    for name, several in said.items():
        print(f"  {name}: {'; '.join(several)}")
    if paths.ENCODER.exists():
        name_classes.encoded_phrases(said, params.read("embed").embed)
