"""How far new texts lie from the pool: a class that it lacks is found, texts like the others are not."""

import numpy as np
import pytest

from stages.core.encoding import encoder, model_files
from stages.core.encoding.vectors import mean_of_layers
from stages.core.reporting import novelty
from stages.core.sources.packaged import PACKAGED
from tests.support.tiny import map_rows

RNG = np.random.default_rng


def test_rows_like_the_others_are_far_as_rarely_as_expected_and_a_cloud_of_its_own_is(monkeypatch):
    cloud = lambda centre, rows, seed: (3 * RNG(centre).normal(size=32) + RNG(seed).normal(size=(rows, 32))).astype(np.float32)  # noqa: E731
    known = np.concatenate([cloud(0, 600, 10), cloud(1, 600, 11)])
    new = np.concatenate([cloud(0, 1000, 12), cloud(2, 50, 13)])
    found = novelty.measured(new, known)
    assert found.far[:1000].mean() < 0.03
    assert found.far[1000:].all()
    assert (found.nearest[:1000] < 600).mean() > 0.95
    own = novelty.measured(known[:1], known)
    assert own.distances[0] < own.bound  # itself among its neighbours
    with monkeypatch.context() as patch:  # the bound by a sample is nearly that by all
        patch.setattr(novelty, "SAMPLED", 300)
        sampled = novelty.measured(new, known)
        assert sampled.bound == pytest.approx(found.bound, rel=0.1)
        assert np.array_equal(sampled.distances, found.distances)
    equal = np.ones((10, 4), np.float32)
    assert not novelty.measured(3 * equal[:4], equal).far.any()  # rounding is no distance
    assert novelty.measured(-equal[:1], equal[:2]).far.all()


def test_the_lines_name_how_many_and_which_the_farthest_first():
    found = novelty.Novelty(np.array([0.1, 0.5, 0.9, 0.6, 0.2]), np.array([0, 1, 1, 0, 1]), bound=0.3)
    head, *buckets = novelty.lines(found, ["a", "b", "c`<i>|\n" + "x" * 90, "d", "e"], np.array([4, 7]))
    assert head == (
        "The model has not seen such texts: 3 of 5 new ones lie farther from their neighbours than 99% of the others from theirs "
        "(60.0%, 95% interval 14.7% to 94.7%; 1% is expected)."
    )
    assert buckets[0] == "- nearest to bucket 7: 2 of 3, such as `c'<i>|\\n" + "x" * 53 + "`, `b`"
    assert buckets[1] == "- nearest to bucket 4: 1 of 2, such as `d`"
    nothing = novelty.lines(novelty.Novelty(np.full(50, 0.1), np.zeros(50, int), 0.3), ["a"] * 50, np.array([0]))
    assert nothing == [
        "0 of 50 new texts lie farther from their neighbours than 99% of the others from theirs (0.0%, 95% interval 0.0% to 7.1%; "
        "1% is expected)."
    ]


@pytest.mark.slow
def test_a_class_held_back_from_the_pool_is_found_among_new_texts():
    table = PACKAGED["bbc_news"]()
    texts, labels = ([str(value) for value in table.values(column)] for column in ("text", "label"))
    rng, names = RNG(0), sorted(set(labels))
    rows = {name: rng.permutation([row for row, label in enumerate(labels) if label == name])[:60].tolist() for name in names}
    strange = rows.pop("tech")
    pool, ordinary = ([row for its in rows.values() for row in its[part]] for part in (slice(20, None), slice(20)))
    model = encoder.Encoder(model_files.PACKAGED, 128, layers=4).eval()

    def encoded(some: list[int]) -> np.ndarray:
        tokens = model.tokenise([texts[row][:400] for row in some])
        return mean_of_layers(map_rows(model.vectors, tokens, model.vector_shape, 4096, model.stored_dtype))

    found = novelty.measured(encoded(ordinary + strange), encoded(pool))
    assert found.far[len(ordinary) :].mean() > 0.35
    assert found.far[: len(ordinary)].mean() < 0.08
    farthest = np.argsort(-found.distances)[:30]
    assert (farthest >= len(ordinary)).mean() > 0.9
    [head, *_] = novelty.lines(found, [texts[row] for row in ordinary + strange], np.zeros(len(pool), int))
    assert head.startswith("The model has not seen such texts: ")
