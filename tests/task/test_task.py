"""What a label is: one class or several; and that no file outside the room asks which."""

import re

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from stages.core import task
from stages.core.base.errors import Refused
from stages.core.base.label_codes import CONFLICT, NO_CLASS, OPEN
from stages.core.base.params import Section
from stages.core.rows import measures
from stages.core.rows.labels import Labels
from stages.core.space import sigmoids
from stages.core.strategies import PoolState, category_vector_inconsistency, label_cardinality_inconsistency
from tests.support.project import ROOT

ASKING = r"isinstance\([^)]*(Multi|Single|MULTI|SINGLE)|dtype\s*(==|is)[^\n]*int8|(==|is|in|not)\s+\(?task\.(MULTI|SINGLE)"


def test_no_file_outside_the_room_asks_which_kind_a_label_is():
    files = [file for file in (ROOT / "stages").rglob("*.py") if file.parent != ROOT / "stages/core/task"]
    assert len(files) > 100
    said = [f"{file.relative_to(ROOT)}: {found[0]}" for file in files for found in re.finditer(ASKING, file.read_text())]
    assert said == []


def test_both_kinds_have_all_that_the_contract_names():
    wanted = {name for name in vars(task.Task) if not name.startswith("_")} | set(task.Task.__annotations__)
    for kind in (task.SINGLE, task.MULTI):
        assert wanted - set(dir(kind)) == set()


ROWS = [("a", "c"), (), None, ("b",), ("a", "b")]
VALUES = [[1, 0, 1], [0, 0, 0], [OPEN] * 3, [0, 1, 0], [1, 1, 0]]


def test_labels_of_several_are_rows_of_0_and_1_and_codes_fill_a_row():
    values = task.MULTI.array(ROWS, ["a", "b", "c"])
    assert (values.dtype, values.tolist()) == (np.int8, VALUES)
    assert task.of(values) is task.MULTI
    values = np.concatenate([values, np.full((1, 3), NO_CLASS, np.int8), np.full((1, 3), CONFLICT, np.int8)])
    assert (task.codes(values) >= 0).tolist() == [True, True, False, True, True, False, False]
    assert task.codes(values)[[2, 5, 6]].tolist() == [OPEN, NO_CLASS, CONFLICT]
    assert task.MULTI.main(values).tolist() == [2, 3, OPEN, 1, 0, NO_CLASS, CONFLICT]  # c is the rarest; 3: none
    assert [task.MULTI.shown(each) for each in values[[0, 1, 2]]] == ["0;2", "", OPEN]
    assert [task.numbers(each) for each in ("0;2", "", OPEN, 1)] == [{0, 2}, set(), {OPEN}, {1}]


def test_the_door_gives_rows_of_labels_only_where_they_are_paid_for():
    account = Labels(task.MULTI.array(ROWS, ["a", "b", "c"]), 3).buy(np.array([0, 2, 4]))
    assert account.of(np.array([4, 0])).tolist() == [VALUES[4], VALUES[0]]
    assert account.without_class().tolist() == [2]
    with pytest.raises(Refused, match="never paid for"):
        account.of(np.array([1]))


def random_labels(seed=0, rows=200, classes=5):
    rng = np.random.default_rng(seed)
    actual = (rng.random((rows, classes)) < [0.6, 0.3, 0.2, 0.1, 0.05]).astype(np.int8)
    said = np.clip(actual * 0.4 + rng.random((rows, classes)) * 0.6, 0.01, 0.99).astype(np.float32)
    return actual, said


def test_measures_of_several_are_those_of_scikit_learn():
    actual, said = random_labels()
    predicted = task.MULTI.predicted(said)
    assert measures.accuracy(said, actual) == pytest.approx(metrics.accuracy_score(actual, predicted))
    assert measures.macro_f1(said, actual) == pytest.approx(metrics.f1_score(actual, predicted, average="macro"))
    for name in measures.MEASURES:
        assert measures.by_row(name, predicted, actual, 5).mean() == pytest.approx(measures.MEASURES[name](said, actual))
    further = task.MULTI.further(said, actual)
    assert further["hamming_loss"] == pytest.approx((predicted != actual).mean())
    assert further["micro_f1"] == pytest.approx(metrics.f1_score(actual, predicted, average="micro"))
    precisions = sigmoids.average_precision(said, actual.astype(float))
    assert further["mean_average_precision"] == pytest.approx(precisions.mean())
    counts, wrong = task.MULTI.table(predicted, actual, 5)
    missed, given = measures.errors(predicted, actual, 5)
    assert wrong.tolist() == np.stack([0 * missed, missed, given], 1).tolist()
    assert (counts[:, :2].sum(1) == actual.sum(0)).all()
    assert measures.chosen("auto", actual) == "macro_f1"
    once, again = (task.MULTI.further(each, actual * 0) for each in (said, said * 0))  # no row has any
    assert (once["mean_average_precision"], again["micro_f1"], measures.macro_f1(said * 0, actual * 0)) == (0, 0, 0)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("width", [8, 90])
