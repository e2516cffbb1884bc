"""Sharing, ranking, and the strategies that use buckets or scores, on rows that can be checked by eye. Random draws are those of
numpy 2; to make them again:

python -c "from tests.strategies import test_selection as t; print(t.drawn(0), t.banded(0))"
"""

import numpy as np
import pytest

from stages.core.base.errors import Refused
from stages.core.rows import rounds
from stages.core.space import geometry
from stages.core.space.diversity import central_of_clusters, nearest_free, to_own_centre
from stages.core.space.selection import apportion, random_by_group, ranked
from stages.core.strategies import recluster
from tests.support.knowing import chosen, known, pick

NAN = np.nan
# fmt: off
#                    row  0    1    2    3    4    5
SCORES  = np.array([     .9,  .2,  .9,  .1, NAN,  .5], dtype=np.float32)
BUCKETS = np.array([      0,   0,   0,   1,   1,   1], dtype=np.int32)
LINE    = np.array([   [0.], [4], [5],[80],[81],[89]], dtype=np.float32)
# fmt: on
DOWNWARDS = [5, 4, 3, 2, 1, 0]  # an order in which the last row comes first
SCORED = {"scored": SCORES, "labelled": [4], "buckets": BUCKETS}
FEW_DISTINCT = pytest.mark.filterwarnings("ignore:Number of distinct clusters")


def drawn(seed, wanted=4, **more):
    return pick("random", wanted, seed, **{"buckets": np.repeat([0, 1], 6)} | more)


def banded(seed):
    return pick("bands", 4, seed, scored=np.arange(12), buckets=[0, 1] * 6)


ROOM = [9, 9, 9]


@pytest.mark.parametrize(
    ("total", "weights", "room", "expected"),
    [
        (7, [5, 3, 2], ROOM, [4, 2, 1]),  # 3.5, 2.1 and 1.4: the largest remainder gets the odd row
        (5, [1, 1, 1], ROOM, [2, 2, 1]),  # equal remainders go to the lower group
        (8, [4, 3, 1], [1, 9, 9], [1, 5, 2]),  # the first has one row only; the others share 7 rows as 5.25 and 1.75
        (4, [0, 2, 0], [9, 4, 9], [0, 4, 0]),
        (7, [0, 2, 0], [9, 4, 9], [2, 4, 1]),  # groups of weight 0 give rows once the others ran out
        (6, [1, 9], [5, 1], [5, 1]),
        (0, [1, 9], [5, 1], [0, 0]),
    ],
)
def test_rows_are_shared_by_weight_and_a_group_that_runs_out_passes_its_share_on(total, weights, room, expected):
    assert apportion(total, np.array(weights), np.array(room)).tolist() == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(2, [2, 2, 2]), (0.5, [3, 2, 1]), (0.25, [2, 1, 0]), (0.999, [6, 4, 2])],  # 0.25: 1.5, 1 and 0.5 of 3 in all
)
def test_an_amount_is_rows_of_every_bucket_or_a_share_of_each(amount, expected):
    sizes = np.array([6, 4, 2])
    wanted = rounds.wanted(amount, buckets=3, pool_rows=12)
    by_bucket = known(buckets=np.repeat([0, 1, 2], sizes), shares=rounds.shares(amount, sizes)).by_bucket(wanted)
    assert (wanted, by_bucket.tolist()) == (sum(expected), expected)


def test_shares_go_by_the_size_of_a_bucket_and_room_by_its_open_rows():
    # 6 rows by 6 : 4 : 2 are 3, 2 and 1; of the first bucket one row is open, and 5 by 4 : 2 are 3.33 and 1.67
    buckets = np.repeat([0, 1, 2], [6, 4, 2])
    assert known(buckets=buckets, labelled=range(5), shares=[6, 4, 2]).by_bucket(6).tolist() == [1, 3, 2]
    assert known(buckets=buckets, labelled=range(5)).by_bucket(6).tolist() == [1, 3, 2]  # 1, 2 and 2, and one more


def test_buckets_can_give_different_numbers_of_rows():
    assert pick("buckets", 3, **SCORED, shares=[2, 1]) == [0, 2, 5]
    assert pick("central", 2, points=LINE, buckets=BUCKETS, shares=[0, 1]) == [4, 3]
    assert drawn(seed=0, wanted=2, shares=[1, 0]) == drawn(seed=0)[:2]


@FEW_DISTINCT
def test_a_bucket_that_runs_out_passes_its_share_on_and_the_total_stays():
    #            row  0   1   2   3   4    5
    buckets, scores = [0, 0, 0, 0, 1, 1], [.1, .4, .3, .2, NAN, .9]  # fmt: skip
    assert pick("buckets", 4, scored=scores, buckets=buckets, labelled=[4]) == [1, 2, 3, 5]
    assert pick("central", 4, points=LINE, buckets=buckets, labelled=[4])[3:] == [5]
    for seed in range(4):
        assert np.bincount(np.array(buckets)[pick("random", 4, seed, buckets=buckets, labelled=[4])]).tolist() == [3, 1]
        assert np.bincount(np.array(buckets)[pick("typical", 4, seed, points=LINE, buckets=buckets, labelled=[4])]).tolist() == [
            3,
            1,
        ]


