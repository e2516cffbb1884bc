"""Each strategy on a few rows worked out by hand, then all strategies on random pools whose labels are guarded."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from stages.core.base.errors import Refused
from stages.core.learners.probe import Learner
from stages.core.rows import labels
from stages.core.rows.labels import Labels
from stages.core.space import geometry, logistic_cv, typicality
from stages.core.strategies import NoModelYet, PoolState, badge, choose, probcover, recluster
from tests.support.knowing import ALL, MARKED, MODULES, Says, chosen, pick

NONE = np.empty(0, np.int64)
SEEDS = range(4)

# ---- uncertainty

#                  row  0                1                  2                  3              4
THREE = Says(probabilities=[[.98, .01, .01], [.50, .25, .25], [.48, .48, .04], [.4, .3, .3], [.48, .48, .04]])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "order"),
    # in bits 0.16, 1.5, 1.21, 1.57, 1.21; between the likeliest two 0.97, 0.25, 0, 0.1, 0; the likeliest 0.98, 0.5, 0.48, 0.4, 0.48
    [("entropy", [3, 1, 2, 4]), ("margin", [2, 4, 3, 1]), ("least_confidence", [3, 2, 4, 1])],
)
def test_the_least_sure_rows_come_first_and_ties_go_by_the_order(name, order):
    assert pick(name, 4, model=THREE) == order
    assert pick(name, 2, model=THREE, labelled=[order[0]]) == order[1:3]
    turned = {2: 4, 4: 2}  # the two of equal scores, where row 4 comes before row 2
    assert pick(name, 4, model=THREE, order=[4, 3, 2, 1, 0]) == [turned.get(row, row) for row in order]


NEEDS_A_MODEL = [
    *("entropy", "margin", "least_confidence", "badge", "committee", "error_ratio"),
    *("buckets", "bands", "recluster"),  # use the scores of a strategy that needs one
]


@pytest.mark.parametrize("name", NEEDS_A_MODEL)
def test_a_strategy_that_needs_a_model_gets_the_random_arms_rows_where_there_is_none(name, capsys):
    what = {"actual": [0, 1, 0], "buckets": [0, 1, 1], "committee": 2, "held_back": 0.5, "score": "margin", "order": [2, 0, 1]}
    with pytest.raises(NoModelYet):
        pick(name, 2, **what)
    assert chosen(name, 2, **what) == [2, 0]
    said = f"stages/core/strategies/{name}.py needs a model and there is none yet: 2 rows taken from the random arm"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("name", "buckets"), [("buckets", [0] * 5), ("recluster", [0] * 5), ("bands", [0, 1, 2, 3, 0])])
def test_scores_are_those_of_a_stage_or_else_of_the_strategy_that_is_set(name, buckets, monkeypatch):
    monkeypatch.setattr(recluster, "CANDIDATES_A_ROW", 1)
    what = {"model": THREE, "labelled": [4], "buckets": buckets, "points": np.eye(5)}
    assert pick(name, 1, **what, score="entropy") == [3]
    assert pick(name, 1, **what, score="margin") == [2]
    assert pick(name, 1, **what, score="margin", scored=[0.1, 0.4, 0.2, 0.3, 0.9]) == [1]  # row 4 is labelled


CLASS_BY_CLASS = np.repeat([0, 1, 2, 3, 4], 200)  # as pools come
# Fifty fair draws hold 10 of each class, with a (hypergeometric) standard deviation of 2.8, of which 4 are allowed.
MOST_APART = 11


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", sorted(set(ALL) - set(MARKED)))
@pytest.mark.parametrize("seed", [0, 1])
def test_where_all_rows_are_alike_no_class_of_a_sorted_pool_is_favoured(name, seed):
    def train(rows, paid, seed):
        return alike

    alike = Says(np.full((1000, 5), 0.2), features=np.ones((1000, 2)))
    order = np.random.default_rng([seed, 1]).permutation(1000)
    what = {"points": np.ones((1000, 3)), "model": alike, "labelled": order[-20:], "actual": CLASS_BY_CLASS, "classes": 5}
    what |= {"train": train, "committee": 5, "held_back": 0.25, "score": "margin"}
    rows = chosen(name, 50, seed, **what, order=order, buckets=[0] * 1000)
    counts = np.bincount(CLASS_BY_CLASS[rows], minlength=5)
    assert counts.sum() == 50
    assert (abs(counts - 10) <= MOST_APART).all(), counts
    if name in ("entropy", "margin", "least_confidence", "committee", "buckets", "central", "kmeans_diversity", "badge"):
        first = 1 if name == "badge" else 50  # badge draws the rest
        assert rows[:first] == order[:first].tolist()
    if name == "recluster":
        assert rows == order[:50].tolist()


def test_a_committee_of_few_distinct_scores_spreads_its_picks_as_a_fair_draw_would():
    """Votes are 3 : 2 on every odd row and 4 : 1 on the others. By row number all fifty would be of the first class."""
    odd, order = np.arange(1000) % 2, np.random.default_rng(0).permutation(1000)
    votes = iter([0 * odd, 0 * odd, 0 * odd, odd, 0 * odd + 1])
    what = {"actual": CLASS_BY_CLASS, "labelled": order[-20:], "order": order, "committee": 5}
    rows = pick("committee", 50, **what, train=lambda rows, paid, seed: Says(np.eye(2)[next(votes)]))
    assert rows == [row for row in order[:-20] if odd[row]][:50]
    assert np.bincount(CLASS_BY_CLASS[rows], minlength=5).tolist() == [6, 13, 12, 9, 10]


def test_the_committee_picks_what_divides_it_and_each_member_learns_from_a_bootstrap_sample():
    #           row  0  1  2  3
    votes = iter([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1]])
    samples = []

    def train(rows, paid, seed):
        samples.append(sorted(rows.tolist()))
        return Says(np.eye(2)[[*next(votes), *[0] * 6]])

    labelled = range(4, 10)
    assert pick("committee", 2, labelled=labelled, actual=[0] * 10, train=train, committee=4) == [1, 2]  # 2 : 2, then 3 : 1
    assert all(len(sample) == 6 and set(sample) <= set(labelled) for sample in samples)
    assert len(set(map(tuple, samples))) == 4


# ---- diversity

#       row  0  1  2   3   4   5   6   7   8
LINE = [[0], [1], [2], [20], [21], [22], [40], [41], [42]]


@pytest.mark.parametrize("seed", SEEDS)
def test_kmeans_diversity_takes_the_middle_of_each_clump(seed, monkeypatch):
    assert sorted(pick("kmeans_diversity", 3, seed, points=LINE)) == [1, 4, 7]
    wide = np.array(LINE) @ np.ones((1, 64))  # to be projected
    assert sorted(pick("kmeans_diversity", 3, seed, points=wide)) == [1, 4, 7]
    monkeypatch.setattr(geometry, "EXACT_ROWS", 8)  # above, clusters are made by mini-batches
    assert sorted(pick("kmeans_diversity", 3, seed, points=LINE)) == [1, 4, 7]


def test_kmeans_diversity_clusters_open_rows_only_and_ties_go_by_the_order():
    assert sorted(pick("kmeans_diversity", 3, points=LINE, labelled=[4, 8])) == [1, 3, 6]  # ties of 3 and 5, 6 and 7
    assert sorted(pick("kmeans_diversity", 3, points=LINE, labelled=[4, 8], order=[*range(8, -1, -1)])) == [1, 5, 7]


def test_above_the_most_clusters_each_clump_gives_several_rows_the_middle_first(monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 3)
    assert sorted(pick("kmeans_diversity", 6, points=LINE)) == [0, 1, 3, 4, 6, 7]  # of the two beside a middle the first


def circle(*degrees):
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)


# Two clusters of eight. The four nearest of 10 are 1, 1, 5 and 5 degrees away, those of 9 and 11 1, 2, 4 and 6.
#         row  0  1  2   3   4   5   6   7   row 8    9   10   11   12   13   14   15
CLUSTERS = circle(0, 5, 9, 10, 11, 15, 20, 45, 120, 125, 129, 130, 131, 135, 140, 165)
OUTLIERS = {7, 15}


@pytest.mark.parametrize("seed", SEEDS)
def test_typiclust_takes_the_row_with_the_nearest_neighbours_of_each_cluster_and_no_outlier(seed):
    assert sorted(pick("typiclust", 2, seed, points=CLUSTERS)) == [3, 11]
    assert OUTLIERS.isdisjoint(pick("typiclust", 4, seed, points=CLUSTERS))  # even where they are clusters of their own


def test_typiclust_begins_with_clusters_without_labels():
    assert pick("typiclust", 1, points=CLUSTERS, labelled=[0]) == [11]
    assert pick("typiclust", 1, points=CLUSTERS, labelled=[11]) == [3]


def test_typiclust_takes_small_clusters_last():
    assert sorted(pick("typiclust", 6, points=CLUSTERS[:8], labelled=[2, 3])) == [0, 1, 4, 5, 6, 7]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("wanted", "shares", "expected"),
    [(2, [1, 1], [3, 11]), (1, [0, 1], [11]), (9, [1, 20], [3, 8, 9, 10, 11, 12, 13, 14, 15])],  # 0.4 and 8.6 rows, but of 8
)
def test_every_bucket_gives_rows_that_are_typical_of_it(wanted, shares, expected, seed):
    assert sorted(pick("typical", wanted, seed, points=CLUSTERS, buckets=np.repeat([0, 1], 8), shares=shares)) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_a_labelled_row_covers_its_own_cluster_of_a_bucket(seed):
    # One bucket: of its two clusters that of row 3 has a labelled row.
    assert pick("typical", 1, seed, points=CLUSTERS, buckets=[0] * 16, labelled=[3]) == [11]


def test_turns_go_round_and_an_empty_queue_drops_out():
    assert "".join(typicality.in_turns([iter("ad"), iter("be"), iter("cfgh")])) == "abcdefgh"


def test_a_sample_of_a_large_cluster_is_ordered_and_the_others_follow(monkeypatch):
    monkeypatch.setattr(typicality, "ROWS_COMPARED", 3)
    order = typicality.most_typical_first(np.array(LINE, np.float32), np.random.default_rng(0)).tolist()
    assert order != list(range(9))
    assert sorted(order) == list(range(9))


def test_a_ball_is_pure_up_to_the_nearest_row_of_another_label(monkeypatch):
    points, pseudo_labels = np.array([[0.0], [1], [2], [10], [11], [12]]), np.array([0, 0, 0, 1, 1, 1])
    assert probcover.pure_radius(points, pseudo_labels) == 8  # nearest are 10, 9, 8, 8, 9, 10: none may be impure of six
    monkeypatch.setattr(probcover, "PURITY", 0.5)
    assert probcover.pure_radius(points, pseudo_labels) == 9  # the balls of rows 2 and 3 alone are impure then
    monkeypatch.setattr(probcover, "BLOCK_ROWS", 4)
    assert probcover.pure_radius(points, pseudo_labels) == 9


def test_the_row_that_covers_most_of_what_is_left_comes_first():
    line = np.array([0, 1, 2, 3, 10, 11])
    covers = abs(line[:, None] - line) < 1.5
    nothing = np.zeros(6, bool)
    assert probcover.most_covering(covers, nothing, 9).tolist() == [1, 4, 2]  # 0 to 2, then 10 and 11, then 3
    assert probcover.most_covering(covers, nothing, 2).tolist() == [1, 4]
    assert probcover.most_covering(covers, line < 4, 9).tolist() == [4]


@pytest.mark.parametrize("seed", SEEDS)
def test_probcover_covers_both_ends_then_fills_up_at_random(seed):
    arcs = circle(0, 1, 2, 3, 4, 60, 61, 62, 63, 64)  # balls are pure up to 56 degrees: one row covers a whole arc
    assert sorted(row // 5 for row in pick("probcover", 2, seed, points=arcs)) == [0, 1]
    assert pick("probcover", 1, seed, points=arcs, labelled=[2])[0] >= 5
    assert sorted(pick("probcover", 9, seed, points=arcs, labelled=[2])) == [0, 1, 3, 4, 5, 6, 7, 8, 9]


def test_rows_that_cover_equally_many_are_taken_at_random_and_not_by_their_number():
    arc = circle(0, 1, 2, 3, 4)  # one cluster: each row covers all
    assert {pick("probcover", 1, seed, points=arc, classes=1)[0] for seed in range(40)} == {0, 1, 2, 3, 4}


def test_probcovers_radius_is_fixed_before_the_first_round_and_the_same_in_all(monkeypatch):
    radii, pure_radius = [], probcover.pure_radius
    monkeypatch.setattr(probcover, "pure_radius", lambda *given: radii.append(pure_radius(*given)) or radii[-1])
    places = circle(0, 1, 2, 3, 4, 60, 61, 62, 63, 64, 120, 150, 180)
    for seed, labelled in enumerate(([], [10], [10, 11], [5, 6, 7, 8, 9])):  # of open rows alone it would grow
        pick("probcover", 2, seed, points=places, labelled=labelled)
    assert len(radii) == 4
    assert len(set(radii)) == 1


def test_probcover_covers_a_sample_of_a_large_pool_and_draws_the_rest(monkeypatch):
    monkeypatch.setattr(probcover, "ROWS_COMPARED", 4)
    assert len(set(pick("probcover", 7, points=circle(*range(0, 100, 10))))) == 7


# ---- badge


def naive_spread(errors, features, wanted, rng):
    """k-means++ on gradients written out."""
    gradients = (errors[:, :, None] * features[:, None]).reshape(len(errors), -1).astype(np.float64)
    picked = [int((gradients**2).sum(1).argmax())]
    while len(picked) < wanted:
        nearest = ((gradients[:, None] - gradients[picked]) ** 2).sum(2).min(1)
        picked.append(int(rng.choice(len(nearest), p=nearest / nearest.sum())))
    return picked


@pytest.mark.parametrize("seed", SEEDS)
def test_badge_draws_as_from_gradients_written_out(seed):
    errors, features = (np.random.default_rng(9).normal(size=(30, width)).astype(np.float32) for width in (3, 5))
    rows = badge.spread(errors, features, 10, np.random.default_rng(seed)).tolist()
    assert rows == naive_spread(errors, features, 10, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_badge_draws_many_rows_part_by_part_the_longest_of_each_first(seed, monkeypatch):
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 1)
    lengths = np.arange(8, dtype=np.float32)[:, None]
    order = np.random.default_rng(seed).permutation(8)
    expected = [max(order[:3]), max(order[3:6]), max(order[6:])]  # three rows wanted: three parts that give one each
    assert badge.spread_in_parts(lengths, np.ones((8, 1), np.float32), 3, np.random.default_rng(seed)).tolist() == expected
    assert sorted(badge.spread_in_parts(lengths, lengths, 8, np.random.default_rng(seed))) == [*range(8)]


def test_badge_draws_in_one_part_up_to_the_most_clusters(monkeypatch):
    errors, features = (np.random.default_rng(9).normal(size=(30, width)).astype(np.float32) for width in (3, 5))
    monkeypatch.setattr(geometry, "MOST_CLUSTERS", 10)
    rows = badge.spread_in_parts(errors, features, 10, np.random.default_rng(0)).tolist()
    assert rows == naive_spread(errors, features, 10, np.random.default_rng(0))
    more = badge.spread_in_parts(errors, features, 25, np.random.default_rng(0))  # parts of 9, 8 and 8
    assert len(set(more.tolist())) == 25


def test_badge_takes_the_longest_gradient_first():
    #       squared length  0       0.32        2           0.32
    model = Says([[1, 0], [0.6, 0.4], [0.5, 0.5], [0.4, 0.6]], features=[[9, 9], [1, 0], [2, 0], [0, 1]])
    assert pick("badge", 1, model=model) == [2]
    assert pick("badge", 1, model=model, labelled=[2]) == [1]


@pytest.mark.parametrize("seed", SEEDS)
def test_badge_avoids_duplicates(seed):
    kind = np.repeat([0, 1, 2], 5)
    model = Says(np.full((15, 2), 0.5), features=np.array([[1.0, 2], [3, -1], [0.3, 0.7]])[kind])
    rows = pick("badge", 6, seed, model=model)
    assert set(kind[rows[:3]]) == {0, 1, 2}
    assert len(set(rows)) == 6  # there are three kinds only: the others are drawn evenly


def test_badge_draws_evenly_where_the_model_is_sure_of_everything():
    assert len(set(pick("badge", 3, model=Says(np.eye(2)[[0, 1, 0, 1]], features=np.ones((4, 2)))))) == 3


# ---- strata and errors

BUCKETS = np.repeat([0, 1, 2], [6, 4, 2])


@pytest.mark.parametrize(
    ("labelled", "wanted", "counts"),
    [
        ([], 6, [3, 2, 1]),
        ([0, 1, 2], 3, [0, 2, 1]),  # all six together are 3, 2 and 1
        ([0, 1, 2, 3, 4], 1, [0, 1, 0]),  # 2 and 1 are missing, one row can be had
        ([10, 11], 10, [6, 4, 0]),
    ],
)
def test_all_labelled_rows_together_follow_the_sizes_of_buckets(labelled, wanted, counts):
    rows = pick("stratified_random", wanted, buckets=BUCKETS, labelled=labelled)
    assert np.bincount(BUCKETS[rows], minlength=3).tolist() == counts


def error_ratio(said_of_held, actual, wanted, held_back=0.5, labelled=range(8)):
    """(rows drawn of each predicted class, true classes held back): the arm's model predicts 0 for even and 1 for odd rows."""
    rest = []

    def train(rows, paid, seed):
        rest.extend(rows.tolist())
        return Says(np.eye(2)[said_of_held])

    model = Says(np.eye(2)[np.arange(len(actual)) % 2])
    rows = pick("error_ratio", wanted, model=model, labelled=labelled, actual=actual, train=train, held_back=held_back)
    held = np.setdiff1d(labelled, rest)
    return np.bincount(np.array(rows) % 2, minlength=2).tolist(), np.array(actual)[held].tolist()


