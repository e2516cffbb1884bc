"""Silhouettes by hand on four points, and against scikit-learn for several clusterings at once."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from stages.core.space import silhouettes as module
from stages.core.space.silhouettes import silhouettes

FOUR = np.array([[0], [1], [4], [5]], dtype=np.float32)


def cloud(rows=60, shift=0.0):
    """Rows of unit length, as the pipeline has them, and then shifted."""
    vectors = np.random.default_rng(0).normal(size=(rows, 5))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) + shift).astype(np.float32)


def clusterings(*sizes, rows=60):
    """Clusters 0 to k - 1 in turn, for every k."""
    return np.stack([np.arange(rows) % k for k in sizes]).astype(np.int32)


def by_scikit_learn(vectors, clusters):
    return [silhouette_score(vectors.astype(np.float64), row) for row in clusters]


def test_four_points_by_hand():
    # rows 0 and 3: own 1, other 4.5; rows 1 and 2: own 1, other 3.5
    by_hand = ((4.5 - 1) / 4.5 + (3.5 - 1) / 3.5) / 2
    assert silhouettes(FOUR, np.array([[0, 0, 1, 1]])) == pytest.approx([by_hand])


def test_a_row_alone_in_its_cluster_counts_0():
    # row 0 alone: 0; row 1: own 3.5, other 1; row 2: own 2, other 4; row 3: own 2.5, other 5
    by_hand = (0 + (1 - 3.5) / 3.5 + (4 - 2) / 4 + (5 - 2.5) / 5) / 4
    assert silhouettes(FOUR, np.array([[0, 1, 1, 1]])) == pytest.approx([by_hand])


def test_several_clusterings_at_once_are_those_of_scikit_learn():
    clusters = clusterings(2, 3, 7, 20)
    assert silhouettes(cloud(), clusters) == pytest.approx(by_scikit_learn(cloud(), clusters), abs=1e-5)


def test_clusters_of_a_single_row_are_those_of_scikit_learn():
    clusters = np.stack([np.minimum(np.arange(60), 57), np.minimum(np.arange(60), 1)])
    assert silhouettes(cloud(), clusters) == pytest.approx(by_scikit_learn(cloud(), clusters), abs=1e-5)


def test_duplicate_points_in_one_cluster_and_in_two_are_those_of_scikit_learn():
    vectors, clusters = np.repeat(cloud(rows=20), 3, axis=0), clusterings(2, 5)
    assert silhouettes(vectors, clusters) == pytest.approx(by_scikit_learn(vectors, clusters), abs=1e-5)


def test_clusters_of_nothing_but_equal_points_score_1():
    vectors = np.array([[0, 0], [0, 0], [3, 4], [3, 4]], dtype=np.float32)
    assert silhouettes(vectors, np.array([[0, 0, 1, 1]])) == pytest.approx([1])


def test_points_that_are_all_equal_score_0():
    assert silhouettes(np.ones((4, 3), np.float32), np.array([[0, 0, 1, 1]])).tolist() == [0]


@pytest.mark.parametrize("tile", [(7, 11), (1, 60), (60, 1), (100, 100)])
def test_tiles_of_any_shape_give_the_same_values(monkeypatch, tile):
    vectors, clusters = cloud(), clusterings(2, 7)
    whole = silhouettes(vectors, clusters)
    monkeypatch.setattr(module, "TILE", tile)
    assert silhouettes(vectors, clusters) == pytest.approx(whole, abs=1e-7)


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(monkeypatch):
    monkeypatch.setattr(module, "TILE", (4, 8))  # many strips, so that threads finish in no fixed order
    vectors, clusters = cloud(rows=500), clusterings(2, 9, rows=500)
    assert len({silhouettes(vectors, clusters).tobytes() for _ in range(5)}) == 1


def test_points_far_from_the_origin_are_those_of_scikit_learn():
    vectors, clusters = cloud(shift=100), clusterings(2, 7)
    assert silhouettes(vectors, clusters) == pytest.approx(by_scikit_learn(vectors, clusters), abs=1e-5)
