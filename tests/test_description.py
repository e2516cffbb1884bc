"""What sort of rows were picked, by hand."""

import numpy as np

from stages.core import description
from stages.core.description import describe, has_near_duplicate

#                    row    0        1          2        3         4
VECTORS = np.array([     [1, 0], [1, 0.1],  [0, 1],  [-1, 0],  [2, 0]], np.float32)  # fmt: skip
CLASSES = np.array([0, 0, 1, 0, 1])
WORDS = np.array([3, 5, 1, 2, 7])
BUCKETS = np.array([0, 0, 1, 2, 3], np.int32)


def test_rows_are_described_by_shares():
    assert describe(np.array([0, 1, 2]), CLASSES, VECTORS, WORDS, BUCKETS) == {
        "largest_class_share": 2 / 3,
        "near_duplicates_share": 2 / 3,  # rows 0 and 1 point nearly the same way
        "buckets_covered_share": 0.5,
        "mean_words": 3.0,
    }


def test_a_row_is_no_duplicate_of_itself_and_length_does_not_matter():
    assert has_near_duplicate(VECTORS).tolist() == [True, True, False, False, True]
    assert has_near_duplicate(VECTORS[2:4]).tolist() == [False, False]
    assert has_near_duplicate(VECTORS[:1]).tolist() == [False]


def test_blocks_find_what_one_pass_finds(monkeypatch):
    monkeypatch.setattr(description, "BLOCK_ROWS", 2)
    assert has_near_duplicate(VECTORS).tolist() == [True, True, False, False, True]
