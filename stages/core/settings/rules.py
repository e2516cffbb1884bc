"""Rules across sections of params.yaml, and messages for mistakes in it."""

import re
import reprlib
from typing import Any

import pydantic

from stages.core.base import artifacts, params, paths, phrases, plugins
from stages.core.base.errors import Refused, choices
from stages.core.people.records.conflicts import renamed
from stages.core.rows import rounds
from stages.core.rows.results import BASELINE, MAIN, NAMES
from stages.core.settings.schema import Params, Round

BEFORE_THE_POOL = ("inputs", "prepare")  # for them the pool in data/ may belong to other params


def check_file(stage: str) -> Params:
    """The checked params.yaml, for `stage`. Raises Refused for any mistake, an unavailable engine, and a budget over the pool."""
    checked_params = checked(params.load())
    if stage not in BEFORE_THE_POOL and paths.POOL.exists():
        refuse_budget_over(artifacts.load_json(paths.COUNTS)["pool_rows"], checked_params)
    plugins.load("engines", checked_params.machine.engine).check(checked_params.machine)
    return checked_params


def checked(loaded: Any) -> Params:
    """The checked content of params.yaml. Raises Refused with every mistake: setting, value, what is possible and what to do."""
    try:
        params = Params.model_validate(loaded)
    except pydantic.ValidationError as error:
        raise Refused("; ".join(dict.fromkeys(_message(e) for e in error.errors()))) from None
    order = rounds.in_order(params.rounds)
    for setting in ("stages", "random_at"):
        for name in getattr(params, setting):
            if name not in order:
                raise Refused(f"params.yaml: {setting} names {name}, which is no stage; {choices(name, order)}")
    for name in order:
        if name not in params.stages:
            raise Refused(f"params.yaml: stages lacks {name}: its rows would get no labels; add it")
    last = [MAIN, *([BASELINE] if order[-1] in params.random_at else []), *params.arms]
    last += [NAMES] if params.train.names == "auto" else []
    for arm in params.train_final.arms:
        if arm not in last:
            raise Refused(f"params.yaml: train_final.arms names {arm}, which has no models at {order[-1]}; {choices(arm, last)}")
    _refuse_one_phrase_for_two(params.labels.describe)
    if params.labels.source == "people":
        _refuse_for_people(params)
    if params.predict.seed not in ("mean", *params.seeds):
        raise Refused(
            f"params.yaml: predict.seed = {params.predict.seed}: no model has this seed; possible: mean, "
            f"{', '.join(map(str, params.seeds))}"
        )
    return params


def _refuse_one_phrase_for_two(describe: dict[str, list[str]]) -> None:
    """Raise Refused where two classes are described by the same words."""
    class_of: dict[str, str] = {}
    for name, several in describe.items():
        for phrase in several:
            other = class_of.setdefault(" ".join(phrase.casefold().split()), name)
            if other != name:
                raise Refused(f"params.yaml: labels.describe: {phrase[:60]!r} describes {other} and {name}; say how they differ")


def _refuse_for_people(params: Params) -> None:
    """Raise Refused for arms, whose rows nobody would label, and for a rename that does not end at a class."""
    if params.arms:
        raise Refused(
            f"params.yaml: arms = {params.arms}: labels.from is people, and nobody labels the rows of other arms; set it to [], as "
            f"make repro WITH=params/people.yaml does"
        )
    classes, rename = params.labels.classes, params.labels.rename
    if classes:
        phrases.of_classes(classes, params.labels.describe)
    for old, new in rename.items():
        if old in classes:
            raise Refused(f"params.yaml: labels.rename.{old}: {old} is still a class; remove it from labels.classes or from rename")
        if renamed(new, rename) in rename:
            raise Refused(f"params.yaml: labels.rename.{old} = {new} leads in a circle; possible: the name of a class")
        if classes and renamed(new, rename) not in classes:
            raise Refused(f"params.yaml: labels.rename.{old} = {new}, which is no class; {choices(new, classes)}")


def refuse_budget_over(pool_rows: int, params: Params) -> None:
    """Raise Refused if all stages together would label more rows than the pool has."""
    clusters = params.cluster.clusters
    if clusters == "auto":
        return  # unknown before the sweep; the select stages refuse then
    labels = rounds.budgets(params.select_stage1.n, params.rounds, clusters, pool_rows)
    stage, most = max(labels.items(), key=lambda item: item[1])
    if most > pool_rows:
        raise Refused(
            f"params.yaml: select_stage1.n and rounds up to {stage} ask for {most:,} labels from {clusters} clusters, but the "
            f"pool has {pool_rows:,} rows; lower select_stage1.n, m or cluster.clusters"
        )


def _possible_settings(section: list[str]) -> list[str]:
    """Names of the settings in a section, given as the words of its name."""
    model: Any = Round if section[:1] == ["rounds"] else Params
    for word in [] if model is Round else section:
        model = model.model_fields[word].annotation
    return [field.alias or name for name, field in model.model_fields.items()]


def _message(error: dict) -> str:
    """One pydantic error as setting, value, what is possible and what to do."""
    where = [str(word) for word in error["loc"] if not re.match(r"(literal|function-\w+|constrained-\w+)\[", str(word))]
    name = ".".join(where) or "the file"
    if name.startswith("labels.describe.") and name.endswith(".[key]"):
        return f'params.yaml: labels.describe: the class {error["input"]} must be text; put it in quotes, as in "no": words'
    if name == "prepare.normalise":
        return f"params.yaml: {name} is gone, since texts stay as they are; remove it and set embed.lower_case: false in its place"
    if error["type"] == "extra_forbidden":
        return f"params.yaml: {name} is no known setting; {choices(where[-1], _possible_settings(where[:-1]))}"
    if error["type"] == "missing":
        return f"params.yaml: {name} is missing; the params.yaml of the repository shows every setting with its default"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "must").replace("List should", "must")
    try:
        value = reprlib.repr(error["input"])[:200]  # a few nested aliases of YAML would make gigabytes
    except ValueError:
        value = "a number of thousands of digits"
    return f"params.yaml: {name} = {value}: {message}"
