"""Learning from the phrases of classes: without a label, and beside labelled rows."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.core.rows import measures
from stages.core.space import logistic, names, sampling, sigmoids

CLASSES, ROWS, WIDTH = 3, 600, 16


def made(layers: int = 0, seed: int = 0, off: float = 0.6, mixed: bool = False):
    """(pool, its classes, phrases): clouds around three directions, and phrases near them, or dealt out to the wrong classes."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLASSES, WIDTH))
    actual = rng.integers(CLASSES, size=ROWS)
    pool = centres[actual] + rng.normal(scale=1.2, size=(ROWS, WIDTH))
    words = centres + rng.normal(scale=off, size=centres.shape)
    words = np.roll(words, 1, 0) if mixed else words
    unit = lambda points: np.float32(points / np.linalg.norm(points, axis=-1, keepdims=True))  # noqa: E731
    pool, words = unit(pool), unit(words)
    if layers:
        pool, words = (np.stack([side] * layers, 1) for side in (pool, words))
    return pool, actual, names.Phrases(words, np.arange(CLASSES))


@pytest.mark.parametrize("layers", [0, 2])
def test_a_model_of_names_alone_knows_the_classes(layers):
    pool, actual, phrases = made(layers)
    alone = names.model(pool, phrases, CLASSES, np.random.default_rng(0))
    cosines = names.likeness(pool, phrases, CLASSES)
    assert np.abs(cosines.mean(0)).max() < 1e-3
    right = [(said.argmax(1) == actual).mean() for said in (alone.probabilities(pool), cosines)]
    assert right[0] > 0.75
    assert right[0] >= right[1] - 0.02


def test_several_phrases_of_a_class_count_as_one():
    pool, _, phrases = made()
    twice = names.Phrases(np.concatenate([phrases.vectors[:1], phrases.vectors]), np.array([0, 0, 1, 2]))
    assert twice.shares.tolist() == [0.5, 0.5, 1, 1]
    np.testing.assert_allclose(names.likeness(pool, twice, CLASSES), names.likeness(pool, phrases, CLASSES), atol=1e-4)


def trust_of(mixed: bool, rows: int, seed: int) -> names.Trust:
    pool, actual, phrases = made(seed=seed, mixed=mixed)
    named = names.model(pool, phrases, CLASSES, np.random.default_rng(0)).probabilities(pool[:rows])
    splits = sampling.stratified_folds(actual[:rows], 5, seed)
    return names.trust(pool[:rows], actual[:rows], phrases, named, logistic.Choice(1.0, 1.0), "even", splits)


@pytest.mark.slow
def test_the_labelled_rows_decide_how_much_names_count():
    good, bad = ([trust_of(mixed, 30, seed) for seed in range(6)] for mixed in (False, True))
    assert min(trust.weight + trust.power for trust in good) > 0
    assert np.mean([trust.weight for trust in good]) > np.mean([trust.weight for trust in bad]) + 1
    assert all(trust == names.Trust(0.0, 0.0) for trust in bad)


def test_without_folds_names_count_like_a_row_and_with_many_labels_not_at_all():
    pool, actual, phrases = made()
    choice, even = logistic.Choice(1.0, 1.0), np.full((ROWS, CLASSES), 1 / CLASSES, np.float32)
    assert names.trust(pool[:2], np.array([0, 1]), phrases, even[:2], choice, "even", []) == names.Trust(1.0, 1.0)
    many = np.resize(np.arange(ROWS), names.MOST_LABELLED + 1)
    splits = sampling.stratified_folds(actual[many], 2, 0)
    assert names.trust(pool[many], actual[many], phrases, even[many], choice, "even", splits) == names.Trust(0.0, 0.0)
    rows = names.joined(pool[:2], np.array([0, 1]), None, phrases, 0)
    assert (len(rows[0]), rows[2]) == (2, None)
    vectors, labels, weights = names.joined(pool[:2], np.array([0, 1]), None, phrases, 2)
    assert (len(vectors), labels.tolist(), weights.tolist()) == (5, [0, 1, 0, 1, 2], [1, 1, 2, 2, 2])


def test_a_class_without_a_label_is_named():
    pool, actual, phrases = made()
    rows = np.flatnonzero(actual != 2)[:12]  # no row of class 2
    splits = sampling.stratified_folds(actual[rows], 3, 0)
    named = names.model(pool, phrases, CLASSES, np.random.default_rng(0)).probabilities(pool)
    trust = names.trust(pool[rows], actual[rows], phrases, named[rows], logistic.Choice(1.0, 1.0), "even", splits)
    vectors, labels, weights = names.joined(pool[rows], actual[rows], None, phrases, max(trust.weight, 1.0))
    said = logistic.fitted(vectors, labels, CLASSES, logistic.Choice(1.0, 1.0), weights).probabilities(pool)
    both = trust.combined(said, named)
    np.testing.assert_allclose(both.sum(1), 1, atol=1e-5)
    third = actual == 2
    assert (both[third].argmax(1) == 2).mean() > 0.5
    assert names.Trust(1.0, 0.0).combined(said, named) is said


def test_phrases_of_two_classes_that_are_nearly_the_same_are_found():
    _, _, phrases = made(layers=2)
    same = names.Phrases(np.concatenate([phrases.vectors, phrases.vectors[:1] * 3]), np.array([0, 1, 2, 2]))
    assert names.alike(phrases, 5) == ([], 0)
    assert names.alike(same, 5) == ([(0, 3)], 1)


TRAIN = SimpleNamespace(folds=3, class_weight="even", pseudo_share=0.5, pseudo_rows=300, pseudo_weight=5.0)


@pytest.mark.parametrize("layers", [0, 2])
def test_where_a_text_may_have_several_classes_slopes_are_drawn_towards_the_names(layers):
    found = {}
    for mixed in (False, True):
        pool, actual, phrases = made(layers, mixed=mixed)
        labels = np.eye(CLASSES, dtype=np.int8)[actual]
        rows = np.flatnonzero(actual != 2)[:24]  # no row of class 2
        named = names.of_several(pool, phrases, CLASSES, np.random.default_rng(0))
        assert (named.probabilities(pool) >= 0.5).mean(0) == pytest.approx(1 / CLASSES, abs=0.01)
        for model in (None, named):
            fit = sigmoids.regression(pool, rows, labels[rows], np.arange(100, 400), TRAIN, 0, "", model)
            assert fit.weights.shape == (CLASSES, pool[0].size)
            found[mixed, model is named] = measures.macro_f1(fit.probabilities(pool), labels)
    assert found[False, True] > found[False, False] + 0.1  # the name alone tells class 2
    assert found[True, True] > found[True, False] - 0.05
