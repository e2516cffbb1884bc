"""How much the last layer counts: chosen on the labelled rows, and worth the same as leaving each row out by itself."""

import numpy as np
import pytest

from stages.core.space import layers, logistic

LABELS = np.arange(60) % 3


def signal(strength: float, seed: int) -> np.ndarray:
    """float32 [60, 8]: vectors of length 1 that tell the classes apart the better the stronger."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(60, 8)) + strength * np.eye(8)[LABELS]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def layered(below: float, last: float) -> np.ndarray:
    return np.stack([signal(below, 1), signal(below, 2), signal(last, 3)], axis=1)


def chosen(vectors: np.ndarray) -> float:
    return layers.weight_of_last(vectors, LABELS, np.random.default_rng(0))


def test_the_last_layer_counts_most_where_it_alone_tells_classes_apart_and_little_where_it_does_not():
    assert chosen(layered(below=0, last=5)) == 8
    assert chosen(layered(below=5, last=0)) == 1
    assert chosen(signal(5, 0)) == 1  # there is no other


def test_rows_left_out_by_one_decomposition_are_those_left_out_one_by_one():
    vectors, targets = signal(2, 0).astype(float), np.eye(3)[LABELS]
    alike, rows = vectors @ vectors.T, np.arange(60)
    largest = np.linalg.eigvalsh((np.eye(60) - 1 / 60) @ alike @ (np.eye(60) - 1 / 60))[-1]
    errors = []
    for penalty in layers.PENALTIES * largest:
        left_out = []
        for row in rows:
            kept = rows != row
            centre, mean = vectors[kept].mean(0), targets[kept].mean(0)
            apart = vectors[kept] - centre
            slopes = np.linalg.solve(apart.T @ apart + penalty * np.eye(8), apart.T @ (targets[kept] - mean))
            left_out.append(((targets[row] - mean - (vectors[row] - centre) @ slopes) ** 2).sum())
        errors.append(np.mean(left_out))
    assert layers.left_out_error(alike, targets) == pytest.approx(min(errors), rel=1e-6)


def test_a_class_of_one_row_and_vectors_all_alike_are_no_obstacle():
    labels = LABELS.copy()
    labels[0] = 7
    assert layers.weight_of_last(layered(0, 5), labels, np.random.default_rng(0)) in layers.WEIGHTS
    assert layers.weight_of_last(np.ones((60, 2, 8), np.float16), LABELS, np.random.default_rng(0)) == 1


def test_a_regression_on_layers_is_asked_about_vectors_as_they_are():
    vectors = layered(below=1, last=5).astype(np.float16)
    choice = logistic.Choice(1.0, last=4.0)
    model = logistic.fitted(vectors, LABELS, 3, choice)
    flat = logistic.fitted(layers.weighted(vectors, 4.0), LABELS, 3, logistic.Choice(1.0, 1.0))
    assert np.allclose(model.probabilities(vectors), flat.probabilities(layers.weighted(vectors, 4.0)), atol=1e-4)
    assert model.weights.shape == (3, 24)


def test_fewer_rows_than_columns_give_the_same_regression_as_with_all_columns(monkeypatch):
    vectors = np.concatenate([layers.weighted(layered(1, 2), 1), np.random.default_rng(5).normal(size=(60, 60))], axis=1)
    within = logistic.fitted(vectors.astype(np.float32), LABELS, 3, logistic.Choice(1.0, 1.0))
    monkeypatch.setattr(logistic, "principal_axes", lambda vectors, most: np.eye(vectors.shape[1], dtype=np.float32))
    without = logistic.fitted(vectors.astype(np.float32), LABELS, 3, logistic.Choice(1.0, 1.0))
    assert np.allclose(within.probabilities(vectors), without.probabilities(vectors), atol=2e-3)
