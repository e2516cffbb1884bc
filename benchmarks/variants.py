"""The arms that evidence.py compares, under their names in its results."""

import functools
from dataclasses import dataclass

import numpy as np

from benchmarks.harness import of_repository
from benchmarks.peers import PEERS
from benchmarks.setups import SETUPS
from stages.core import strategies
from stages.core.base import plugins
from stages.core.base.errors import Refused, choices
from stages.core.rows.results import BASELINE
from stages.core.strategies import Pick, PoolState

# The bucketed arm as described, and possible improvements: strategies for the first rows, for the uncertainty score, and for all
# later rows.
Variant = tuple[str, str, str]
DESCRIBED = "as described: random in buckets, then entropy in buckets"
OF_NAMES = ("unnamed", "names", "misled", "opaque", "mpnet-unnamed", "mpnet-names")  # studies of two arms
# Strategies that only texts with several labels have a use for, and those of other libraries that have none for these.
OF_SEVERAL = (
    "category_vector_inconsistency",
    "label_cardinality_inconsistency",
    "small-text CategoryVectorInconsistencyAndRanking",
)
CHOSEN = "typiclust, then margin, clustered anew"
VARIANTS: dict[str, Variant] = {
    DESCRIBED: ("random", "entropy", "buckets"),
    "random in buckets, then margin in buckets": ("random", "margin", "buckets"),
    "typical in buckets, then entropy in buckets": ("typical", "entropy", "buckets"),
    "typical in buckets, then margin in buckets": ("typical", "margin", "buckets"),
    "typical in buckets, then margin, clustered anew": ("typical", "margin", "recluster"),
    CHOSEN: ("typiclust", "margin", "recluster"),
    "margin, clustered anew": ("recluster", "margin", "recluster"),  # its first rows are the random arm's
}


@dataclass(frozen=True)
class Way:
    """How an arm chooses.

    first, then        pick the first rows, and all others
    score              the strategy that scores uncertainty, for strategies that need it
    uses_pool_labels   whether rows are chosen by labels that are not in the budget
    learner            the learner's class, if not the study's
    """

    first: Pick
    then: Pick
    score: str
    uses_pool_labels: bool = False
    learner: type | None = None


@functools.cache
def default() -> Variant:
    """The strategies of the repository's params.yaml."""
    params = of_repository()
    return params["select_stage1"]["pick"], params["score_entropy"]["score"], params["select_stageN"]["by"]


def name_of_default() -> str:
    """Its name in VARIANTS, else made of its strategies."""
    known = [name for name, variant in VARIANTS.items() if variant == default()]
    return known[0] if known else "{}, {}, {}".format(*default())


def variants() -> dict[str, Variant]:
    return VARIANTS | {name_of_default(): default()}


def at_random(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """The random arm: rows of the whole pool, whatever their bucket."""
    return pool.order[~np.isin(pool.order, pool.labelled)][:wanted]


def names() -> list[str]:
    """Every arm: random, the variants, our other strategies, those of other libraries, and these libraries' own setups."""
    parts = {BASELINE, "typical", "buckets", "recluster"}
    alone = [name for name in plugins.names("strategies", "pick") if name not in parts]
    return [BASELINE, *variants(), *alone, *PEERS, *SETUPS]


def names_in(study: str) -> list[str]:
    """The arms that a study runs by default. The libraries' own setups belong to `former`, whose vectors they use."""
    if study in (*OF_NAMES, "several-unnamed"):
        return [BASELINE, name_of_default()]
    if study == "several":
        margins = [name for name, (_, score, _) in variants().items() if score == "margin"]
        return [BASELINE, *margins, "margin", "entropy", "badge", *OF_SEVERAL]
    return [BASELINE, *SETUPS] if study == "former" else [name for name in names() if name not in (*SETUPS, *OF_SEVERAL)]


def way(arm: str) -> Way:
    """How an arm chooses. Raises Refused for a name that is not among `names()`."""
    if arm not in names():
        raise Refused(f"arm {arm}; {choices(arm, names())}")
    score = default()[1]
    if arm == BASELINE:
        return Way(at_random, at_random, score)
    if arm in PEERS:
        return Way(PEERS[arm], PEERS[arm], score)
    if arm in SETUPS:
        learner, pick = SETUPS[arm]
        return Way(pick, pick, score, learner=learner)
    if arm in variants():
        first, score, then = variants()[arm]
        return Way(strategies.named(first).pick, strategies.named(then).pick, score)
    strategy = strategies.named(arm)
    return Way(strategy.pick, strategy.pick, score, getattr(strategy, "USES_POOL_LABELS", False))
