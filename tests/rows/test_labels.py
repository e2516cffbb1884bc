"""The door to labels: it opens for rows bought within a budget and for no others."""

import numpy as np
import pytest

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.rows import labels, rounds
from stages.core.rows.labels import CONFLICT, NO_CLASS, OPEN, Labels

# fmt: off
#                 row  0  1  2  3  4
ANSWERS = np.array([   2, 0, 1, 0, 1])
# fmt: on


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with three classes, a pool of five answers and a holdout of one."""
    monkeypatch.chdir(tmp_path)
    artifacts.save_json(paths.CLASSES, ["neg", "mid", "pos"])
    artifacts.save(paths.ANSWERS, ANSWERS)
    artifacts.save(paths.HOLDOUT_LABELS, np.array([1]))


def bought(*rows, budget=5):
    return Labels(ANSWERS, budget).buy(np.array(rows, np.int64))


def test_rows_that_were_bought_are_answered_in_the_order_asked():
    assert bought(4, 1).of(np.array([1, 4, 1])).tolist() == [0, 1, 0]


def test_a_row_that_was_not_bought_is_refused_by_its_number():
    message = r"^label of row 2 of data/pool.jsonl was read but never paid for \(1 such rows\)"
    with pytest.raises(Refused, match=message):
        bought(4, 1).of(np.array([2]))


def test_one_unpaid_row_among_paid_ones_refuses_them_all():
    with pytest.raises(Refused, match=r"row 3 .*\(2 such rows\)"):
        bought(4, 1).of(np.array([4, 3, 1, 0]))


def test_nothing_bought_answers_nothing_asked_and_refuses_the_rest():
    assert bought().of(np.array([], dtype=np.int64)).tolist() == []
    with pytest.raises(Refused, match="row 0"):
        bought().of(np.array([0]))


def test_no_more_is_bought_than_the_budget_allows_and_then_nothing_is():
    account = bought(0, 1, budget=3)
    with pytest.raises(Refused, match=r"^4 labels are wanted, 3 are in the budget"):
        account.buy(np.array([2, 3]))
    with pytest.raises(Refused, match="row 2"):
        account.of(np.array([2]))
    assert account.buy(np.array([2])).of(np.array([0, 1, 2])).tolist() == [2, 0, 1]


def test_a_row_costs_once_however_often_it_is_asked_for():
    assert bought(1, 1, budget=1).buy(np.array([1])).of(np.array([1])).tolist() == [0]


def test_what_one_account_bought_does_not_open_the_door_for_another(data):
    labels.within_budget(5).buy(np.arange(5))
    with pytest.raises(Refused, match="row 2"):
        labels.within_budget(1).buy(np.array([0])).of(np.array([2]))


def test_a_stage_knows_the_labels_that_it_bought_and_reads_no_answers(data):
    paths.ANSWERS.unlink()
    rounds.save_labelled("stage1", np.array([[3, 0], [1, 4]]))
    artifacts.save(rounds.folder("stage1") / "labels.npy", np.array([[0, 2], [OPEN, 1]]))
    first, second = labels.of_stage("stage1", [7, 8], pool_rows=5)
    assert first.of(np.array([0, 3])).tolist() == [2, 0]
    assert second.of(np.array([4, 1])).tolist() == [1, OPEN]
    for account, foreign in ((first, 1), (second, 3)):
        with pytest.raises(Refused, match="never paid for"):
            account.of(np.array([foreign]))


@pytest.mark.parametrize("value", [CONFLICT - 1, 3])
def test_an_answer_that_is_no_class_is_refused(data, value):
    artifacts.save(paths.ANSWERS, np.array([0, value, NO_CLASS, CONFLICT, OPEN]))
    with pytest.raises(Refused, match=rf"data/answers.npy: .*{value}"):
        labels.answers()


def test_labels_of_a_stage_that_are_not_one_a_row_are_refused(data):
    rounds.save_labelled("stage1", np.array([[3, 0], [1, 4]]))
    artifacts.save(rounds.folder("stage1") / "labels.npy", np.array([[0], [1]]))
    with pytest.raises(Refused, match=r"data/stage1/labels.npy: expected shape \(2, 2\), found \(2, 1\)"):
        labels.of_stage("stage1", [7, 8], pool_rows=5)


def test_labels_of_the_holdout_need_no_payment(data):
    assert labels.holdout().tolist() == [1]


def test_a_row_of_the_holdout_may_wait_for_its_label_as_a_row_of_the_pool_may(data):
    artifacts.save(paths.HOLDOUT_LABELS, np.array([1, OPEN, NO_CLASS, CONFLICT]))
    assert labels.holdout().tolist() == [1, OPEN, NO_CLASS, CONFLICT]
    artifacts.save(paths.HOLDOUT_LABELS, np.array([1, CONFLICT - 1]))
    with pytest.raises(Refused, match=r"data/holdout_labels.npy: found -4, possible: -3 to 2"):
        labels.holdout()


def test_reading_the_whole_pool_says_why(data, capsys):
    assert labels.whole_pool("to describe").tolist() == ANSWERS.tolist()
    assert capsys.readouterr().out == "labels: the whole pool's are read (to describe)\n"
