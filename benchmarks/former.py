"""The probe as it was at commit 4540774, to measure what later changes are worth.

A class with a single labelled row switched its cross-validation off, and C was 1: with 77 classes nearly always.
"""

from typing import Any

import numpy as np

from stages.core.learners import probe
from stages.core.space import logistic, probe_model

STRENGTHS = np.logspace(-3, 2, 11)


class Learner(probe.Learner):
    def fit(
        self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, *_: Any
    ) -> probe_model.ProbeModel:
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.model_selection import StratifiedKFold

        vectors, counts = pool[labelled], np.unique(labels, return_counts=True)[1]
        folds, strength = min(self.train.folds, counts.min()), 1.0
        if folds >= 2 and len(counts) >= 2:
            search = LogisticRegressionCV(
                Cs=STRENGTHS,
                cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
                scoring="neg_log_loss",
                tol=1e-3,
                max_iter=1000,
                l1_ratios=(0,),
                use_legacy_attributes=False,
            )
            with logistic.quietly():
                strength = float(search.fit(vectors, labels).C_)
        fitted = logistic.fitted(vectors, labels, self.classes, logistic.Choice(strength, last=1.0))
        return probe_model.ProbeModel(fitted, probe.KIND, self.embed)
