"""params.yaml: what may stand in it, and the part of it that a stage declares.

The whole file is checked each time any stage reads its part, so a mistake in a late section is
found by the first stage that runs. `python -m stages.core.settings` checks it and nothing else.
"""

import re
import reprlib
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import AfterValidator, BeforeValidator, Field

from stages.core.errors import Refused, choices, run, short

PATH = Path("params.yaml")
FIRST_STAGE = "stage1"
MAIN, BASELINE, BOUND = "bucketed", "random", "full"  # the arms that are always there


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return value


def _no_repeats(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("List should not repeat a value")
    return values


def _rows_or_share(value: Any) -> int | float:
    """A whole number of rows, or a share in (0, 1). 1.0 could be meant as either, so it is neither."""
    try:
        if isinstance(value, str):
            value = float(value) if re.search(r"[.eE]", value) else int(value)
    except ValueError:
        pass  # refused below, with the value as it was written
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not whole and not (isinstance(value, float) and 0 < value < 1):
        raise ValueError("must be a whole number of rows, 1 or more, or a share above 0 and below 1")
    return value


def _rising(values: list[float]) -> list[float]:
    if values[0] >= values[1]:
        raise ValueError("List should give the lowest value, then the highest")
    return values


# Numbers may arrive as text: `-S train.learning_rate=1e-5` writes 1e-05, which YAML 1.1 reads as a string.
Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
AtLeastOne = Annotated[Whole, Field(ge=1)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Amount = Annotated[int | float, BeforeValidator(_rows_or_share)]
Name = Annotated[str, Field(min_length=1)]


class Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Prepare(Section):
    dataset: Name
    text_column: Name
    label_column: Name
    group_column: Name
    normalise: bool
    empty_texts: Literal["refuse", "drop"]
    holdout_share: Share
    holdout_seed: Seed


class FinetuneEncoder(Section):
    objective: Literal["none", "nli", "pairs"]
    dataset: Name
    left_column: Name
    right_column: Name
    label_column: Name
    score_range: Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_rising)]
    most_per_class: Literal["all"] | AtLeastOne
    epochs: AtLeastOne
    batch_rows: AtLeastOne
    batch_cap: AtLeastOne
    learning_rate: Annotated[Number, Field(gt=0)]
    warmup_share: Annotated[Number, Field(ge=0, lt=1)]
    dtype: Literal["auto", "float32", "bfloat16"]
    seed: Seed
    evaluation: Name


class Embed(Section):
    model: Name
    pooling: Literal["mean", "cls", "max"]
    dtype: Literal["auto", "float32", "bfloat16"]
    max_tokens: Annotated[Whole, Field(ge=3)]
    batch_tokens: AtLeastOne


class Reduce(Section):
    method: Literal["umap", "pca", "random_projection"]
    dimensions: Annotated[Whole, Field(ge=2)]
    seed: Seed
    neighbours: Annotated[Whole, Field(ge=2)]
    epochs: Literal["auto"] | AtLeastOne
    fit_rows: Annotated[Whole, Field(ge=4)]


class Cluster(Section):
    clusters: Literal["auto"] | Annotated[Whole, Field(ge=2)]
    seed: Seed
    sweep_to: Annotated[Whole, Field(ge=2)]
    exact_rows: Annotated[Whole, Field(ge=2)]


class SelectStage1(Section):
    n: Amount
    pick: Literal["random", "typical", "central"]


class Round(Section):
    after: Name
    m: Amount


class ScoreEntropy(Section):
    score: Literal["entropy", "margin", "least_confidence", "committee"]
    committee: Annotated[Whole, Field(ge=2)]


class SelectStageN(Section):
    by: Literal["buckets", "bands", "recluster"]


class Sufficient(Section):
    rule: Literal["none", "agreement"]
    kappa: Share


class EarlyStopping(Section):
    patience: Annotated[Whole, Field(ge=0)]
    holdout_share: Share


class Train(Section):
    trainer: Literal["finetune", "probe", "contrastive"]
    dtype: Literal["auto", "float32", "bfloat16"]
    epochs: AtLeastOne
    min_steps: Annotated[Whole, Field(ge=0)]
    batch_rows: AtLeastOne
    learning_rate: Annotated[Number, Field(gt=0)]
    weight_decay: Annotated[Number, Field(ge=0)]
    warmup_share: Annotated[Number, Field(ge=0, lt=1)]
    freeze_word_embeddings: bool
    early_stopping: EarlyStopping
    warm_start: bool
    folds: Annotated[Whole, Field(ge=2)]
    pairs_per_row: AtLeastOne
    most_pairs: Annotated[Whole, Field(ge=2)]


class TrainFull(Section):
    epochs: AtLeastOne


class CompareArm(Section):
    held_back: Share


class Params(Section):
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_no_repeats)]
    prepare: Prepare
    finetune_encoder: FinetuneEncoder
    embed: Embed
    reduce: Reduce
    cluster: Cluster
    select_stage1: SelectStage1
    rounds: dict[str, Round]
    score_entropy: ScoreEntropy
    select_stageN: SelectStageN
    sufficient: Sufficient
    train: Train
    train_full: TrainFull
    random_at: Annotated[list[Name], AfterValidator(_no_repeats)]
    arms: Annotated[list[Name], AfterValidator(_no_repeats)]
    compare_arm: CompareArm


