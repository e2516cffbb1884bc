"""Progress bars."""

import numpy as np
import pytest

from stages.core.base import bars
from stages.core.space import logistic, logistic_cv, sampling


def test_short_work_shows_no_bar(capsys):
    assert list(bars.bar("work", 3, "parts", range(3))) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_longer_work_shows_how_much_is_done(monkeypatch, capsys):
    monkeypatch.setattr(bars, "SECONDS", 0)
    assert list(bars.bar("work", 3, "parts", range(3))) == [0, 1, 2]
    assert "work: 100%" in (said := capsys.readouterr().err)
    assert "3.00/3.00" in said


def test_a_bar_without_a_title_is_never_shown(monkeypatch, capsys):
    monkeypatch.setattr(bars, "SECONDS", 0)
    assert list(bars.bar("", 2, "parts", range(2))) == [0, 1]
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize("balanced", [False, True])
def test_a_regression_counts_its_fits_and_chooses_the_strength_that_scikit_learn_chooses(balanced, monkeypatch, capsys):
    from sklearn.linear_model import LogisticRegressionCV

    monkeypatch.setattr(bars, "SECONDS", 0)
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    labels[-1] = 3  # a class that only one fold contains
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
