"""A small model that imitates the one to use and needs no encoder: a regression on words and pieces of words, for a million texts
an hour.

The model labels texts of the pool, and the student learns what it says of them (distillation: Hinton et al. 2015, section 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from stages.core import task
from stages.core.base.errors import Refused
from stages.core.space import sigmoids

WORDS = {"token_pattern": r"\w+|[^\w\s]", "ngram_range": (1, 2)}  # words, signs, and pairs of them
PIECES = {"analyzer": "char_wb", "ngram_range": (2, 5)}  # letters of words, which have a blank on both sides
MOST_FEATURES, MOST_TEXTS = 200_000, 50_000
LIKELIEST, LEAST = 3, 0.01  # classes of a text that are learned, and the least probability
STRENGTH = 10.0  # C of scikit-learn


@dataclass(frozen=True)
class Student:
    vectoriser: Any  # scikit-learn's TfidfVectorizer for WORDS and one for PIECES, side by side
    weights: np.ndarray  # float32 [features + 1, classes]; the last row is the bias
    kind: task.Task = task.SINGLE

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, classes], as Task.says."""
        return self.kind.says(self.vectoriser.transform(texts) @ self.weights[:-1] + self.weights[-1])

    def save(self, folder: Path) -> dict:
        """Save the arrays; gives what about.json says of them."""
        kinds = [each for _, each in self.vectoriser.transformer_list]
        np.save(folder / "idf.npy", np.concatenate([each.idf_ for each in kinds]).astype(np.float32), allow_pickle=False)
        np.save(folder / "weights.npy", self.weights, allow_pickle=False)
        words, pieces = (each.get_feature_names_out().tolist() for each in kinds)
        return {"words": words, "pieces": pieces, "lengths": PIECES["ngram_range"]}


def taught(texts: Sequence[str], probabilities: np.ndarray, kind: task.Task = task.SINGLE) -> Student:
    """A student of these texts.

    probabilities   float [texts, classes]   what the model says of each, as Task.says

    Raises Refused where there is nothing to learn.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    usual = {"min_df": 2, "max_features": MOST_FEATURES, "sublinear_tf": True, "dtype": np.float32}
    vectoriser = make_union(TfidfVectorizer(**WORDS, **usual), TfidfVectorizer(**PIECES, **usual))
    try:
        vectors = vectoriser.fit_transform(texts)
    except ValueError:  # of WORDS or of PIECES
        raise Refused("STATIC = 1: no word occurs in two texts of the pool, so there is nothing to learn from") from None
    weights = {"of_one": of_one, "of_several": of_several}[kind.regression](vectors, probabilities)
    return Student(vectoriser, weights, kind)


def of_several(vectors: Any, probabilities: np.ndarray) -> np.ndarray:
    """Weights as in Student: a text counts as one that has a class, as far as the model says so, and else as one without it."""
    twice = sparse.csr_array(sparse.hstack([sparse.vstack([vectors, vectors]), np.ones((2 * len(probabilities), 1), np.float32)]))
    weights = np.concatenate([probabilities, 1 - probabilities]).astype(np.float32)
    targets = np.zeros_like(weights)
    targets[: len(probabilities)] = 1
    blocks = np.array_split(np.arange(weights.shape[1]), -(-twice.shape[1] * weights.shape[1] // sigmoids.CELLS))
    strengths = np.full(weights.shape[1], STRENGTH, np.float32)
    made = [sigmoids.newton(twice, targets[:, b], weights[:, b], strengths[b], sigmoids.FINE) for b in blocks]
    return np.concatenate(made, axis=1)


def of_one(vectors: Any, probabilities: np.ndarray) -> np.ndarray:
    """Weights as in Student. Raises Refused where the model gives all texts one class."""
    from sklearn.linear_model import LogisticRegression

    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :LIKELIEST]
    likely = np.take_along_axis(probabilities, likeliest, 1)
    rows, place = np.nonzero(likely >= np.minimum(LEAST, likely[:, :1]))
    learned = likeliest[rows, place]
    if len(np.unique(learned)) < 2:
        raise Refused(
            "STATIC = 1: the model gives every text of the pool one class, and a student needs two; label more rows first"
        )
    regression = LogisticRegression(C=STRENGTH, max_iter=300).fit(vectors[rows], learned, probabilities[rows, learned])
    slopes, bias = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # scikit-learn gives one row for two classes
        slopes, bias = np.vstack([-slopes, slopes]) / 2, np.concatenate([-bias, bias]) / 2
    weights = np.zeros((vectors.shape[1] + 1, probabilities.shape[1]), np.float32)
    weights[-1] = -np.inf  # of classes that no text has
    weights[:, regression.classes_] = np.vstack([slopes.T, bias])
    return weights
