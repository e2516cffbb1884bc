"""Regressions of texts that may have several classes: one a class, fitted together as the columns of a matrix.

The strength is that of the best mean average precision by cross-validation on the labelled rows: log-loss prefers models that say
little of rare classes. A class's threshold is the logit of the best F1 on rows left out, drawn towards one for all where the class
has few rows, and towards the one that as large a share of open rows reaches as has the class among labelled ones. It moves the
bias, so 0.5 decides everywhere.

With train.names, a slope is not drawn towards 0 but towards that of the names' model (space/names), a prior as in Evgeniou & Pontil
2004, "Regularized Multi-Task Learning". A class that no labelled row has goes by its name alone.
"""

from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import bars
from stages.core.space import layers, logistic, sampling
from stages.core.space.logistic_cv import SEARCH_AXES, SEARCH_ROWS

STRENGTHS = np.logspace(-1, 1.5, 6)  # C of scikit-learn; weaker penalties gain nothing and take long
SEARCH_CLASSES = 30  # to choose the strength by: those with most rows
GRID = np.linspace(-4, 4, 81)  # of the threshold for all classes
AS_OWN = 30  # rows of a class whose own threshold counts as much as that for all
AS_USUAL = 5  # rows of a class whose threshold counts as much as that which keeps its share among open rows
NAMED = 0.25  # how much of the names' model; with 0.5 and 1 macro F1 is up to 1 and 3 points lower on hallmarks
TRUSTED = 0.5  # F1: guesses that are worse cost go_emotions a point of macro F1; others gain hallmarks as much
CELLS, AXES_ROWS = 2**23, 1_000  # rows x columns that are fitted at once, and rows that principal axes are found by
STEPS, PRODUCTS = 30, 20  # Newton's steps at most, and products with the Hessian in each
FINE, COARSE = 1e-3, 1e-2  # share of the gradient that may be left, in models and in the search


def regression(
    pool: np.ndarray,
    labelled: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    train: Any,
    seed: int,
    title: str,
    named: logistic.Logistic | None = None,
) -> logistic.Logistic:
    """Fitted on the labelled rows and on the surest of `rows`, int64 [rows], which are open; others as of learners.Learner.fit.

    named   the names' model

    Open rows count for classes that are TRUSTED: the surest share train.pseudo_share of those that seem to have the class, and of
    the others (self-training, as in self_trained). Thresholds then let as many of them have such a class as before.
    """
    rng = np.random.default_rng(seed)
    few = sampling.stratified(task.of(labels).main(labels), sampling.FIT_ROWS, train.folds, rng)
    vectors, labels, classes = pool[labelled[few]], labels[few], labels.shape[1]
    weights = logistic.row_weights(labels, train.class_weight)
    even, targets = weights is not None, labels.astype(np.float32)
    weights = weights.astype(np.float32) if even else np.ones(labels.shape, np.float32)
    prior = np.zeros((classes, 1 + vectors[0].size), np.float32)
    if named:
        prior = NAMED * np.column_stack([named.bias, named.weights])
    said = layers.weighted(vectors, 1) @ prior[:, 1:].T + prior[:, 0]
    last, strength, decisive, trusted, helpful = chosen(vectors, labels, weights, train, seed, title, labelled[few], said)
    prior, said = prior * helpful, said * helpful
    points, counts = layers.weighted(vectors, last), targets.sum(0)
    slopes = np.zeros((classes, points.shape[1]), np.float32)
    bias = np.log((counts + 0.5) / (len(targets) - counts + 0.5))  # of a class that all rows have, or none
    bias = np.where((counts == 0) & prior.any(1), 0.0, bias)
    fit = np.flatnonzero((counts > 0) & (counts < len(targets)))
    slopes[fit], bias[fit] = fitted(points, targets[:, fit], weights[:, fit], np.full(len(fit), strength), before=said[:, fit])
    bias[fit] -= decisive[fit]
    if len(rows) > 1:
        open_rows = pool[np.sort(rng.permutation(rows)[: train.pseudo_rows])]
        before = layers.weighted(open_rows, 1) @ prior[:, 1:].T + prior[:, 0]
        more = layers.weighted(open_rows, last)
        if len(sure := fit[trusted[fit]]):
            now = more @ slopes[sure].T + bias[sure] + before[:, sure]
            own, positive = surest(now, train.pseudo_share), (now >= 0).astype(np.float32)
            if even:
                own = sum(side / np.maximum(side.sum(0), 1) for side in (own * positive, own * (1 - positive)))
            own = own * train.pseudo_weight * len(points) / np.maximum(own.sum(0), 1e-9)
            joined = [np.concatenate(pair) for pair in ((points, more), (targets[:, sure], positive), (weights[:, sure], own))]
            there = np.concatenate([said[:, sure], before[:, sure]])
            slopes[sure], bias[sure] = fitted(*joined, np.full(len(sure), strength), SEARCH_AXES, before=there)
            bias[sure] -= threshold(more @ slopes[sure].T + bias[sure] + before[:, sure], positive.sum(0))
        now = more @ slopes[fit].T + bias[fit] + before[:, fit]
        usual = threshold(now, counts[fit] / len(targets) * len(now))
        bias[fit] -= usual * AS_USUAL / (counts[fit] + AS_USUAL)
    slopes = layers.weighted(slopes.reshape(classes, *vectors.shape[1:]), last) + prior[:, 1:]
    return logistic.Logistic(slopes, (bias + prior[:, 0]).astype(np.float32), np.arange(classes), classes, task.MULTI)


