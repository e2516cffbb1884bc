"""The pool in two dimensions, and what models thought of it."""

import numpy as np
import pytest

from stages import map as map_stage
from stages.core.base import params, paths
from stages.core.space import geometry, manifold


def mapped() -> tuple[np.ndarray, np.ndarray]:
    return np.load(paths.MAP / "rows.npy"), np.load(paths.MAP / "points.npy")


def test_a_pool_up_to_map_rows_is_there_whole(in_process):
    rows, points = mapped()
    assert rows.tolist() == list(range(90))
    assert (points.shape, points.dtype) == ((90, 2), np.float32)


def test_a_larger_pool_is_drawn_from_by_the_seed(in_process):
    in_process.change({"map": {"rows": 20}})
    drawn = []
    for seed in (1, 1, 2):
        in_process.change({"map": {"seed": seed}})
        in_process.call("map")
        drawn.append([array.tobytes() for array in mapped()])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[2][0]
    rows, points = mapped()
    assert len(points) == len(rows) == len(set(rows.tolist())) == 20
    assert rows.tolist() == sorted(rows.tolist())


@pytest.mark.slow
def test_by_umap_two_runs_give_the_same_bytes_and_texts_that_are_alike_lie_near(in_process):
    in_process.change({"map": {"method": "umap", "neighbours": 5}})
    runs = []
    for _ in range(2):
        in_process.call("map")
        runs.append(mapped()[1].tobytes())
    assert runs[0] == runs[1]
    two = np.repeat(np.eye(2, 8, dtype=np.float32), 20, axis=0) + np.random.default_rng(0).random((40, 8), np.float32) / 10
    places = manifold.fitted(two, 2, 5, 0, "map", apart=0.1).embedding_
    one, other = places[:20], places[20:]
    assert np.linalg.norm(one.mean(0) - other.mean(0)) > 2 * max(one.std(0).max(), other.std(0).max())


def test_points_keep_their_shape_between_0_and_1():
    points = np.array([[2, 10], [4, 11], [6, 10]], np.float32)
    assert map_stage.from_0_to_1(points).tolist() == [[0, 0], [0.5, 0.25], [1, 0]]
    assert map_stage.from_0_to_1(np.ones((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]


def test_rows_too_few_for_two_axes_lie_on_what_they_have():
    assert geometry.main_axes(np.array([[3, 1, 2]], np.float32), 2, 0).tolist() == [[0, 0]]
    on_a_line = geometry.main_axes(np.array([[0.0], [2.0]], np.float32), 2, 0)
    assert np.abs(on_a_line).round(6).tolist() == [[1, 0], [1, 0]]


def test_umap_of_three_rows_falls_back_to_the_main_axes(in_process, monkeypatch):
    settings = params.read("map").map.changed(method="umap", rows=3)
    monkeypatch.setattr(params, "read", lambda *_: params.Section({}).changed(map=settings))
    in_process.call("map")
    assert mapped()[1].shape == (3, 2)