def read(*declared: str) -> SimpleNamespace:
    """The declared parts of params.yaml, each under the last word of its name.

    declared   names as they stand under `params:` in dvc.yaml, e.g. "seeds", "embed.model", "rounds.stage2"

    read("seeds", "rounds.stage2") gives .seeds and .stage2. Nothing else is reachable, so a stage
    cannot use what it has not declared. Raises Refused when any part of the file is wrong.
    """
    checked = _checked()
    parts = {}
    for name in declared:
        value = checked
        for word in name.split("."):
            if isinstance(value, dict) and word not in value:
                raise Refused(f"params.yaml: {name}: no such round; {choices(word, value)}")
            value = value[word] if isinstance(value, dict) else getattr(value, word)
        parts[name.split(".")[-1]] = value
    return SimpleNamespace(**parts)


def stages_in_order(rounds: dict[str, Round]) -> list[str]:
    """Names of all labelling stages, each after the one it follows; ties in the order of params.yaml.

    Raises Refused where a round follows a stage that does not exist, or itself in a loop.
    """
    known = [FIRST_STAGE, *rounds]
    for name, item in rounds.items():
        if name == FIRST_STAGE or not re.fullmatch(r"stage[0-9]+", name):
            raise Refused(
                f"params.yaml: rounds.{name}: a round is called stage2, stage3 and so on; {FIRST_STAGE} is select_stage1's"
            )
        if item.after not in known:
            raise Refused(f"params.yaml: rounds.{name}.after = {item.after}: no such stage; {choices(item.after, known)}")
    ordered = [FIRST_STAGE]
    while len(ordered) < len(known):
        ready = [name for name in rounds if name not in ordered and rounds[name].after in ordered]
        if not ready:
            loop = ", ".join(f"{name} after {rounds[name].after}" for name in rounds if name not in ordered)
            raise Refused(f"params.yaml: rounds: {loop} is a loop; let one of them follow {FIRST_STAGE}")
        ordered += ready
    return ordered


def refuse_budget_over(pool_rows: int) -> None:
    """Raise Refused when all stages together would label more rows than the pool has."""
    params = _checked()
    clusters = params.cluster.clusters
    if clusters == "auto":
        return  # known only after the sweep; the select stages refuse then

    def rows(amount: int | float) -> int:
        return amount * clusters if isinstance(amount, int) else round(amount * pool_rows)

    labels = {FIRST_STAGE: rows(params.select_stage1.n)}
    for stage in stages_in_order(params.rounds)[1:]:
        labels[stage] = labels[params.rounds[stage].after] + rows(params.rounds[stage].m)
    stage, most = max(labels.items(), key=lambda item: item[1])
    if most > pool_rows:
        raise Refused(
            f"params.yaml: select_stage1.n and rounds up to {stage} ask for {most:,} labels from {clusters} clusters, but the "
            f"pool has {pool_rows:,} rows; lower select_stage1.n, m or cluster.clusters"
        )


def _checked() -> Params:
    try:
        loaded = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(f"{PATH} is not in {Path.cwd()}; run from the folder that holds dvc.yaml") from None
    except Exception as error:  # PyYAML lets through what a wrong date, !!bool or nesting trips: KeyError, RecursionError and more
        raise Refused(f"{PATH} cannot be read as YAML: {short(error)}") from None
    try:
        params = Params.model_validate(loaded)
    except pydantic.ValidationError as error:
        raise Refused("; ".join(dict.fromkeys(_plain(e) for e in error.errors()))) from None
    order = stages_in_order(params.rounds)
    for stage in params.random_at:
        if stage not in order:
            raise Refused(f"params.yaml: random_at names {stage}, which is no stage; {choices(stage, order)}")
    for stage in order:
        if stage not in params.random_at:
            raise Refused(f"params.yaml: random_at lacks {stage}: no random model would be there to compare with; add it")
    for arm in params.arms:
        refuse_unknown_arm(arm)
    return params


def refuse_unknown_arm(arm: str) -> None:
    """Raise Refused where no file of stages/core/strategies has the name of the arm."""
    if arm in (MAIN, BASELINE, BOUND):
        raise Refused(f"params.yaml: arms names {arm}, which is always there; take it out of the list")
    # Files are listed, not imported: a strategy that is added shall not run again all stages that read settings.
    known = sorted(file.stem for file in (Path(__file__).parent / "strategies").glob("[!_]*.py"))
    if arm not in known:
        raise Refused(f"params.yaml: arms names {arm}, which is no file of stages/core/strategies; {choices(arm, known)}")


def _fields(where: list[str]) -> list[str]:
    """Names of the settings that may stand below `where`."""
    model = Params if not where else Round if where[0] == "rounds" else Params.model_fields[where[0]].annotation
    return list(model.model_fields)


def _plain(error: dict) -> str:
    """One pydantic error as setting, value, what is possible and what to do."""
    where = [str(word) for word in error["loc"] if not re.match(r"(literal|function-\w+)\[", str(word))]
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


def main() -> None:
    params = _checked()
    print(f"params.yaml: {len(Params.model_fields)} sections, stages {', '.join(stages_in_order(params.rounds))}: all valid")


if __name__ == "__main__":
    run(main)