def threshold(logits: np.ndarray, many: np.ndarray) -> np.ndarray:
    """float [columns]: the logit that so many rows of each column reach, at least one and not all; float [rows, columns]"""
    many = np.clip(np.round(many).astype(int), 1, len(logits) - 1)
    ordered, columns = np.sort(logits, axis=0)[::-1], range(logits.shape[1])
    return (ordered[many - 1, columns] + ordered[many, columns]) / 2


def surest(said: np.ndarray, share: float) -> np.ndarray:
    """bool [rows, classes]: the surest share of the rows that have a class, and of those that have not, by logits of this shape."""
    ranks, there = ranked(said), (said >= 0).sum(0)
    return (ranks < np.maximum(1, share * there)) & (there > 0) | (len(said) - 1 - ranks < share * (len(said) - there))


def ranked(values: np.ndarray) -> np.ndarray:
    """int64 [rows, columns]: places of the values in each column, 0 for the highest."""
    return np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0, kind="stable")


def chosen(
    vectors: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    train: Any,
    seed: int,
    title: str,
    numbers: np.ndarray,
    named: np.ndarray | float = 0.0,
) -> tuple[float, float, np.ndarray, np.ndarray, bool]:
    """(weight of the last layer, strength as C of scikit-learn, thresholds, trusted, whether names help).

    numbers   as in sampling.stratified_folds
    named     float32 [rows, classes]   logits by names; 0 without

    The thresholds, float [classes], are logits that decide; trusted, bool [classes], says whether they reach the F1 TRUSTED.
    """
    rng, main, once = np.random.default_rng(seed), task.of(labels).main(labels), sampling.first_copies(numbers)
    few = np.sort(rng.permutation(once)[: layers.MOST_ROWS])
    last = layers.best_last(vectors[few], labels[few].astype(np.float64))
    rows = sampling.stratified(main, SEARCH_ROWS, train.folds, rng)
    with logistic.quietly():
        splits = sampling.stratified_folds(main[rows], train.folds, seed, numbers[rows])
    if not splits or not any(labels[rows[validation]].any() for _, validation in splits):
        return last, 1.0, np.zeros(labels.shape[1]), np.zeros(labels.shape[1], bool), True
    points, targets = layers.weighted(vectors[rows], last), labels[rows].astype(np.float32)
    weights, named = weights[rows], np.broadcast_to(named, labels.shape)[rows]
    points = points @ logistic.principal_axes(points, SEARCH_AXES)
    true = np.concatenate([targets[validation] for _, validation in splits])
    counts = true.sum(0)
    most = np.argsort(-counts, kind="stable")[: min(SEARCH_CLASSES, (counts > 0).sum())]
    with bars.bar(title, 0, "fits"):
        precision, best = [], []
        for before in (0 * named, named) if named.any() else (named,):
            said = left_out(points, *(each[:, most] for each in (targets, weights, before)), splits, STRENGTHS)
            of_class = [average_precision(said[:, number], true[:, most]) for number in range(len(STRENGTHS))]
            best.append(int(np.argmax(np.mean(of_class, 1))))
            precision.append(of_class[best[-1]])
        lost = precision[0] - precision[-1]  # by names, which few labelled rows do not tell well
        helpful = lost.mean() <= lost.std() / len(lost) ** 0.5
        strength = float(STRENGTHS[best[-1 if helpful else 0]])
        said = left_out(points, targets, weights, named * helpful, splits, np.array([strength]))[:, 0]
    for_all = GRID[int(np.argmax([f1(said >= at, true)[counts > 0].mean() for at in GRID]))]
    decisive = (own_thresholds(said, true) * counts + for_all * AS_OWN) / (counts + AS_OWN)
    return last, strength, decisive, f1(said >= decisive, true) >= TRUSTED, bool(helpful)


def left_out(
    points: np.ndarray, targets: np.ndarray, weights: np.ndarray, before: np.ndarray, splits: list, strengths: np.ndarray
) -> np.ndarray:
    """float32 [validated, strengths, classes]: logits of rows by models of the other folds, in the order of the folds."""
    made, classes = [], targets.shape[1]
    for train, validation in splits:
        *columns, own = [np.tile(each[train], (1, len(strengths))) for each in (targets, weights, before)]
        slopes, bias = fitted(points[train], *columns, np.repeat(strengths, classes), left=COARSE, before=own)
        said = (points[validation] @ slopes.T + bias).reshape(len(validation), len(strengths), classes)
        made.append(said + before[validation, None])
    return np.concatenate(made)


