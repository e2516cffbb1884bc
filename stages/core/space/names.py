"""Learning from what classes are called: the vectors of their phrases.

data/names/phrases.safetensors   vectors float32 [phrases, ...] in the form of the pool's; classes int64 [phrases]
"""

from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load_file, save_file

from stages.core import task
from stages.core.base import paths, tensor_files
from stages.core.space import layers, logistic, sampling

SAMPLE = 10_000  # rows of the pool to learn from; more take time and change nothing
SURE, STRENGTH = (0.3, 0.7), 0.3  # share of each class to learn from, round by round
WEIGHTS, POWERS = (0.0, 1.0, 4.0), (0.0, 0.25, 0.5, 1.0, 2.0)  # to choose a Trust from
STEEP = 2.0  # logits of several classes for a standard deviation of likeness
MOST_LABELLED = 1_000  # with more labels the names have nothing to add
AT_ONCE = 1_000  # phrases to compare with all others
ALIKE = 0.85  # two of banking77's 77 names are as alike
MARGIN = 0.5  # standard errors of a gain in log-loss; 1 costs 0.2 points where names are good, 0 cost 10 in one run
LEAST = 1e-4  # probability that counts for a class which a model does not know


@dataclass(frozen=True)
class Phrases:
    """
    vectors   float32 [phrases, width] or [phrases, layers, width]
    classes   int64 [phrases]   class numbers, ascending
    """

    vectors: np.ndarray
    classes: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """float64 [phrases]: so that the phrases of a class weigh 1 together."""
        return 1 / np.bincount(self.classes)[self.classes]

    def means(self, classes: int) -> np.ndarray:
        """float32 [phrases, classes]: makes one column a class out of one a phrase."""
        made = np.zeros((len(self.classes), classes), np.float32)
        made[np.arange(len(self.classes)), self.classes] = self.shares
        return made

    def save(self) -> None:
        tensors = {"vectors": np.ascontiguousarray(self.vectors, np.float32), "classes": self.classes}
        tensor_files.save(paths.PHRASES, tensors, save_file)


def load() -> Phrases | None:
    """None where classes have no phrases, or train.names is off."""
    if not paths.PHRASES.exists():
        return None
    phrases = Phrases(**tensor_files.load(paths.PHRASES, load_file))
    return phrases if len(phrases.classes) else None


def model(pool: np.ndarray, phrases: Phrases, classes: int, rng: np.random.Generator) -> logistic.Logistic:
    """A regression that has seen no label.

    Texts are called what they are most like, by the cosines of the last layer and of all layers, each class's standardised over
    the pool: some phrases are like every text. A regression learns from the surest 30% of each class, and a second one from the
    surest 70% of what the first says (self-training, Yarowsky 1995).

    pool   float [rows, width] or [rows, layers, width]
    """
    points = pool[np.sort(rng.permutation(len(pool))[:SAMPLE])]
    said = likeness(points, phrases, classes)
    for share in SURE:
        predicted, taken = sampling.surest(said, share)
        fitted = logistic.fitted(points[taken], predicted, classes, logistic.Choice(STRENGTH, 1.0), logistic.evened(predicted))
        said = fitted.probabilities(points)
    return fitted


def of_several(pool: np.ndarray, phrases: Phrases, classes: int, rng: np.random.Generator) -> logistic.Logistic:
    """As `model`, where a text may have several classes: what texts are like, as slopes, without self-training, which costs here.

    How many rows have a class is not known: each class is given to 1/classes of the pool.
    """
    points = layers.weighted(pool[np.sort(rng.permutation(len(pool))[:SAMPLE])], 1)
    words, slopes = layers.weighted(phrases.vectors, 1), np.zeros((classes, points.shape[1]), np.float32)
    for part in (slice(-phrases.vectors.shape[-1], None), slice(None)):  # the last layer, and all
        unit = words[:, part] / np.linalg.norm(words[:, part], axis=1, keepdims=True)
        slopes[:, part] += phrases.means(classes).T @ unit / np.linalg.norm(points[:, part], axis=1).mean()
    slopes *= STEEP / np.maximum((points @ slopes.T).std(0), 1e-9)[:, None]
    bias = -np.quantile(points @ slopes.T, 1 - 1 / classes, axis=0).astype(np.float32)
    return logistic.Logistic(slopes, bias, np.arange(classes), classes, task.MULTI)


MODELS = {"of_one": model, "of_several": of_several}  # Task.regression -> the model that has seen no label


