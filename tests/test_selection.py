"""Strategies on rows that can be checked by eye. The random draws' exact rows are numpy 2's; to make them again:

python -c "import numpy as np; from tests import test_selection as t; print(t.drawn(0), t.banded(0))"
"""

import numpy as np
import pytest

from stages.core import geometry
from stages.core.selection import (
    apportion,
    central_of_clusters,
    central_per_bucket,
    highest_per_bucket,
    highest_reclustered,
    per_bucket,
    random_per_band,
    random_per_bucket,
)

NAN = np.nan
# fmt: off
#                    row  0    1    2    3    4    5
SCORES  = np.array([     .9,  .2,  .9,  .1, NAN,  .5], dtype=np.float32)
BUCKETS = np.array([      0,   0,   0,   1,   1,   1], dtype=np.int32)
LINE    = np.array([   [0.], [4], [5],[80],[81],[89]], dtype=np.float32)
# fmt: on
FEW_DISTINCT = pytest.mark.filterwarnings("ignore:Number of distinct clusters")


def drawn(seed, n=2):
    return random_per_bucket(np.repeat([0, 1], 6), n, np.random.default_rng(seed)).tolist()


def banded(seed, m=2):
    return random_per_band(np.arange(12, dtype=np.float32), 2, m, np.random.default_rng(seed)).tolist()


ROOM = np.array([9, 9, 9])


def test_rows_are_shared_in_proportion_and_the_largest_remainder_gets_the_odd_one():
    # 7 rows by 5 : 3 : 2 are 3.5, 2.1 and 1.4
    assert apportion(7, np.array([5, 3, 2]), ROOM).tolist() == [4, 2, 1]


def test_equal_remainders_go_to_the_lower_group():
    assert apportion(5, np.ones(3), ROOM).tolist() == [2, 2, 1]


def test_a_group_that_runs_out_passes_its_share_on_in_proportion():
    # 8 rows by 4 : 3 : 1 are 4, 3 and 1; the first has one only, and 7 rows by 3 : 1 are 5.25 and 1.75
    assert apportion(8, np.array([4, 3, 1]), np.array([1, 9, 9])).tolist() == [1, 5, 2]


def test_groups_of_no_weight_get_rows_only_when_the_others_ran_out():
    assert apportion(4, np.array([0, 2, 0]), np.array([9, 4, 9])).tolist() == [0, 4, 0]
    assert apportion(7, np.array([0, 2, 0]), np.array([9, 4, 9])).tolist() == [2, 4, 1]


def test_all_room_can_be_filled_and_no_rows_be_shared():
    assert apportion(6, np.array([1, 9]), np.array([5, 1])).tolist() == [5, 1]
    assert apportion(0, np.array([1, 9]), np.array([5, 1])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(2, [2, 2, 2]), (0.5, [3, 2, 1]), (0.25, [2, 1, 0]), (0.999, [6, 4, 2])],  # 0.25: 1.5, 1 and 0.5 of 3 in all
)
def test_an_amount_is_rows_of_every_bucket_or_a_share_of_each(amount, expected):
    assert per_bucket(amount, np.repeat([0, 1, 2], [6, 4, 2])).tolist() == expected


def test_buckets_can_give_different_numbers_of_rows():
    assert highest_per_bucket(SCORES, BUCKETS, m=np.array([2, 1])).tolist() == [0, 2, 5]
    assert central_per_bucket(LINE, BUCKETS, n=np.array([0, 2])).tolist() == [4, 3]
    assert random_per_bucket(np.repeat([0, 1], 6), np.array([2, 0]), np.random.default_rng(0)).tolist() == drawn(seed=0)[:2]
    assert len(random_per_band(SCORES, 2, np.array([3, 1]), np.random.default_rng(0))) == 4


def test_random_draws_n_rows_of_each_bucket_in_turn():
    assert drawn(seed=0) == [3, 2, 10, 11]


def test_random_draws_differ_by_seed():
    assert drawn(seed=0) != drawn(seed=1)


def test_a_bucket_smaller_than_n_is_drawn_whole():
    rows = random_per_bucket(np.array([0, 1, 0, 0]), 3, np.random.default_rng(0)).tolist()
    assert (sorted(rows[:3]), rows[3:]) == ([0, 2, 3], [1])


