"""Rules that several sections of params.yaml share, and what a mistake in it is called."""

import re
import reprlib
from typing import Any

import pydantic

from stages.core.base import artifacts, params, paths, plugins
from stages.core.base.errors import Refused, choices
from stages.core.people.records.resolve import renamed
from stages.core.rows import rounds
from stages.core.rows.results import BASELINE, MAIN
from stages.core.settings.schema import Params, Round

BEFORE_THE_POOL = ("inputs", "prepare")  # the pool in data/ may be that of other params


def check_file(stage: str) -> Params:
    """The whole of params.yaml, in order for `stage`, which is about to begin.

    Raises Refused for any mistake in it, for an engine that cannot be had, and for more labels than the pool has rows.
    """
    found = checked(params.load())
    if stage not in BEFORE_THE_POOL and paths.COUNTS.exists():
        refuse_budget_over(artifacts.load_json(paths.COUNTS)["pool_rows"], found)
    plugins.load("engines", found.machine.engine).check(found.machine)
    return found


def checked(loaded: Any) -> Params:
    """The whole of params.yaml. Raises Refused with every mistake: the setting, the value, what is possible and what to do."""
    try:
        params = Params.model_validate(loaded)
    except pydantic.ValidationError as error:
        raise Refused("; ".join(dict.fromkeys(_plain(e) for e in error.errors()))) from None
    order = rounds.in_order(params.rounds)
    for name in (*params.stages, *params.random_at):
        if name not in order:
            setting = "stages" if name in params.stages else "random_at"
            raise Refused(f"params.yaml: {setting} names {name}, which is no stage; {choices(name, order)}")
    for name in order:
        if name not in params.stages:
            raise Refused(f"params.yaml: stages lacks {name}: its rows would get no labels; add it")
    _refuse_final(params, order)
    if params.labels.source == "people":
        _refuse_people(params)
    if params.predict.seed not in ("mean", *params.seeds):
        raise Refused(
            f"params.yaml: predict.seed = {params.predict.seed}: no model has this seed; possible: mean, "
            f"{', '.join(map(str, params.seeds))}"
        )
    return params


def _refuse_people(params: Params) -> None:
    """Raise Refused where labels are wanted that nobody is asked for, and where renaming leads nowhere."""
    if params.arms:
        raise Refused(
            f"params.yaml: arms = {params.arms}: labels.from is people, and nobody is asked for the rows of other arms; set it to "
            f"[], as make repro WITH=params/people.yaml does"
        )
    classes, rename = params.labels.classes, params.labels.rename
    for old, new in rename.items():
        if old in classes:
            raise Refused(f"params.yaml: labels.rename.{old}: {old} is a class still; take it out of labels.classes or of rename")
        if renamed(new, rename) in rename:
            raise Refused(f"params.yaml: labels.rename.{old} = {new} leads in a circle; possible: the name of a class")
        if classes and renamed(new, rename) not in classes:
            raise Refused(f"params.yaml: labels.rename.{old} = {new}, which is no class; {choices(new, classes)}")


def _refuse_final(params: Params, order: list[str]) -> None:
    """Raise Refused where train_final names an arm that does not come to the last stage."""
    come_so_far = [MAIN, *([BASELINE] if order[-1] in params.random_at else []), *params.arms]
    for arm in params.train_final.arms:
        if arm not in come_so_far:
            raise Refused(
                f"params.yaml: train_final.arms names {arm}, which has no models at {order[-1]}; {choices(arm, come_so_far)}"
            )


def refuse_budget_over(pool_rows: int, params: Params) -> None:
    """Raise Refused when all stages together would label more rows than the pool has."""
    clusters = params.cluster.clusters
    if clusters == "auto":
        return  # known only after the sweep; the select stages refuse then
    labels = rounds.budgets(params.select_stage1.n, params.rounds, clusters, pool_rows)
    stage, most = max(labels.items(), key=lambda item: item[1])
    if most > pool_rows:
        raise Refused(
            f"params.yaml: select_stage1.n and rounds up to {stage} ask for {most:,} labels from {clusters} clusters, but the "
            f"pool has {pool_rows:,} rows; lower select_stage1.n, m or cluster.clusters"
        )


def _fields(where: list[str]) -> list[str]:
    """Names of the settings that may stand below `where`."""
    model: Any = Params
    for word in [] if where[:1] == ["rounds"] else where:
        model = model.model_fields[word].annotation
    fields = (Round if where[:1] == ["rounds"] else model).model_fields
    return [field.alias or name for name, field in fields.items()]


def _plain(error: dict) -> str:
    """One pydantic error as setting, value, what is possible and what to do."""
    where = [str(word) for word in error["loc"] if not re.match(r"(literal|function-\w+|constrained-\w+)\[", str(word))]
    name = ".".join(where) or "the file"
    if error["type"] == "extra_forbidden":
        return f"params.yaml: {name} is no known setting; {choices(where[-1], _fields(where[:-1]))}"
    if error["type"] == "missing":
        return f"params.yaml: {name} is missing; the params.yaml of the repository shows every setting with its default"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "must").replace("List should", "must")
    try:
        value = reprlib.repr(error["input"])[:200]  # abridged: a few aliases of aliases make a value of gigabytes
    except ValueError:
        value = "a number of thousands of digits"
    return f"params.yaml: {name} = {value}: {message}"