def likeness(points: np.ndarray, phrases: Phrases, classes: int) -> np.ndarray:
    """float32 [rows, classes]: how much each row is like a class's phrases; 0 on the mean of the rows, with a deviation of 1."""
    mean, total = phrases.means(classes), np.zeros((len(points), classes), np.float32)
    for taken in (slice(-1, None), slice(None)) if points.ndim == 3 else (slice(None),):
        sides = (side[:, taken].reshape(len(side), -1) if side.ndim == 3 else side for side in (points, phrases.vectors))
        rows, words = (np.float32(side) / np.linalg.norm(np.float32(side), axis=1, keepdims=True) for side in sides)
        cosines = rows @ words.T @ mean
        total += (cosines - cosines.mean(0)) / np.maximum(cosines.std(0), 1e-9)
    return total


def alike(phrases: Phrases, most: int) -> tuple[list[tuple[int, int]], int]:
    """Pairs of phrases of two classes, by number, that are ALIKE or more by the cosine of the last layer; and how many there are.

    most   pairs to give, the most alike first
    """
    points = phrases.vectors if phrases.vectors.ndim == 2 else phrases.vectors[:, -1]
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    found, count = [], 0
    for start in range(0, len(points), AT_ONCE):  # thousands of phrases have too many pairs to keep
        cosines = points[start : start + AT_ONCE] @ points.T
        pairs = np.argwhere((cosines >= ALIKE) & (phrases.classes[start : start + AT_ONCE, None] < phrases.classes))
        by_cosine = -cosines[*pairs.T]
        order = np.argsort(by_cosine, kind="stable")[:most]
        found += [(by_cosine[each], start + int(pairs[each, 0]), int(pairs[each, 1])) for each in order]
        count += len(pairs)
    return [(one, other) for _, one, other in sorted(found)[:most]], count


@dataclass(frozen=True)
class Trust:
    """How much names count beside labelled rows."""

    weight: float  # of the phrases of a class, as rows of that class, where a labelled row weighs 1
    power: float  # of the probabilities by names, multiplied with those of a model of the labelled rows

    def combined(self, said: np.ndarray, named: np.ndarray) -> np.ndarray:
        """float32 [rows, classes]: the product of two models' probabilities, each row summing to 1 (experts, Hinton 2002).

        said, named   float32 [rows, classes], of a model of the labelled rows and of the names' model
        """
        if not self.power:
            return said
        logs = np.log(np.maximum(said, LEAST)) + self.power * np.log(np.maximum(named, LEAST))
        product = np.exp(logs - logs.max(1, keepdims=True))
        return product / product.sum(1, keepdims=True)


def trust(
    vectors: np.ndarray,
    labels: np.ndarray,
    phrases: Phrases,
    named: np.ndarray,
    choice: logistic.Choice,
    class_weight: str,
    splits: list[tuple[np.ndarray, np.ndarray]],
) -> Trust:
    """The weight and then the power with the least log-loss on labelled rows that are left out in turn, as `best` says.

    vectors   float [labelled, ...], labels int64 [labelled]
    named     float32 [labelled, classes]   probabilities by the names' model
    splits    as of sampling.stratified_folds; without any, both are 1

    The labelled rows decide, so names that mislead count nothing, and with more labels their part fades.
    """
    if not splits or len(labels) > MOST_LABELLED:
        return Trust(1.0, 1.0) if not splits else Trust(0.0, 0.0)
    left_out = np.concatenate([validation for _, validation in splits])

    def losses(probabilities: np.ndarray) -> np.ndarray:
        return -np.log(np.maximum(probabilities[np.arange(len(left_out)), labels[left_out]], LEAST))

    said = {}
    for weight in WEIGHTS:
        parts = []
        for train, validation in splits:
            rows = joined(vectors[train], labels[train], logistic.row_weights(labels[train], class_weight), phrases, weight)
            model = logistic.fitted(*rows[:2], named.shape[1], choice, rows[2])
            parts.append(model.probabilities(vectors[validation]))
        said[weight] = np.concatenate(parts)
    weight = best({weight: losses(said[weight]) for weight in WEIGHTS})
    return Trust(weight, best({power: losses(Trust(weight, power).combined(said[weight], named[left_out])) for power in POWERS}))


def best(losses: dict[float, np.ndarray]) -> float:
    """The value of the least mean loss; 0 unless it gains more than MARGIN over 0 (after Breiman et al. 1984, section 3.4.3).

    losses   value -> float [rows]   0 is one of them
    """
    value = min(losses, key=lambda value: losses[value].mean())
    gain = losses[0.0] - losses[value]
    return value if gain.mean() > MARGIN * gain.std() / len(gain) ** 0.5 else 0.0


def joined(
    vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, phrases: Phrases, weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(vectors, labels, weights) of labelled rows and of the phrases, which weigh `weight` a class; without them if that is 0."""
    if not weight:
        return vectors, labels, weights
    weights = np.ones(len(labels)) if weights is None else weights
    words = phrases.vectors.astype(vectors.dtype)
    return (
        np.concatenate([vectors, words]),
        np.concatenate([labels, phrases.classes]),
        np.concatenate([weights, weight * phrases.shares]),
    )