def test_each_bucket_gives_the_rows_nearest_its_mean_nearest_first():
    # bucket 0 has its mean at 3, bucket 1 at 83 1/3
    assert central_per_bucket(LINE, BUCKETS, n=2).tolist() == [1, 2, 4, 3]


def test_rows_equally_near_the_mean_go_by_row():
    assert central_per_bucket(np.array([[1.0], [-1], [1], [-1]]), np.zeros(4, int), n=2).tolist() == [0, 1]


def test_a_bucket_smaller_than_n_gives_all_its_central_rows():
    assert central_per_bucket(LINE, np.array([0, 1, 1, 1, 2, 2]), n=2).tolist() == [0, 2, 1, 4, 5]


def test_each_bucket_gives_its_most_uncertain_open_rows():
    assert highest_per_bucket(SCORES, BUCKETS, m=2).tolist() == [0, 2, 5, 3]


def test_of_equal_scores_the_lower_row_is_picked():
    assert highest_per_bucket(SCORES, BUCKETS, m=1).tolist() == [0, 5]


def test_a_bucket_with_fewer_open_rows_than_m_gives_them_all():
    assert highest_per_bucket(SCORES, BUCKETS, m=3).tolist() == [0, 2, 1, 5, 3]


def test_a_bucket_that_is_labelled_whole_gives_nothing():
    assert highest_per_bucket(np.array([NAN, 0.3, NAN]), np.array([0, 1, 0]), m=1).tolist() == [1]


def test_a_pool_that_is_labelled_whole_gives_no_rows():
    assert highest_per_bucket(np.full(3, NAN), np.zeros(3, int), m=1).tolist() == []


def test_bands_go_from_the_highest_scores_down():
    # open rows by score: 0 2 | 5 1 | 3
    assert [set(random_per_band(SCORES, 3, 2, np.random.default_rng(0))[i : i + 2]) for i in (0, 2, 4)] == [{0, 2}, {1, 5}, {3}]


def test_a_band_is_drawn_from_at_random():
    assert banded(seed=0) == [8, 9, 1, 0]
    assert banded(seed=0) != banded(seed=1)


def test_more_bands_than_open_rows_give_every_open_row():
    assert random_per_band(SCORES, 9, 1, np.random.default_rng(0)).tolist() == [0, 2, 5, 1, 3]


# Candidates are two groups on a circle, their middles at rows 1 and 5; row 7 is too sure to be one. Lengths do not matter.
DEGREES, LENGTHS = np.radians([0, 1, 2, NAN, 20, 21, 22, 21]), np.array([1, 5, 1, 1, 1, 1, 9, 1])
TWO_GROUPS = (LENGTHS * [np.cos(DEGREES), np.sin(DEGREES)]).T.astype(np.float32)
UNSURE = np.array([0.8, 0.5, 0.7, NAN, 0.6, 0.9, 0.8, 0.1], dtype=np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_the_row_nearest_each_new_centre_is_picked_highest_score_first(seed):
    assert highest_reclustered(UNSURE, TWO_GROUPS, 2, np.random.default_rng(seed), candidates_a_row=3).tolist() == [5, 1]


def test_only_the_highest_scores_are_candidates():
    assert highest_reclustered(UNSURE, TWO_GROUPS, 2, np.random.default_rng(0), candidates_a_row=1).tolist() == [5, 0]


# Middles at 1 1/6 and 21 1/6 degrees: rows 1, 0, 2 and 5, 4, 6 are the nearest in this order.
UNEVEN = np.radians([0, 1, 2.5, NAN, 20, 21, 22.5, 21])
TWO_UNEVEN = np.array([np.cos(UNEVEN), np.sin(UNEVEN)]).T.astype(np.float32)


@pytest.mark.parametrize(("count", "expected"), [(2, [5, 1]), (4, [5, 0, 4, 1]), (6, [5, 0, 6, 2, 4, 1])])
def test_above_the_most_clusters_each_gives_several_in_turns_nearest_to_its_centre_first(count, expected, monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 2)
    unsure = np.where(UNSURE > 0.1, UNSURE, NAN)
    assert highest_reclustered(unsure, TWO_UNEVEN, count, np.random.default_rng(0)).tolist() == expected


def test_a_cluster_that_has_given_all_its_rows_leaves_the_rest_to_the_others(monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 2)
    line = np.array([[0.0], [1], [2], [3], [4], [90]])
    assert sorted(central_of_clusters(line, 4, np.random.default_rng(0))) == [1, 2, 3, 5]
    assert sorted(central_of_clusters(line, 6, np.random.default_rng(0))) == [*range(6)]


def test_the_number_of_clusters_does_not_grow_with_the_rows_wanted(monkeypatch):
    asked, kmeans = [], geometry.kmeans

    def noted(points, clusters, rng, **more):
        asked.append(clusters)
        return kmeans(points, clusters, rng, **more)

    monkeypatch.setattr(geometry, "kmeans", noted)
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 5)
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    for wanted in (4, 5, 6, 60):
        assert len(set(central_of_clusters(points, wanted, np.random.default_rng(0)).tolist())) == wanted
    assert asked == [4, 5, 5, 5]


