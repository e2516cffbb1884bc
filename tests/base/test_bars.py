"""Bars of work that takes long."""

import numpy as np
import pytest

from stages.core.base import bars
from stages.core.space import logistic, logistic_cv, sampling


def test_what_is_done_at_once_shows_nothing(capsys):
    assert list(bars.bar("work", 3, "parts", range(3))) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_what_takes_longer_shows_how_much_is_done_and_how_much_time_is_left(monkeypatch, capsys):
    monkeypatch.setattr(bars, "SECONDS", 0)
    assert list(bars.bar("work", 3, "parts", range(3))) == [0, 1, 2]
    assert "work: 100%" in (said := capsys.readouterr().err)
    assert "3.00/3.00" in said


def test_without_a_title_nothing_is_shown_however_long_it_takes(monkeypatch, capsys):
    monkeypatch.setattr(bars, "SECONDS", 0)
    assert list(bars.bar("", 2, "parts", range(2))) == [0, 1]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("balanced", [False, True])
def test_a_regression_counts_its_fits_and_chooses_as_scikit_learn_does_by_the_name_of_the_score(balanced, monkeypatch, capsys):
    from sklearn.linear_model import LogisticRegressionCV

    monkeypatch.setattr(bars, "SECONDS", 0)
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    labels[-1] = 3  # one that only one fold holds
    vectors = (rng.normal(size=(4, 8))[labels] + 2 * rng.normal(size=(90, 8))).astype(np.float32)
    choice = logistic_cv.choose(vectors, labels, 3, 0, balanced=balanced, title="train it")
    assert "train it: 100%" in (said := capsys.readouterr().err)
    assert "27.0/27.0" in said
    with logistic.quietly():
        folds = sampling.stratified_folds(labels, 3, 0)
        plain = LogisticRegressionCV(
            Cs=logistic_cv.STRENGTHS, cv=folds, scoring="neg_log_loss", max_iter=1000, l1_ratios=(0,),
            tol=logistic_cv.SEARCH_TOLERANCE, class_weight="balanced" if balanced else None, use_legacy_attributes=False,
        ).fit(vectors, labels)  # fmt: skip
    assert choice.strength == float(plain.C_)
