"""Choose rows to fit and to validate on: stratified samples and folds that keep every class."""

from typing import Any

import numpy as np

FIT_ROWS = 200_000  # all layers of more rows would not fit into memory; only train_full labels that many


def stratified(labels: np.ndarray, most: int, least: int, rng: np.random.Generator) -> np.ndarray:
    """int64: indices into `labels`, ascending: all of them, or about `most` drawn at random.

    labels   int64 [rows]   class numbers
    least    every class keeps its share, but at least this many rows, or all that it has
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, at random within a class
    counts = np.unique(labels, return_counts=True)[1]
    kept = np.maximum(np.round(counts * most / len(labels)).astype(int), np.minimum(counts, least))
    return np.sort(np.concatenate([rows[:many] for rows, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)]))


def first_copies(numbers: np.ndarray) -> np.ndarray:
    """int64: places of the different `numbers`, int [rows], each where it stands first, ascending."""
    return np.sort(np.unique(numbers, return_index=True)[1])


def surest(probabilities: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [taken] predicted classes, int64 [taken] rows): the surest share of each predicted class, at least one row.

    probabilities   float32 [rows, classes], or other scores
    """
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    order = np.lexsort([-confidence, predicted])  # class by class, the surest first
    counts = np.unique(predicted, return_counts=True)[1]
    kept = np.maximum(1, np.round(counts * share).astype(int))
    taken = np.concatenate([part[:many] for part, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)])
    return predicted[taken], taken


def open_rows(pool_rows: int, bought: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [rows], ascending: at most `most` random rows of the pool that are not among `bought`, int64 [bought]."""
    return np.sort(rng.permutation(np.setdiff1d(np.arange(pool_rows), bought))[:most])


def stratified_folds(labels: np.ndarray, most: int, seed: int, numbers: Any = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """(int64 [trained on], int64 [validated]) indices into `labels`, one pair a fold; no folds where no class has two rows.

    labels    int64 [rows]   class numbers
    most      number of folds; fewer where even the largest class has fewer rows
    numbers   int64 [rows]   the same for copies of a row, which stand on the same side and count once; None: there are none

    Every training part holds every class: rows of a class go to different folds, and a class's only row is never validated.
    """
    from sklearn.model_selection import StratifiedKFold

    numbers = np.arange(len(labels)) if numbers is None else numbers
    once = first_copies(numbers)
    _, number, counts = np.unique(labels[once], return_inverse=True, return_counts=True)
    if counts.max() < 2:
        return []
    shared = once[counts[number] > 1]
    splitter = StratifiedKFold(min(most, counts.max()), shuffle=True, random_state=seed)
    validated = [np.isin(numbers, numbers[shared[validation]]) for _, validation in splitter.split(shared, labels[shared])]
    return [(np.flatnonzero(~held_back), np.flatnonzero(held_back)) for held_back in validated]
