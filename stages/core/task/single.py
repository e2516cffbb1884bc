"""One class for each text. Methods are described in Task, see __init__.py."""

from typing import Any, ClassVar

import numpy as np

from stages.core.base import artifacts, class_shares, label_codes


class Single:
    accuracy = decides = "accuracy"
    refuses: ClassVar = dict.fromkeys(
        ("category_vector_inconsistency", "label_cardinality_inconsistency"), "each text has one label"
    )
    regression = "of_one"
    nothing = ""
    rows_to_decide = 0
    about: ClassVar = {}
    columns: ClassVar = []
    does = "Sorts texts into {} classes: {}."
    doubt = "its best class"

    def merged(self, labels: set) -> str | None:
        return next(iter(labels)) if len(labels) == 1 else None

    def described(self, rows):
        return "each text has one label"

    def array(self, labels, classes):
        number = {None: label_codes.OPEN} | {name: i for i, name in enumerate(classes)}
        return np.array([number[label] for label in labels], np.int64)

    def named(self, values, classes):
        return [classes[number] if number >= 0 else None for number in values]

    def read(self, written):
        return written or None

    def written(self, label):
        return label or ""

    def shared(self, labels):
        return set(), set()

    def none(self, shape, classes):
        return np.full(shape, label_codes.OPEN, np.int64)

    def no_predictions(self, shape, classes):
        return np.full(shape, label_codes.OPEN, np.int16)

    def load(self, path, shape, classes, least, dtype=np.int64):
        return artifacts.load(path, dtype, shape, within=(least, classes))

    def main(self, values):
        return values

    def has(self, values, number):
        return values == number

    def indicator(self, values, classes):
        return np.eye(classes, dtype=np.float32)[values]

    def uneven(self, values):
        return class_shares.uneven(values)

    def evened(self, values):
        _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
        return len(values) / (len(counts) * counts[number])

    def loss(self, logits: Any, target: Any) -> Any:
        import torch

        return torch.nn.functional.cross_entropy(logits, target, reduction="none")

    def said(self, logits: Any) -> Any:
        return logits.softmax(1)

    def logits(self, probabilities):
        with np.errstate(divide="ignore"):
            return np.log(probabilities)

    def says(self, logits):
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def predicted(self, probabilities):
        return probabilities.argmax(-1)

    def likelihood(self, probabilities, actual):
        return probabilities[np.arange(len(actual)), actual]

    def doubted(self, probabilities, given):
        return self.likelihood(probabilities, given), self.predicted(probabilities)

    def margin(self, probabilities):
        second, first = np.sort(probabilities, axis=1)[:, -2:].T
        return second - first

    def entropy(self, probabilities):
        from scipy.stats import entropy

        # 0 +: a certain class gives -0 otherwise.
        return (0 + entropy(probabilities, base=2, axis=1)).astype(np.float32)

    def choices(self, probabilities, actual):
        return probabilities, actual

    def same(self, predicted, actual):
        return predicted == actual

    def macro_f1(self, predicted, actual):
        from sklearn.metrics import f1_score

        return float(f1_score(actual, predicted, average="macro"))

    def further(self, probabilities, actual):
        return {}

    def cells(self, predicted, actual, classes):
        return actual * classes + predicted

    def both(self, cells, classes):
        counts = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
        right, both = np.diag(counts), counts.sum(0) + counts.sum(1)
        present = both > 0  # as macro_f1: classes that are actual or predicted
        return right.sum() / len(cells), (2 * right[present] / both[present]).mean()

    def table(self, predicted, actual, classes):
        from sklearn.metrics import confusion_matrix

        counts = confusion_matrix(actual, predicted, labels=range(classes))
        return counts, counts - np.diag(np.diag(counts))

    def distances(self, labels):
        return None

    def shown(self, value):
        return int(value)