def test_random_draws_n_rows_of_each_bucket_in_turn_by_the_seed():
    assert drawn(seed=0) == [3, 2, 10, 11]
    assert drawn(seed=0) != drawn(seed=1)


def test_a_bucket_smaller_than_n_is_drawn_whole():
    for rows in (
        random_by_group(np.arange(4), np.array([0, 1, 0, 0]), np.array([3, 3]), np.random.default_rng(0)).tolist(),
        pick("random", 4, buckets=[0, 1, 0, 0]),
    ):
        assert (sorted(rows[:3]), rows[3:]) == ([0, 2, 3], [1])


def test_each_row_has_its_distance_to_the_mean_of_its_group():
    # means 3 and 83 1/3
    assert to_own_centre(LINE, BUCKETS).tolist() == pytest.approx([3, 1, 2, 10 / 3, 7 / 3, 17 / 3], rel=1e-5)


def test_each_bucket_gives_its_open_rows_nearest_to_the_mean_of_all_nearest_first():
    assert pick("central", 4, points=LINE, buckets=BUCKETS) == [1, 2, 4, 3]
    assert pick("central", 2, points=LINE, buckets=BUCKETS, labelled=[1, 4]) == [2, 3]
    assert pick("central", 5, points=LINE, buckets=[0, 1, 1, 1, 2, 2]) == [0, 2, 1, 4, 5]  # a small bucket gives all
    square = {"points": [[1.0], [-1], [1], [-1]], "buckets": [0] * 4}  # all equally near
    assert pick("central", 2, **square) == [0, 1]
    assert pick("central", 2, **square, order=[2, 0, 3, 1]) == [2, 0]


def test_rows_are_ranked_by_score_and_equal_ones_as_they_stand_in_the_order():
    assert ranked(SCORES, np.arange(6)).tolist() == [0, 2, 5, 1, 3]
    assert ranked(SCORES, np.array(DOWNWARDS)).tolist() == [2, 0, 5, 1, 3]
    assert ranked(np.full(3, NAN), np.arange(3)).tolist() == []


def test_each_bucket_gives_its_most_uncertain_open_rows():
    assert pick("buckets", 4, **SCORED) == [0, 2, 5, 3]
    assert pick("buckets", 5, **SCORED) == [0, 2, 1, 5, 3]  # the second bucket has two open rows only
    assert pick("buckets", 2, **SCORED) == [0, 5]
    assert pick("buckets", 2, **SCORED, order=DOWNWARDS) == [2, 5]  # rows 0 and 2 have equal scores
    assert pick("buckets", 1, scored=[NAN, 0.3, NAN], buckets=[0, 1, 0], labelled=[0, 2]) == [1]
    assert pick("buckets", 1, scored=[0.9, 0.1], buckets=[0, 0], labelled=[0]) == [1]


def test_a_pool_that_is_labelled_whole_has_no_open_rows():
    assert known(scored=np.full(3, NAN), labelled=[0, 1, 2]).highest(np.ones(3), 1).tolist() == []
    assert chosen("buckets", 0, scored=np.full(3, NAN), buckets=[0] * 3, labelled=[0, 1, 2]) == []
    with pytest.raises(Refused, match=r"rounds.stage2.m asks for 1 rows, but only 0 of the pool are not labelled yet"):
        rounds.refuse_unless_open(0, 1, "rounds.stage2.m")


def test_bands_go_from_the_highest_scores_down():
    # open rows by score: 0 2 | 5 1 | 3
    rows = pick("bands", 5, scored=SCORES, labelled=[4], buckets=[0, 1, 2, 0, 1, 2])
    assert [set(rows[i : i + 2]) for i in (0, 2, 4)] == [{0, 2}, {1, 5}, {3}]


def test_equal_scores_are_cut_into_bands_by_the_order():
    for seed in range(4):  # 5, 4 and 3 are the upper band
        rows = pick("bands", 2, seed, scored=[0.5] * 6, buckets=BUCKETS, order=DOWNWARDS)
        assert ({rows[0]} < {5, 4, 3}, {rows[1]} < {2, 1, 0}) == (True, True)


def test_a_band_is_drawn_from_at_random():
    assert banded(seed=0) == [8, 9, 1, 0]
    assert banded(seed=0) != banded(seed=1)


def test_more_bands_than_open_rows_give_every_open_row():
    assert pick("bands", 5, scored=SCORES, labelled=[4], buckets=[0, 1, 2, 3, 4, 8]) == [0, 2, 5, 1, 3]