@pytest.mark.parametrize(
    ("said_of_held", "actual", "wanted", "counts"),
    [
        ([0] * 20, [1] * 20, 4, [0, 4]),  # only class 1 is missed
        ([1] * 20, [1] * 20, 6, [3, 3]),  # nothing is wrong
        ([0] * 12, [1] * 12, 3, [1, 2]),  # class 1 has two open rows, and passes its share on
    ],
)
def test_classes_share_rows_by_their_errors(said_of_held, actual, wanted, counts):
    drawn, held = error_ratio(said_of_held, actual, wanted)
    assert (drawn, held) == (counts, [1] * 4)


def test_classes_are_drawn_in_proportion_to_their_errors_on_the_rows_held_back():
    actual = [0, 1, 1, 1, 1, 1, 1, 1] + [0] * 80
    counts, held = error_ratio(said_of_held=[1 - y for y in actual], actual=actual, wanted=24, held_back=0.75)
    assert len(held) == 6
    assert counts == [24 * held.count(0) // 6, 24 * held.count(1) // 6]


def test_one_row_is_left_to_train_on_however_much_is_held_back():
    actual = [0, 1, 1, 1, 1, 1, 1, 1] + [0] * 80
    counts, held = error_ratio(said_of_held=[1 - y for y in actual], actual=actual, wanted=14, held_back=0.99)
    assert len(held) == 7  # of 8, where 0.99 of them are 8
    assert counts == [2 * held.count(0), 2 * held.count(1)]


def test_errors_are_counted_on_rows_with_a_class():
    actual = [1, -2, 1, -3, 1, -2, 1, -2] + [1] * 12
    assert error_ratio([0] * 20, actual, wanted=4, held_back=0.75)[0] == [0, 4]


@pytest.mark.parametrize("labelled", [[0], [0, 3]])
def test_a_single_row_with_a_class_counts_no_errors_and_classes_share_alike(labelled):
    actual = [0, 1, 0, -2, 0, 1]
    assert error_ratio(said_of_held=[1] * 6, actual=actual, wanted=2, labelled=labelled) == ([1, 1], [0, -2][: len(labelled)])


@pytest.mark.parametrize("name", NEEDS_A_MODEL)
def test_at_the_first_stage_rows_labelled_before_make_no_model_and_random_rows_are_taken(name, capsys):
    """Such as rows that the source labelled, whose labels are not bought yet, or rows for which people found no class."""
    what = {
        "actual": [0, -1, -2, 0, 1],
        "labelled": [1, 2],
        "buckets": [0, 1, 1, 0, 0],
        "order": [1, 4, 2, 0, 3],
        "points": np.eye(5),
    }
    assert chosen(name, 2, **what, committee=2, held_back=0.5, score="margin") == [4, 0]
    assert f"{name}.py needs a model and there is none yet: 2 rows taken from the random arm" in capsys.readouterr().out


def test_a_committee_learns_from_rows_with_a_class():
    samples = []

    def train(rows, paid, seed):
        samples.append(rows.tolist())
        return Says(np.eye(2)[[0, 1, 0, 0, 0, 0]])

    pick("committee", 1, labelled=[2, 3, 4, 5], actual=[0, 0, 1, -2, 1, -3], train=train, committee=3)
    assert [len(rows) for rows in samples] == [2] * 3
    assert {row for sample in samples for row in sample} <= {2, 4}


# ---- subsets by the true class


def subset(name, wanted):
    """(rows picked, rows the seed model was trained on): row i has the probability i / 20 for its true class."""
    seeds = []

    def train(rows, paid, seed):
        seeds.extend(rows.tolist())
        sure = np.arange(20) / 20
        return Says(np.stack([1 - sure, sure], 1)[np.arange(20)[:, None], np.stack([ACTUAL == 1, ACTUAL == 0], 1) * -1 + 1])

    return pick(name, wanted, actual=ACTUAL, train=train, everything=True), seeds


ACTUAL = np.arange(20) % 2


@pytest.mark.parametrize("wanted", [3, 8])
def test_high_and_low_confidence_take_the_ends_without_the_seed_rows(wanted):
    for name, order in (("high_confidence", range(19, -1, -1)), ("low_confidence", range(20))):
        rows, seeds = subset(name, wanted)
        assert len(seeds) == wanted
        assert rows == [row for row in order if row not in seeds][:wanted]


def test_a_subset_of_most_of_the_pool_leaves_fewer_rows_for_the_seed_model():
    rows, seeds = subset("high_confidence", 18)
    assert len(seeds) == 2
    assert sorted(rows + seeds) == list(range(20))


@pytest.mark.parametrize(("wanted", "at_random"), [(6, 3), (7, 4), (1, 1)])
def test_hybrid_is_random_rows_and_the_hardest_of_the_others(wanted, at_random):
    rows, seeds = subset("hybrid", wanted)
    assert rows[:at_random] == seeds
    assert rows[at_random:] == [row for row in range(20) if row not in seeds][: wanted - at_random]


def test_three_strategies_use_labels_of_the_pool_and_are_refused_without():
    assert MARKED == ["high_confidence", "hybrid", "low_confidence"]
    for name in MARKED:
        with pytest.raises(Refused, match="never paid for"):
            pick(name, 2, actual=ACTUAL, train=None)


# ---- all of them


class Guarded:
    """Class numbers that raise when an unpaid one is read in any way."""

    def __init__(self, values, paid):
        self.values, self.paid = values, set(paid.tolist())

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        assert set(np.ravel(rows).tolist()) <= self.paid, "a label was read that nobody paid for"
        return self.values[rows]

    def __array__(self, *_, **__):
        raise AssertionError("all labels were read")


class ProbeOnPool:
    def __init__(self, model, points):
        self.model, self.points = model, points

    def probabilities(self, rows):
        return self.model.probabilities(self.points[rows], "")

    def features(self, rows):
        return self.model.features(self.points[rows], "")


@functools.cache
def random_pool(seed):
    """(classes, points, buckets, labelled rows, order, learner, model of the labelled rows); arrays are read-only."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(3, size=60)
    points = (np.round(rng.normal(size=(60, 4))) + 2 * np.eye(4)[actual]).astype(np.float32)  # with duplicates
    buckets, labelled, order = rng.integers(4, size=60).astype(np.int32), rng.permutation(60)[:20], rng.permutation(60)
    for array in (actual, points, buckets, labelled, order):
        array.setflags(write=False)
    learner = Learner(SimpleNamespace(folds=2, class_weight="none"), SimpleNamespace(model="tiny", layers="last"), None, 3)
    return actual, points, buckets, labelled, order, learner, learner.fit(points, labelled, actual[labelled], 0, "")


def random_known(seed, guarded=True, first=False, by_size=False):
    """A pool of 3 classes, a third of it labelled, or nothing yet. Unguarded, all labels are bought and no row is labelled."""
    actual, points, buckets, labelled, order, learner, model = random_pool(seed)

    def train(rows, paid, seed):
        return ProbeOnPool(learner.fit(points, rows, paid.of(rows), seed, ""), points)

    later = guarded and not first
    bought = labelled if later else NONE if guarded else np.arange(60)
    return PoolState(
        vectors=points,
        buckets=buckets,
        shares=np.bincount(buckets) if by_size else np.ones(4),
        order=order,
        labelled=labelled if later else NONE,
        labels=Labels(Guarded(actual, bought) if guarded else actual, len(bought)).buy(bought),
        classes=3,
        options=SimpleNamespace(committee=3, held_back=0.25, score="margin"),
        model=ProbeOnPool(model, points) if later else None,
        train=train,
    )


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("first", [True, False])
def test_open_rows_as_many_as_wanted_the_same_for_the_same_seed_and_no_label_unpaid(name, first, monkeypatch, tmp_path):
    """As first picks, where nothing is labelled, and as later ones; every arm asks through `choose`."""
    monkeypatch.chdir(tmp_path)  # without files of the pool
    monkeypatch.setattr(logistic_cv, "STRENGTHS", np.ones(1))  # a tenth of the time
    monkeypatch.setattr(labels, "answers", lambda: pytest.fail("labels were read past the door"))
    for seed, wanted in ((0, 1), (1, 12), (2, 39)):
        marked = name in MARKED
        what = [random_known(seed, guarded=not marked, first=first and not marked, by_size=seed == 1) for _ in "ab"]
        rows, again = (choose(MODULES[name].pick, each, wanted, np.random.default_rng(seed)) for each in what)
        assert rows.dtype == np.int64
        assert len(rows) == wanted
        assert len(np.intersect1d(rows, what[0].open_rows)) == wanted
        assert rows.tolist() == again.tolist()


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("first", [True, False])
def test_a_strategy_with_labels_of_the_pool_is_refused_where_rows_are_paid_for(name, first):
    with pytest.raises(Refused, match="never paid for"):
        choose(MODULES[name].pick, random_known(0, first=first), 5, np.random.default_rng(0))


@pytest.mark.parametrize(
    "peek",
    [
        lambda known: known.labels.of(known.open_rows),
        lambda known: known.labels._answers[known.open_rows[0]],
        lambda known: np.asarray(known.labels._answers),
        lambda known: labels.whole_pool("curious"),
        lambda known: known.truth(known.labelled, np.random.default_rng(0)),
    ],
)
def test_the_guard_catches_a_peek_at_unpaid_labels(peek, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((Refused, AssertionError)):
        peek(random_known(0))
