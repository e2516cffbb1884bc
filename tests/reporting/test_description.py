"""What kind of rows were picked, by hand."""

import numpy as np
import pytest

from stages.core.reporting import description
from stages.core.reporting.description import describe, has_near_duplicate

#                    row    0        1          2        3         4
VECTORS = np.array([     [1, 0], [1, 0.1],  [0, 1],  [-1, 0],  [2, 0]], np.float32)  # fmt: skip
CLASSES = np.array([0, 0, 1, 0, 1])
WORDS = np.array([3, 5, 1, 2, 7])
BUCKETS = np.array([0, 0, 1, 2, 3], np.int32)


def test_rows_are_described_by_shares():
    assert describe(np.array([0, 1, 2]), CLASSES, VECTORS, WORDS, BUCKETS, np.random.default_rng(0)) == {
        "largest_class_share": 2 / 3,
        "near_duplicates_share": 2 / 3,  # rows 0 and 1 point nearly the same way
        "buckets_covered_share": 0.5,
        "mean_words": 3.0,
    }


def near(vectors, seed=0):
    return has_near_duplicate(np.array(vectors, np.float32), np.random.default_rng(seed)).tolist()


def test_a_row_does_not_duplicate_itself_and_length_does_not_matter():
    assert near(VECTORS) == [True, True, False, False, True]
    assert near(VECTORS[2:4]) == [False, False]
    assert near(VECTORS[:1]) == [False]


def test_a_cosine_of_0_95_is_near_and_a_smaller_one_is_not():
    degrees = np.radians([0, 18.1, 40, 58.3])  # 18.19 degrees have a cosine of 0.95
    assert near(np.stack([np.cos(degrees), np.sin(degrees)], 1)) == [True, True, False, False]


def test_rows_of_zeros_are_near_to_none():
    assert near([[0, 0], [0, 0], [1, 0]]) == [False, False, False]


def test_nearest_neighbours_agree_with_all_cosines():
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units @ units.T - 2 * np.eye(60)
    expected = (cosines >= 0.95).any(1)
    assert 0.5 < expected.mean() < 1
    assert near(vectors) == expected.tolist()


def test_a_seeded_sample_of_many_rows_is_compared_with_all(monkeypatch):
    monkeypatch.setattr(description, "SAMPLE", 2)
    for seed in range(4):
        sample = sorted(np.random.default_rng(seed).permutation(5)[:2])
        assert near(VECTORS, seed) == [[True, True, False, False, True][row] for row in sample]


def test_a_sample_estimates_the_share_of_all_rows(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    share = np.mean(near(vectors))
    assert 0.5 < share < 0.9
    monkeypatch.setattr(description, "SAMPLE", 100)
    assert np.mean(near(vectors)) == pytest.approx(share, abs=0.05)
