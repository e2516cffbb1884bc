"""Pool states for strategies, made by hand."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from stages.core.rows.labels import Labels
from stages.core.strategies import PoolState, choose

OF_SEVERAL = {"category_vector_inconsistency", "label_cardinality_inconsistency"}  # labels a text; tests/task has them
FILES = {file.stem for file in (Path(__file__).parent.parent.parent / "stages/core/strategies").glob("[!_]*.py")}
ALL = sorted(FILES - OF_SEVERAL)
MODULES = {name: importlib.import_module(f"stages.core.strategies.{name}") for name in ALL}
MARKED = [name for name in ALL if getattr(MODULES[name], "USES_POOL_LABELS", False)]


class Says:
    """A model with given probabilities, float32 [pool, classes], and features, float32 [pool, width]."""

    def __init__(self, probabilities, features=None):
        self.p, self.h = np.array(probabilities, np.float32), np.array(features, np.float32)

    def probabilities(self, rows):
        return self.p[rows]

    def features(self, rows):
        return self.h[rows]


def known(
    points=None, model=None, labelled=(), actual=None, train=None, buckets=None, classes=2, everything=False, scored=None,
    shares=None, order=None, **options,
):  # fmt: skip
    """A PoolState as long as what is given; by default in row order, with buckets that give rows equally."""
    given = next(each for each in (points, scored, model and model.p, actual, buckets) if each is not None)
    rows = np.arange(len(given))
    labelled = np.array(labelled, np.int64)
    answers = np.zeros(len(rows), int) if actual is None else np.array(actual)
    bought = rows if everything else labelled
    return PoolState(
        np.array(np.zeros((len(rows), 1)) if points is None else points, np.float32),
        buckets := None if buckets is None else np.array(buckets, np.int32),
        np.ones(1 if buckets is None else buckets.max() + 1) if shares is None else np.array(shares),
        rows if order is None else np.array(order),
        labelled,
        Labels(answers, len(bought)).buy(bought),
        classes,
        SimpleNamespace(**options),
        model,
        train,
        None if scored is None else np.array(scored, np.float32),
    )


def pick(name, wanted, seed=0, **what):
    """Rows that a strategy picks."""
    return MODULES[name].pick(known(**what), wanted, np.random.default_rng(seed)).tolist()


def chosen(name, wanted, seed=0, **what):
    """The same through `choose`, as arms ask: checked, and the random arm's rows where there is no model yet."""
    return choose(MODULES[name].pick, known(**what), wanted, np.random.default_rng(seed)).tolist()
