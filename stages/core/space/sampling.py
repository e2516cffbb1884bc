"""Rows to fit and to validate on: folds that keep every class, and a sample where rows are too many."""

import numpy as np

# A fit has so many rows at most, since all layers of more would not fit into memory: only train_full labels as many.
FIT_ROWS = 200_000


def rows_to_fit(labels: np.ndarray, least: int, seed: int) -> np.ndarray:
    """Which labelled rows to fit on, int64 indices into `labels`, ascending: all, or about FIT_ROWS drawn as in `stratified`."""
    return stratified(labels, FIT_ROWS, least, np.random.default_rng(seed))


def stratified(labels: np.ndarray, most: int, least: int, rng: np.random.Generator) -> np.ndarray:
    """Indices into `labels`, int64, ascending: all of them, or about `most` drawn at random.

    labels   int64 [rows]   class numbers
    least    every class keeps its share, but no fewer rows than this, or all that it has
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, at random within
    counts = np.unique(labels, return_counts=True)[1]
    kept = np.maximum(np.round(counts * most / len(labels)).astype(int), np.minimum(counts, least))
    return np.sort(np.concatenate([rows[:many] for rows, many in zip(np.split(order, np.cumsum(counts)[:-1]), kept)]))


def stratified_folds(labels: np.ndarray, most: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(int64 [trained on], int64 [validated]) indices into `labels`, one pair a fold; none where no class has two rows.

    labels   int64 [rows]   class numbers
    most     number of folds; fewer where even the largest class has fewer rows

    Stratified and seeded. Every training part bears every class: rows of one class are dealt out to different folds, and a
    row that is alone in its class is trained on in all folds and validated in none.
    """
    from sklearn.model_selection import StratifiedKFold

    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() < 2:
        return []
    shared, alone = np.flatnonzero(counts[number] > 1), np.flatnonzero(counts[number] == 1)
    splitter = StratifiedKFold(min(most, counts.max()), shuffle=True, random_state=seed)
    splits = splitter.split(shared, labels[shared])
    return [(np.sort(np.concatenate([shared[train], alone])), shared[validation]) for train, validation in splits]
