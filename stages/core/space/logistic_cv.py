"""How strongly a regression on vectors is regularised, chosen by cross-validation on the labelled rows.

The choice matters: with a fixed weak regularisation random rows look worse than they are, and any way of
selecting looks three times as good against them.
"""

import numpy as np

from stages.core.base import bars
from stages.core.space.layers import weight_of_last, weighted
from stages.core.space.logistic import Choice, Logistic, fitted, principal_axes, quietly
from stages.core.space.sampling import stratified, stratified_folds

STRENGTHS = np.logspace(-2, 2, 9)  # C of scikit-learn: inverse strength of the L2 penalty
# C is chosen on so many rows and axes at most, and to a tolerance that tells strengths apart; the fit itself has all.
# On four data sets it was the same C, or one as good, in half to a fifth of the time.
SEARCH_ROWS, SEARCH_AXES, SEARCH_TOLERANCE = 5_000, 256, 1e-3


def fit(vectors: np.ndarray, labels: np.ndarray, classes: int, folds: int, seed: int, title: str = "") -> Logistic:
    """Regression on labelled rows, as `choose` and `fitted` say."""
    return fitted(vectors, labels, classes, choose(vectors, labels, folds, seed, title=title))


def choose(vectors: np.ndarray, labels: np.ndarray, folds: int, seed: int, balanced: bool = False, title: str = "") -> Choice:
    """
    vectors    float [labelled, width] or [labelled, layers, width]
    labels     int64 [labelled]   class numbers
    folds      of the cross-validation that chooses C, the best of 9 by log-loss, on SEARCH_ROWS rows `stratified`, in the folds of
               `stratified_folds`. Where no class has two labelled rows nothing can be validated, and C is 1
    balanced   whether all classes weigh the same in it
    title      of the bar; none is shown without
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.metrics import log_loss, make_scorer

    rng = np.random.default_rng(seed)
    last = weight_of_last(vectors, labels, rng)
    rows = stratified(labels, SEARCH_ROWS, folds, rng)
    with quietly(), bars.bar(title, 0, "fits") as bar:
        splits = stratified_folds(labels[rows], folds, seed)
        if not splits or len(np.unique(labels)) == 1:
            return Choice(1.0, last)
        points = weighted(vectors[rows], last)
        bar.total = len(splits) * len(STRENGTHS)

        def counted(actual: np.ndarray, said: np.ndarray, labels: np.ndarray) -> float:
            """The log-loss, over all `labels`, which scikit-learn gives: a fold may lack some."""
            bar.update()
            return log_loss(actual, said, labels=labels)

        search = LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=splits,
            scoring=make_scorer(counted, greater_is_better=False, response_method="predict_proba"),
            class_weight="balanced" if balanced else None,
            tol=SEARCH_TOLERANCE,
            max_iter=1000,
            l1_ratios=(0,),
            use_legacy_attributes=False,
        )
        return Choice(float(search.fit(points @ principal_axes(points, SEARCH_AXES), labels[rows]).C_), last)