# Candidates are two groups on a circle, their middles at rows 1 and 5; row 7 is too sure to be one. Lengths do not matter.
DEGREES, LENGTHS = np.radians([0, 1, 2, NAN, 20, 21, 22, 21]), np.array([1, 5, 1, 1, 1, 1, 9, 1])
TWO_GROUPS = (LENGTHS * [np.cos(DEGREES), np.sin(DEGREES)]).T.astype(np.float32)
UNSURE = np.array([0.8, 0.5, 0.7, NAN, 0.6, 0.9, 0.8, 0.1], dtype=np.float32)
GROUPS = {"points": TWO_GROUPS, "scored": UNSURE, "labelled": [3]}


@pytest.mark.parametrize("seed", range(4))
def test_the_row_nearest_each_new_centre_is_picked_highest_score_first(seed, monkeypatch):
    monkeypatch.setattr(recluster, "CANDIDATES_A_ROW", 3)
    assert pick("recluster", 2, seed, **GROUPS) == [5, 1]


def test_only_the_highest_scores_are_candidates_and_the_order_says_which_of_equal_ones(monkeypatch):
    monkeypatch.setattr(recluster, "CANDIDATES_A_ROW", 1)
    assert pick("recluster", 2, **GROUPS) == [5, 0]
    assert pick("recluster", 2, **GROUPS, order=[*range(7, -1, -1)]) == [5, 6]


# Middles at 1 1/6 and 21 1/6 degrees: rows 1, 0, 2 and 5, 4, 6 are the nearest in this order.
UNEVEN = np.radians([0, 1, 2.5, NAN, 20, 21, 22.5, 21])
TWO_UNEVEN = np.array([np.cos(UNEVEN), np.sin(UNEVEN)]).T.astype(np.float32)


@pytest.mark.parametrize(("count", "expected"), [(2, [5, 1]), (4, [5, 0, 4, 1]), (6, [5, 0, 6, 2, 4, 1])])
def test_above_the_most_clusters_each_gives_several_in_turns_nearest_to_its_centre_first(count, expected, monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 2)
    assert pick("recluster", count, points=TWO_UNEVEN, scored=UNSURE, labelled=[3, 7]) == expected


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


def test_the_row_nearest_to_each_centre_is_taken_and_the_later_of_two_centres_takes_the_next():
    assert nearest_free(LINE, np.array([[4.2], [100], [3.9]], np.float32)).tolist() == [1, 5, 2]


@FEW_DISTINCT
def test_equal_vectors_still_give_as_many_rows_as_wanted():
    assert pick("recluster", 4, **SCORED, points=np.ones((6, 2))) == [0, 2, 5, 1]


@FEW_DISTINCT
def test_two_centres_on_one_spot_pick_two_rows():
    assert set(pick("recluster", 3, points=[[0.0], [0], [0], [7]], scored=[0.4, 0.3, 0.2, 0.1])) == {0, 1, 3}


def test_every_open_row_is_reclustered_when_all_are_wanted():
    assert pick("recluster", 5, **SCORED, points=np.eye(6)) == [0, 2, 5, 1, 3]


@FEW_DISTINCT
@pytest.mark.parametrize("strategy", ["random", "central", "typical", "buckets", "bands", "recluster"])
@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 60), marks=pytest.mark.exhaustive)], ids=["some", "many"])
def test_random_pools_never_give_a_labelled_row_nor_one_twice_and_the_same_seed_gives_the_same(strategy, seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rows, m = int(rng.integers(6, 30)), int(rng.integers(1, 4))
        buckets = np.unique(rng.integers(rng.integers(1, 5), size=rows), return_inverse=True)[1]
        scores = np.round(rng.random(rows), 1).astype(np.float32)  # few values, so there are ties
        vectors = rng.integers(3, size=(rows, 2)).astype(np.float32)  # and equal vectors
        scores[rng.permutation(rows)[: rng.integers(rows - 1)]] = NAN
        is_open, numbers = ~np.isnan(scores), np.unique(buckets)
        wanted = min(m * len(numbers), is_open.sum())
        what = {"points": vectors, "buckets": buckets, "scored": scores, "labelled": np.flatnonzero(~is_open)}
        what["order"] = rng.permutation(rows)

        picked, again = (np.array(pick(strategy, wanted, seed, **what)) for _ in "ab")

        assert picked.tolist() == again.tolist(), seed
        assert is_open[picked].all(), seed
        assert len(set(picked.tolist())) == len(picked) == wanted, seed
        if strategy not in ("bands", "recluster"):
            # As even as can be: no bucket that has open rows left gives two rows fewer than another.
            given = np.bincount(buckets[picked], minlength=len(numbers))
            left = np.bincount(buckets[is_open], minlength=len(numbers)) - given
            assert (given[left > 0] >= given.max() - 1).all(), seed
