"""The door to labels: it opens for rows paid for and for no others."""

import numpy as np
import pytest

from stages.core import artifacts, labels
from stages.core.errors import Refused
from stages.core.labels import Labels

# fmt: off
#                 row  0  1  2  3  4
VALUES = np.array([    2, 0, 1, 0, 1])
# fmt: on
PAID = np.array([4, 1])


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with a pool of three rows, a holdout of one and three classes."""
    monkeypatch.chdir(tmp_path)
    artifacts.save_json(artifacts.CLASSES, ["neg", "mid", "pos"])
    artifacts.save_jsonl(artifacts.POOL, [{"text": str(i), "label": label} for i, label in enumerate(["pos", "neg", "mid"])])
    artifacts.save_jsonl(artifacts.HOLDOUT, [{"text": "x", "label": "mid"}])


def test_paid_rows_are_answered_in_the_order_asked():
    assert Labels(VALUES, PAID).of(np.array([1, 4, 1])).tolist() == [0, 1, 0]


def test_an_unpaid_row_is_refused_by_its_number():
    message = r"^label of row 2 of data/pool.jsonl was asked for but never paid for \(1 such rows\)"
    with pytest.raises(Refused, match=message):
        Labels(VALUES, PAID).of(np.array([2]))


def test_one_unpaid_row_among_paid_ones_refuses_them_all():
    with pytest.raises(Refused, match=r"row 3 .*\(2 such rows\)"):
        Labels(VALUES, PAID).of(np.array([4, 3, 1, 0]))


def test_nothing_paid_answers_nothing_asked_and_refuses_the_rest():
    unpaid = Labels(VALUES, np.array([], dtype=np.int64))
    assert unpaid.of(np.array([], dtype=np.int64)).tolist() == []
    with pytest.raises(Refused, match="row 0"):
        unpaid.of(np.array([0]))


def test_what_one_draw_paid_for_does_not_open_the_door_for_another(data):
    labels.paid_for(np.array([0, 1, 2]))
    with pytest.raises(Refused, match="row 2"):
        labels.paid_for(np.array([0])).of(np.array([2]))


def test_labels_of_the_pool_are_numbers_in_the_order_of_the_classes(data):
    assert labels.paid_for(np.array([0, 1, 2])).of(np.array([0, 1, 2])).tolist() == [2, 0, 1]


def test_labels_of_the_holdout_need_no_payment(data):
    assert labels.holdout().tolist() == [1]


def test_reading_the_whole_pool_says_why(data, capsys):
    assert labels.whole_pool("the upper bound").tolist() == [2, 0, 1]
    assert capsys.readouterr().out == "labels: the whole pool's are read (the upper bound)\n"


def test_a_label_that_is_no_class_is_refused(data):
    artifacts.save_json(artifacts.CLASSES, ["neg", "pos"])
    with pytest.raises(Refused, match=r"^data/pool.jsonl: label 'mid' is not in data/classes.json; run `dvc repro`"):
        labels.paid_for(np.array([0]))
