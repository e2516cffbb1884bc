"""The model to use from Python, with scikit-learn's names: load("data/model").predict(["a text"])."""

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path

import numpy as np

from stages.core import task
from stages.core.base import params
from stages.core.base.errors import Refused
from stages.core.prediction import ensemble, record


class Predictor:
    def __init__(self, models: ensemble.Ensemble):
        self.models, self.about = models, models.about  # the record in data/model
        self.classes_ = np.array(self.about.names, dtype=object)  # in the order of the columns of predict_proba
        self.abstain = self.about.abstain  # predict gives None where Task.doubt is below this; you may change it

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """float32 [texts, classes], as Task.says; NaN for a blank text. Raises Refused for anything but texts."""
        return self.models.probabilities(listed(texts))

    def predict(self, texts: Iterable[str]) -> np.ndarray:
        """object [texts]: the name of each text's likeliest class, None below the probability `abstain` and for a blank text.

        Where a text may have several labels, a tuple of their names.
        """
        probabilities, kind = self.predict_proba(texts), self.about.kind
        names = np.fromiter(kind.named(kind.predicted(probabilities), self.about.names), object, len(probabilities))
        names[~(task.sureness(kind, probabilities, np.min) >= self.abstain)] = None  # NaN is below everything
        return names


def listed(texts: Iterable[str]) -> list[str]:
    """The texts of a list, a table's column or any other iterable. Raises Refused for a single text, and for anything but texts."""
    if isinstance(texts, str):
        raise Refused("one text was given, possible: a list of texts; put it into a list: [text]")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise Refused(f"text number {number} (counted from 0) is a {type(text).__name__}, possible: str; convert or drop it")
    return texts


def load(folder: str | Path = record.FOLDER) -> Predictor:
    """The model of a project, by its folder data/model: a path relative to the current folder, or an absolute one.

    Raises Refused if there is no model yet, or if its encoder or weights have changed.
    """
    folder = Path(folder).absolute()
    about = record.load(folder)
    with chdir(folder.parent.parent):  # the record's paths are relative to the project
        return Predictor(ensemble.load(about, params.Section(about.embed), params.machine()))
