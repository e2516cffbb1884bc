"""Choose the regularisation of a regression on vectors by cross-validation on the labelled rows.

This choice decides comparisons: with a fixed weak one random rows look worse, and any strategy three times as good against them.
"""

from typing import Any

import numpy as np

from stages.core.base import bars
from stages.core.space.layers import weight_of_last, weighted
from stages.core.space.logistic import Choice, principal_axes, quietly
from stages.core.space.sampling import first_copies, stratified, stratified_folds

STRENGTHS = np.logspace(-2, 2, 9)  # C of scikit-learn: inverse strength of the L2 penalty
# Limits of the search for C; the final fit has all rows and axes. On four data sets C was as good, in a fifth to half the time.
SEARCH_ROWS, SEARCH_AXES, SEARCH_TOLERANCE = 5_000, 256, 1e-3


def choose(
    vectors: np.ndarray, labels: np.ndarray, folds: int, seed: int, balanced: bool = False, title: str = "", numbers: Any = None
) -> Choice:
    """The weight of the last layer, and the best of STRENGTHS by log-loss; C is 1 where no class has two rows.

    vectors    float [labelled, width] or [labelled, layers, width]
    labels     int64 [labelled]   class numbers
    folds      of the cross-validation, as in `stratified_folds`
    balanced   whether all classes weigh the same
    title      of the progress bar; none is shown for ""
    numbers    int64 [labelled]   of the rows: copies, as of a committee's bootstrap, stand on one side of a fold; None: no copies
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.metrics import log_loss, make_scorer

    rng = np.random.default_rng(seed)
    numbers = np.arange(len(labels)) if numbers is None else numbers
    once = first_copies(numbers)
    alone = slice(None) if len(once) == len(labels) else once  # a slice copies no vectors
    last = weight_of_last(vectors[alone], labels[alone], rng)
    rows = stratified(labels, SEARCH_ROWS, folds, rng)
    with quietly(), bars.bar(title, 0, "fits") as bar:
        splits = stratified_folds(labels[rows], folds, seed, numbers[rows])
        if not splits or len(np.unique(labels)) == 1:
            return Choice(1.0, last)
        points = weighted(vectors[rows], last)
        bar.total = len(splits) * len(STRENGTHS)

        def counted_loss(actual: np.ndarray, probabilities: np.ndarray, labels: np.ndarray) -> float:
            """Log-loss over all `labels`, which scikit-learn passes: a fold may lack some."""
            bar.update()
            return log_loss(actual, probabilities, labels=labels)

        search = LogisticRegressionCV(
            Cs=STRENGTHS,
            cv=splits,
            scoring=make_scorer(counted_loss, greater_is_better=False, response_method="predict_proba"),
            class_weight="balanced" if balanced else None,
            tol=SEARCH_TOLERANCE,
            max_iter=1000,
            l1_ratios=(0,),
            use_legacy_attributes=False,
        )
        return Choice(float(search.fit(points @ principal_axes(points, SEARCH_AXES), labels[rows]).C_), last)