def average_precision(said: np.ndarray, true: np.ndarray) -> np.ndarray:
    """float [classes], each with a true row: mean precision at the ranks of its true rows. said, true float [rows, classes]"""
    hits = np.take_along_axis(true, np.argsort(-said, axis=0, kind="stable"), 0)
    return (hits * np.cumsum(hits, 0) / np.arange(1, len(hits) + 1)[:, None]).sum(0) / hits.sum(0)


def f1(given: np.ndarray, true: np.ndarray) -> np.ndarray:
    """float [classes], 0 for one neither given nor true; bool and float [rows, classes]."""
    return 2 * (given * true).sum(0) / np.maximum(given.sum(0) + true.sum(0), 1)


def own_thresholds(said: np.ndarray, true: np.ndarray) -> np.ndarray:
    """float [classes]: the logit of the best F1, half way to the next row."""
    order = np.argsort(-said, axis=0, kind="stable")
    logits, hits = np.take_along_axis(said, order, 0), np.take_along_axis(true, order, 0)
    scores = 2 * np.cumsum(hits, 0) / (np.arange(1, len(hits) + 1)[:, None] + hits.sum(0))
    best = np.minimum(scores.argmax(0), len(said) - 2)
    return (logits[best, range(said.shape[1])] + logits[best + 1, range(said.shape[1])]) / 2


def fitted(
    points: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    strengths: np.ndarray,
    most_axes: int = 0,
    left: float = FINE,
    before: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(slopes float32 [columns, width], bias float32 [columns]) of a logistic regression a column, with an L2 penalty on slopes.

    points             float32 [rows, width]
    targets, weights   float32 [rows, columns]   0 and 1, and how much each counts
    strengths          float [columns]           C of scikit-learn
    most_axes          principal axes to fit in; 0 for all that the points span
    left               share of the gradient that may be left
    before             float32 [rows, columns]   logits that are there already; what the regression says is added to them
    """
    before = np.zeros_like(targets) if before is None else before
    axes = np.eye(points.shape[1], dtype=np.float32)
    with logistic.quietly():
        if (most_axes or len(points)) < points.shape[1]:
            some = points[:: -(-len(points) // AXES_ROWS)] if most_axes else points
            axes = logistic.principal_axes(some, most_axes or len(points))
        within = np.hstack([points @ axes, np.ones((len(points), 1), np.float32)])
        blocks = np.array_split(np.arange(len(strengths)), max(1, -(-targets.size // CELLS)))
        made = [
            newton(within, targets[:, each], weights[:, each], strengths[each].astype(np.float32), left, before[:, each])
            for each in blocks
        ]
    found = np.concatenate(made, axis=1)
    return np.ascontiguousarray((axes @ found[:-1]).T), found[-1]


def newton(
    points: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    strengths: np.ndarray,
    left: float,
    before: np.ndarray | float = 0.0,
) -> np.ndarray:
    """float32 [width, columns]: slopes, the last without a penalty. Others as of `fitted`.

    Truncated Newton (Lin, Weng & Keerthi 2008, "Trust Region Newton Method for Logistic Regression", without the region): steps by
    conjugate gradients, scaled by the diagonal, and halved where the loss does not fall. All columns share each product.
    """
    penalty = np.tile(1 / strengths, (points.shape[1], 1))
    penalty[-1] = 0
    signs, squares = 1 - 2 * targets, points**2
    slopes, logits = np.zeros(penalty.shape, np.float32), np.zeros(targets.shape, np.float32) + before

    def loss(slopes: np.ndarray, logits: np.ndarray) -> np.ndarray:
        return (weights * np.logaddexp(0, signs * logits)).sum(0) + (penalty * slopes**2).sum(0) / 2

    now, first = loss(slopes, logits), None
    for _ in range(STEPS):
        said = task.MULTI.says(logits)
        gradient = points.T @ (weights * (said - targets)) + penalty * slopes
        largest = np.abs(gradient).max(0)
        first = np.maximum(largest, 1.0) if first is None else first
        if (largest <= left * first).all():
            break
        curve = weights * said * (1 - said)
        scale = np.maximum(squares.T @ curve + penalty, 1e-8)
        enough = np.minimum(0.5, np.sqrt(largest / first)) * np.linalg.norm(gradient, axis=0)
        step, rest, towards = np.zeros_like(slopes), -gradient, -gradient / scale
        along = (rest * towards).sum(0)
        for _ in range(PRODUCTS):
            going = np.linalg.norm(rest, axis=0) > enough
            if not going.any():
                break
            product = points.T @ (curve * (points @ towards)) + penalty * towards
            length = np.where(going, along / np.maximum((towards * product).sum(0), 1e-20), 0).astype(np.float32)
            step += length * towards
            rest -= length * product
            last, along = along, (rest * rest / scale).sum(0)
            towards = rest / scale + along / np.maximum(last, 1e-20) * towards
        moved, part = points @ step, np.ones(len(strengths), np.float32)
        for _ in range(12):
            then = loss(slopes + part * step, logits + part * moved)
            worse = then > now + 1e-5 * np.abs(now)
            if not worse.any():
                break
            part[worse] /= 2
        slopes, logits, now = slopes + part * step, logits + part * moved, then
    return slopes
