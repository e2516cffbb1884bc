"""What params.yaml may contain, section by section.

Nothing is converted, because stages read the file themselves (stages/core/base/params.py): they get exactly what was checked.
Unknown keys, impossible values and contradictions between sections are refused.
"""

import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BeforeValidator, Field

from stages.core.base import plugins
from stages.core.base.errors import choices
from stages.core.people.records.journal import CANNOT_SAY
from stages.core.rows.results import BASELINE, BOUND, MAIN, NAMES

LONGEST_PHRASE = 1_000  # characters
ALWAYS_THERE = (MAIN, BASELINE, BOUND, NAMES)  # arms that no list names


def _no_repeats(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("List should not repeat a value")
    return values


def _rows_or_share(value: Any) -> int | float:
    """A whole number of rows, or a share in (0, 1). 1.0 could mean either, so it is refused."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not whole and not (isinstance(value, float) and 0 < value < 1):
        raise ValueError("must be a whole number of rows, 1 or more, or a share above 0 and below 1")
    return value


def _rising(values: list[float]) -> list[float]:
    if values[0] >= values[1]:
        raise ValueError("List should give the lowest value, then the highest")
    return values


def _not_always_there(arm: str) -> str:
    if arm in ALWAYS_THERE:
        raise ValueError("is always there; take it out of the list")
    return arm


def _source_name(name: Any) -> Any:
    """A name in a data set. YAML reads names such as 0, 1.5 or on as a number or a bool."""
    if not ((isinstance(name, int | float) and -1e15 < name < 1e15) or (isinstance(name, str) and 0 < len(name) <= 4096)):
        raise ValueError("Input should be a name, or auto")
    return name


def _class_name(name: Any) -> str:
    if not isinstance(name, str):  # YAML reads yes, no, on and 1 as a bool or a number
        raise ValueError('must be text; put it in quotes, as in ["yes", "no"]')
    if not 0 < len(name) <= 4096 or name != name.strip() or re.search(r"[\r\n\0]", name) or name == CANNOT_SAY:
        raise ValueError(f"must be one line without blanks around it, and not {CANNOT_SAY}, which means that no class fits")
    return name


def _phrases(words: Any) -> list[str]:
    several = words if isinstance(words, list) else [words]
    if not 0 < len(several) <= 100 or not all(isinstance(each, str) and any(map(str.isalpha, each)) for each in several):
        raise ValueError("must be words (in quotes where YAML reads a number or a bool), or a list of up to 100 phrases")
    if max(map(len, several)) > LONGEST_PHRASE:
        raise ValueError(f"a phrase has at most {LONGEST_PHRASE:,} characters")
    return several


def _encoding(name: str) -> str:
    try:
        b"a".decode("ascii" if name == "auto" else name)
    except UnicodeError:
        pass  # utf-16 needs two bytes
    except (LookupError, ValueError):
        raise ValueError("is no encoding that Python knows; possible: auto, utf-8, utf-16, cp1252, latin-1 and more") from None
    return name


def _address(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if address != "auto" and not (colon and host and "/" not in host and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError("must be auto, or host:port, as `ray start --head` prints it (10.0.0.5:6379)")
    return address


def _plugin(room: str, function: str, besides: tuple[str, ...] = ()) -> AfterValidator:
    """The name of a file of a room, such as stages/core/strategies, that has the function. `besides` are not allowed."""

    def check(name: str) -> str:
        known = [known for known in plugins.names(room, function) if known not in besides]
        if name not in known:
            raise ValueError(f"is no file of stages/core/{room} with a function `{function}`; {choices(name, known)}")
        return name

    return AfterValidator(check)


Number = Annotated[float, Field(allow_inf_nan=False)]
# YAML reads off as False, which 0 equals.
NotZero = BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)
AtLeastZero = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[Number, Field(gt=0, lt=1)]
ZeroOrShare = Annotated[Number, Field(ge=0, lt=1)]
Positive = Annotated[Number, Field(gt=0)]
Amount = Annotated[Any, AfterValidator(_rows_or_share)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]  # no path is longer, and messages repeat it
Names = Annotated[list[Name], AfterValidator(_no_repeats)]
SourceName = Annotated[Any, AfterValidator(_source_name)]
ClassName = Annotated[Any, AfterValidator(_class_name)]
Phrases = Annotated[Any, AfterValidator(_phrases)]
Dtype = Literal["auto", "float32", "bfloat16"]
Strategy = Annotated[str, _plugin("strategies", "pick")]
Arm = Annotated[str, AfterValidator(_not_always_there), _plugin("strategies", "pick", besides=ALWAYS_THERE)]
Scorer = Annotated[str, _plugin("strategies", "scores")]
Learner = Annotated[str, _plugin("learners", "fit")]
Engine = Annotated[str, _plugin("engines", "run")]


class Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)


def section(**settings: Any) -> type[Section]:
    """A section with a few settings."""
    return pydantic.create_model("section", __base__=Section, **{name: (kind, ...) for name, kind in settings.items()})


class Prepare(Section):
    dataset: Name
    config: SourceName
    encoding: Annotated[Name, AfterValidator(_encoding)]
    splits: Literal["auto"] | Annotated[Names, Field(min_length=1, max_length=2)]
    split_column: SourceName
    text_column: SourceName
    label_column: SourceName
    label_columns: Annotated[list[SourceName], AfterValidator(_no_repeats)]
    label_separator: Name
    missing_labels: list[SourceName]
    group_column: SourceName
    empty_texts: Literal["refuse", "drop"]
    holdout_share: Share
    holdout_rows: AtLeastZero
    holdout_seed: Seed
    rare_below: AtLeastZero


class Labels(Section):
    source: Literal["dataset", "people"] = Field(alias="from")  # from is a word of Python
    classes: Annotated[list[ClassName], AfterValidator(_no_repeats)]
    describe: dict[ClassName, Phrases]
    rename: dict[ClassName, ClassName]
    guide: Name
    guesses: Name
    alike: Annotated[Literal["ask", "auto", "off", False], NotZero]
    alike_cosine: Share
    keep_text: bool
    kind: Literal["auto", "single", "multi"]


class FinetuneEncoder(Section):
    objective: Literal["none", "nli", "pairs"]
    dataset: Name
    left_column: SourceName
    right_column: SourceName
    label_column: SourceName
    score_range: Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_rising)]
    most_per_class: Literal["all"] | AtLeastOne
    epochs: AtLeastOne
    batch_rows: AtLeastOne
    pairs_at_once: AtLeastOne
    learning_rate: Positive
    warmup_share: ZeroOrShare
    dtype: Dtype
    seed: Seed
    evaluation: Name


class Embed(Section):
    model: Name
    pooling: Literal["mean", "cls", "max"]
    layers: Literal["last"] | AtLeastOne | Annotated[list[AtLeastOne], Field(min_length=1), AfterValidator(_no_repeats)]
    dtype: Dtype
    max_tokens: Annotated[int, Field(ge=3)]
    lower_case: bool


class Reduce(Section):
    method: Literal["umap", "pca", "random_projection"]
    dimensions: AtLeastTwo
    seed: Seed
    neighbours: AtLeastTwo
    epochs: Literal["auto"] | AtLeastOne
    fit_rows: Annotated[int, Field(ge=4)]


class Round(Section):
    after: Name
    m: Amount


class Train(Section):
    trainer: Learner
    dtype: Dtype
    epochs: AtLeastOne
    min_steps: AtLeastZero
    batch_rows: AtLeastOne
    learning_rate: Positive
    head_learning_rate: Positive
    weight_decay: Annotated[Number, Field(ge=0)]
    warmup_share: ZeroOrShare
    class_weight: Literal["even", "none", "auto"]
    names: Annotated[Literal["auto", "off", False], NotZero]
    freeze_word_embeddings: bool
    early_stopping: section(patience=AtLeastZero, holdout_share=Share)
    warm_start: bool
    folds: AtLeastTwo
    pseudo_share: Share
    pseudo_rows: AtLeastOne
    pseudo_weight: Positive
    contrastive_steps: AtLeastOne


class Machine(Section):
    batch_tokens: AtLeastOne
    engine: Engine
    ray_address: Annotated[Name, AfterValidator(_address)]
    ray_cores: AtLeastOne
    ray_mixed: bool


class Params(Section):
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_no_repeats)]
    prepare: Prepare
    labels: Labels
    finetune_encoder: FinetuneEncoder
    embed: Embed
    reduce: Reduce
    map: section(method=Literal["umap", "pca"], rows=Annotated[int, Field(ge=4)], seed=Seed, neighbours=AtLeastTwo)
    cluster: section(clusters=Literal["auto"] | AtLeastTwo, seed=Seed, sweep_to=AtLeastTwo, exact_rows=AtLeastTwo)
    stages: Names
    select_stage1: section(n=Amount, pick=Strategy)
    rounds: dict[str, Round]
    score_entropy: section(score=Scorer)
    select_stageN: section(by=Strategy)
    strategies: section(committee=AtLeastTwo, held_back=Share)
    sufficient: section(rule=Literal["none", "agreement"], kappa=Share, comparisons=AtLeastOne)
    train: Train
    train_final: section(trainer=Literal["auto", "none"] | Learner, stages=Literal["last", "all"], arms=Names)
    train_full: section(epochs=AtLeastOne, seed=Seed, final=bool)
    predict: section(seed=Literal["mean"] | Seed, temperature=Literal["auto", "none"], abstain=ZeroOrShare)
    random_at: Names
    arms: Annotated[list[Arm], AfterValidator(_no_repeats)]
    report: section(measure=Literal["auto", "accuracy", "macro_f1"], target=Share)
    machine: Machine
