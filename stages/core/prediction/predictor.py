"""The model to use from Python, with scikit-learn's names: load("data/model").predict(["a text"])."""

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path

import numpy as np

from stages.core.base import params
from stages.core.base.errors import Refused
from stages.core.prediction import ensemble, record


class Predictor:
    """
    classes_     object [classes]   names of the classes, in the order of the columns of predict_proba
    abstain      predict leaves a text open, None, where no class has this probability; may be set
    about        what data/model says of it
    """

    def __init__(self, models: ensemble.Ensemble):
        self.models, self.about = models, models.about
        self.classes_ = np.array(self.about.classes, dtype=object)
        self.abstain = self.about.abstain

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """float32 [texts, classes], each row summing to 1. Raises Refused for what is no text."""
        return self.models.probabilities(listed(texts))

    def predict(self, texts: Iterable[str]) -> np.ndarray:
        """object [texts]: the name of the likeliest class of each, None where it is below `abstain`."""
        probabilities = self.predict_proba(texts)
        found = self.classes_[probabilities.argmax(1)]
        found[probabilities.max(1) < self.abstain] = None
        return found


def listed(texts: Iterable[str]) -> list[str]:
    """A list, a column of a table or anything else that holds texts. Raises Refused for what is no text, and for one alone."""
    if isinstance(texts, str):
        raise Refused("one text was given, possible: a list of texts; put it into one: [text]")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise Refused(f"text number {number} (counted from 0) is a {type(text).__name__}, possible: str; convert or drop it")
    return texts


def load(folder: str | Path = record.FOLDER) -> Predictor:
    """The model of a project, by its folder data/model: relative to this folder, or from anywhere by a whole path.

    Raises Refused where there is no model yet, and where its encoder or weights are not those it was made of.
    """
    folder = Path(folder).absolute()
    about = record.load(folder)
    with chdir(folder.parent.parent):  # the project, which all that is named in it is relative to
        return Predictor(ensemble.load(about, params.Section(about.embed), params.machine()))