def test_columns_that_are_fitted_together_are_fitted_as_each_alone(strength, width):
    actual, _ = random_labels(rows=60)
    rng = np.random.default_rng(1)
    points = rng.normal(size=(60, width)).astype(np.float32) + actual @ rng.normal(size=(5, width)).astype(np.float32)
    weights = rng.uniform(0.5, 2, (60, 5)).astype(np.float32)
    columns = np.flatnonzero(actual.any(0))
    slopes, bias = sigmoids.fitted(
        points, actual[:, columns].astype(np.float32), weights[:, columns], np.full(len(columns), strength), left=1e-6
    )
    for place, column in enumerate(columns):
        alone = LogisticRegression(C=strength, tol=1e-8, max_iter=10_000)
        alone.fit(points.astype(float), actual[:, column], weights[:, column])
        wanted = alone.decision_function(points)
        assert np.abs(points @ slopes[place] + bias[place] - wanted).max() < 0.03 * max(1, np.abs(wanted).max())


def test_a_class_with_few_rows_is_given_to_about_as_many_open_rows_as_labelled_ones():
    apart = []
    for seed in range(5):
        actual, _ = random_labels(seed, rows=2_000)
        rng = np.random.default_rng(seed)
        vectors = (rng.normal(size=(2_000, 40)) * 2 + actual @ rng.normal(size=(5, 40))).astype(np.float32)
        labelled, rows = np.arange(60), np.arange(60, 2_000)
        train = Section({"pseudo_share": 0.5, "pseudo_rows": 1_500, "pseudo_weight": 1.0, "folds": 5, "class_weight": "even"})
        for some in (rows, rows[:0]):
            model = sigmoids.regression(vectors, labelled, actual[labelled], some, train, seed, "")
            given = task.MULTI.predicted(model.probabilities(vectors[rows])).mean(0)
            apart.append(np.abs(given - actual[labelled].mean(0)).mean())
    with_open_rows, alone = np.mean(apart[::2]), np.mean(apart[1::2])
    assert with_open_rows < 0.75 * alone


def test_a_threshold_is_reached_by_as_many_rows_as_asked_for_but_never_by_none_nor_all():
    logits = np.random.default_rng(0).normal(size=(50, 4))
    assert (logits >= sigmoids.threshold(logits, np.array([0, 7.4, 30, 80]))).sum(0).tolist() == [1, 7, 30, 49]


def pool(kind, labels, said, labelled):
    class Says:
        def probabilities(self, rows):
            return said[rows]

    paid, no = Labels(labels, len(labelled)).buy(labelled), None
    order = np.arange(len(labels))[::-1]
    return PoolState(no, no, no, order, labelled, paid, said.shape[1], no, Says(), no, kind=kind)


def test_rows_with_a_strange_number_or_set_of_labels_come_first():
    labels = np.array([[1, 0, 0, 0], [0, 1, 0, 0], *[[0, 0, 0, 0]] * 4], np.int8)
    said = np.array([[0.9, 0.1, 0.1, 0.1]] * 5 + [[0.6, 0.6, 0.6, 0.6]], np.float32)
    known = pool(task.MULTI, labels, said, np.array([0, 1]))
    rng = np.random.default_rng(0)
    for strategy in (category_vector_inconsistency, label_cardinality_inconsistency):
        assert strategy.pick(known, 2, rng).tolist() == [5, 4]  # then the first in order
        one = pool(task.SINGLE, np.zeros(6, np.int64), said, np.array([0, 1]))
        with pytest.raises(Refused, match="not here, since each text has one label"):
            strategy.pick(one, 1, rng)
    unlike = category_vector_inconsistency.unlikeness(np.float32([[1, 0, 0, 0], [0, 1, 1, 1]]), np.float32([[1, 0, 0, 0]]))
    assert unlike.ravel().tolist() == pytest.approx([0, 1])
