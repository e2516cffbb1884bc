"""UMAP: where its nearest neighbours come from."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.core.space import geometry, manifold


def test_the_nearest_rows_are_those_of_all_pairs_and_a_row_itself_comes_first():
    vectors = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    indices, distances = manifold.nearest(vectors, 6)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
    unit = geometry.unit(vectors).astype(np.float64)
    cosine = 1 - unit @ unit.T
    np.fill_diagonal(cosine, 0)
    assert indices[:, 0].tolist() == list(range(300))
    assert np.allclose(distances, np.sort(cosine, axis=1)[:, :6], atol=1e-6)
    assert np.allclose(distances, np.take_along_axis(cosine, indices.astype(np.int64), axis=1), atol=1e-6)


def test_equal_rows_and_rows_of_one_direction_are_at_a_distance_of_0():
    row = np.random.default_rng(0).normal(size=384).astype(np.float32)
    indices, distances = manifold.nearest(np.stack([row, -row, row, 3 * row]), 3)
    assert [sorted(found) for found in indices[[0, 2, 3]].tolist()] == [[0, 2, 3]] * 3
    assert distances[[0, 2, 3]].tolist() == [[0, 0, 0]] * 3
    assert distances[1].tolist() == pytest.approx([0, 2, 2])


@pytest.mark.parametrize(("rows", "transforms", "given"), [(100, False, True), (101, False, False), (50, True, False)])
def test_neighbours_are_given_up_to_exact_rows_where_nothing_is_transformed(monkeypatch, rows, transforms, given):
    seen = {}

    def umap(**settings):
        seen.update(settings)
        return SimpleNamespace(fit=len)

    monkeypatch.setattr(manifold, "EXACT_ROWS", 100)
    monkeypatch.setattr(manifold, "umap_learn", lambda: SimpleNamespace(UMAP=umap))
    vectors = np.random.default_rng(0).random((rows, 4), np.float32)
    assert manifold.fitted(vectors, 2, 15, 0, "a test", transforms=transforms) == rows
    assert [None if part is None else part.shape for part in seen["precomputed_knn"]] == ([(rows, 15)] * 2 if given else [None] * 3)
