"""Any number of classes for each text. Methods are described in Task, see __init__.py."""

from itertools import product
from typing import Any, ClassVar

import numpy as np

from stages.core.base import artifacts, label_codes

NONE, BETWEEN = "-", ";"  # how people write that a text has none of the labels, and what they write between several


class Multi:
    accuracy, decides = "exact match", "macro_f1"
    refuses: ClassVar = dict.fromkeys(("contrastive", "names"), "texts may have several labels")
    regression = "of_several"
    nothing = NONE
    rows_to_decide = 1_000
    about: ClassVar = {"several": True}
    columns: ClassVar = ["found", "missed", "wrongly given"]
    does = """Gives texts any of {} labels, or none: {}. A label is given from a probability of 0.5 on: training found
the threshold of each on rows it had left out, and folded it into the bias."""
    doubt = "the label it is least sure of"

    def merged(self, labels: set) -> tuple[str, ...] | None:
        return tuple(sorted(set().union(*labels))) if labels else None

    def described(self, rows):
        many = np.array([len(row["label"]) for row in rows if row["label"] is not None])
        if not len(many):
            return "texts may have several labels"
        shares = f"{(many > 1).mean():.0%} have several and {(many == 0).mean():.0%} none"
        only_one = "; as each has one, labels.kind: single suits one column of labels better" if (many == 1).all() else ""
        return f"texts may have several labels: {many.mean():.2f} each, {shares}{only_one}"

    def array(self, labels, classes):
        labels = list(labels)
        made, number = self.none((len(labels),), len(classes)), {name: i for i, name in enumerate(classes)}
        for row, label in enumerate(labels):
            if label is not None:
                made[row] = 0
                made[row, [number[name] for name in label]] = 1
        return made

    def named(self, values, classes):
        return [None if row[0] < 0 else tuple(classes[i] for i in np.flatnonzero(row)) for row in values]

    def read(self, written):
        names = tuple(dict.fromkeys(name for name in map(str.strip, written.split(BETWEEN)) if name))
        return () if names == (NONE,) else names or None

    def written(self, label):
        return "" if label is None else "; ".join(sorted(label)) or NONE

    def shared(self, labels):
        labels = list(map(set, labels)) or [set()]
        return set.intersection(*labels), set.union(*labels) - set.intersection(*labels)

    def none(self, shape, classes):
        return np.full((*shape, classes), label_codes.OPEN, np.int8)

    def no_predictions(self, shape, classes):
        return self.none(shape, classes)

    def load(self, path, shape, classes, least, dtype=None):
        return artifacts.load(path, np.int8, (*shape, classes), within=(least, 2))

    def main(self, values):
        there = values == 1
        order = np.argsort(there.sum(tuple(range(there.ndim - 1))), kind="stable")  # the rarest class first
        ranks = np.argsort(order, kind="stable").astype(np.int32)
        main = np.append(order, len(order))[np.where(there, ranks, len(order)).min(-1)]
        return np.where(values[..., 0] < 0, values[..., 0], main).astype(np.int64)

    def has(self, values, number):
        return values[..., number] == 1

    def indicator(self, values, classes):
        return values.astype(np.float32)

    def uneven(self, values):
        return True

    def evened(self, values):
        there = values == 1
        share = np.clip(there.mean(0), 0.5 / len(values), 1 - 0.5 / len(values))
        return np.where(there, 0.5 / share, 0.5 / (1 - share))

    def loss(self, logits: Any, target: Any) -> Any:
        import torch

        return torch.nn.functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")

    def said(self, logits: Any) -> Any:
        return logits.sigmoid()

    def logits(self, probabilities):
        with np.errstate(divide="ignore"):
            return np.log(probabilities) - np.log1p(-probabilities)

    def says(self, logits):
        return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))

    def predicted(self, probabilities):
        return (probabilities >= 0.5).astype(np.int8)

    def likelihood(self, probabilities, actual):
        return np.where(actual == 1, probabilities, 1 - probabilities)

    def doubted(self, probabilities, given):
        own, rows = self.likelihood(probabilities, given), np.arange(len(given))
        worst = np.nan_to_num(own, nan=2).argmin(1)  # NaN: no model has an opinion
        likelier = given.copy()
        likelier[rows, worst] = 1 - given[rows, worst]
        return own[rows, worst], likelier

    def margin(self, probabilities):
        return -np.abs(2 * probabilities - 1).mean(1)

    def entropy(self, probabilities):
        from scipy.special import entr

        return ((entr(probabilities) + entr(1 - probabilities)).mean(1) / np.log(2)).astype(np.float32)

    def choices(self, probabilities, actual):
        return np.stack([1 - probabilities, probabilities], -1).reshape(-1, 2), actual.ravel().astype(np.int64)

    def same(self, predicted, actual):
        return (predicted == actual).all(-1)

    def macro_f1(self, predicted, actual):
        return self.both(self.cells(predicted, actual, predicted.shape[-1]), predicted.shape[-1])[1]

    def further(self, probabilities, actual):
        from sklearn.metrics import average_precision_score, f1_score, hamming_loss

        predicted, there = self.predicted(probabilities), (actual == 1).any(0)
        return {
            "micro_f1": float(f1_score(actual, predicted, average="micro", zero_division=0)),
            "mean_average_precision": float(average_precision_score(actual[:, there], probabilities[:, there]))
            if there.any()
            else 0.0,
            "hamming_loss": float(hamming_loss(actual, predicted)),
        }

    def cells(self, predicted, actual, classes):
        return 2 * (actual == 1).astype(np.int8) + predicted

    def both(self, cells, classes):
        right, wrong = (cells == 3).sum(0), ((cells == 1) | (cells == 2)).sum(0)
        present = right + wrong > 0
        f1 = 2 * right[present] / (2 * right + wrong)[present]
        return float(((cells == 0) | (cells == 3)).all(-1).mean()), float(f1.mean()) if present.any() else 0.0

    def table(self, predicted, actual, classes):
        there, given = actual == 1, predicted == 1
        counts = np.stack([(there & given).sum(0), (there & ~given).sum(0), (given & ~there).sum(0)], 1)
        return counts, counts * np.array([0, 1, 1])

    def distances(self, labels):
        """MASI (Passonneau 2006): by the share of common names, and by whether one holds the other."""
        sets, apart = [set(label) for label in labels], np.zeros((len(labels), len(labels)))
        for (i, one), (j, other) in product(enumerate(sets), repeat=2):
            if one != other:
                monotonic = 2 / 3 if one <= other or other <= one else 1 / 3
                apart[i, j] = 1 - monotonic * len(one & other) / len(one | other)
        return apart

    def shown(self, value):
        return int(value[0]) if value[0] < 0 else ";".join(map(str, np.flatnonzero(value)))