@FEW_DISTINCT
def test_more_rows_than_clusters_of_equal_vectors_are_given(monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 2)
    assert sorted(central_of_clusters(np.ones((6, 2), np.float32), 4, np.random.default_rng(0))) == [0, 1, 2, 3]


@FEW_DISTINCT
def test_equal_vectors_still_give_as_many_rows_as_wanted():
    assert highest_reclustered(SCORES, np.ones((6, 2), np.float32), 4, np.random.default_rng(0)).tolist() == [0, 2, 5, 1]


@FEW_DISTINCT
def test_two_centres_on_one_spot_pick_two_rows():
    vectors = np.array([[0.0], [0], [0], [7]], dtype=np.float32)
    assert set(highest_reclustered(np.array([0.4, 0.3, 0.2, 0.1]), vectors, 3, np.random.default_rng(0)).tolist()) == {0, 1, 3}


def test_every_open_row_is_reclustered_when_all_are_wanted():
    assert highest_reclustered(SCORES, np.eye(6, dtype=np.float32), 5, np.random.default_rng(0)).tolist() == [0, 2, 5, 1, 3]


STRATEGIES = {
    "buckets": lambda scores, buckets, vectors, m, rng: highest_per_bucket(scores, buckets, m),
    "bands": lambda scores, buckets, vectors, m, rng: random_per_band(scores, len(np.unique(buckets)), m, rng),
    "recluster": lambda scores, buckets, vectors, m, rng: highest_reclustered(
        scores, vectors, min(m * len(np.unique(buckets)), np.isfinite(scores).sum()), rng, 2
    ),
}


@FEW_DISTINCT
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_random_pools_never_give_a_labelled_row_nor_one_twice_and_the_same_seed_gives_the_same(strategy):
    for seed in range(60 if strategy == "recluster" else 200):
        rng = np.random.default_rng(seed)
        rows, m = int(rng.integers(6, 30)), int(rng.integers(1, 4))
        buckets = rng.integers(rng.integers(1, 5), size=rows)
        scores = np.round(rng.random(rows), 1).astype(np.float32)  # few values, so there are ties
        vectors = rng.integers(3, size=(rows, 2)).astype(np.float32)  # and equal vectors
        scores[rng.permutation(rows)[: rng.integers(rows - 1)]] = NAN
        is_open, numbers = ~np.isnan(scores), np.unique(buckets)

        picked, again = (STRATEGIES[strategy](scores, buckets, vectors, m, np.random.default_rng(seed)) for _ in "ab")

        assert picked.tolist() == again.tolist(), seed
        assert is_open[picked].all(), seed
        assert len(set(picked.tolist())) == len(picked), seed
        if strategy == "buckets":
            assert [(buckets[picked] == b).sum() for b in numbers] == [min(m, is_open[buckets == b].sum()) for b in numbers], seed
        else:
            assert len(picked) == min(m * len(numbers), is_open.sum()), seed
            assert picked.dtype == np.int64, seed
