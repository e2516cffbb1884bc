"""The contract of learners, the same tests for every file of stages/core/learners."""

import inspect
import json
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.core import learners
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, paths, plugins
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, vectors
from stages.core.rows.labels import NO_CLASS, Labels
from tests.support.tiny import map_rows, tiny_corpus, tiny_encoder

NAMES = plugins.names("learners")
CLASSES = 3  # of which the corpus has two
LABELLED = np.array([20, 3, 7, 0, 15, 8, 11, 2])  # in no order: a row is found by its number, not by its place
EMBED = SimpleNamespace(model="tiny", max_tokens=16, pooling="mean", layers=4, dtype="float32", lower_case=False)
MACHINE = SimpleNamespace(batch_tokens=64, engine="local")
TRAIN = {
    **{"dtype": "float32", "epochs": 2, "min_steps": 4, "batch_rows": 4, "learning_rate": 1e-3, "weight_decay": 0.01},
    "head_learning_rate": 1e-3,
    **{"pseudo_share": 0.5, "pseudo_rows": 3_000, "pseudo_weight": 5},
    **{"warmup_share": 0.1, "freeze_word_embeddings": True, "warm_start": False, "folds": 2, "contrastive_steps": 4},
    "class_weight": "even",
    "early_stopping": SimpleNamespace(patience=0, holdout_share=0.25),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Labels of a pool of 24 texts, in whose folder this process is: texts, vectors and encoder, but no file of labels."""
    with chdir(tmp_path_factory.mktemp("learners")):
        tiny_encoder(Path("tiny"))
        artifacts.save_json(paths.POINTER, {"model": "tiny"})
        rows = list(artifacts.load_jsonl(tiny_corpus(Path("corpus.jsonl"), rows=24)))
        texts = [row["text"] for row in rows]
        artifacts.save_jsonl(paths.POOL, ({"text": text} for text in texts))
        body = encoder.of_pipeline(EMBED).eval()
        artifacts.save(paths.EMBEDDINGS, map_rows(body.vectors, body.tokenise(texts), body.vector_shape, 64, body.stored_dtype))
        vectors.describe(paths.EMBEDDINGS, texts, {"model": "tiny", "layers": body.layers})
        yield np.array([row["label"] == "pos" for row in rows]).astype(np.int64)


def learner_of(name, machine=MACHINE):
    return learners.named(SimpleNamespace(trainer=name, **TRAIN), EMBED, machine, CLASSES)


@pytest.fixture(scope="module", params=NAMES)
def made(request, folder):
    """A learner, the pool as it reads it, and a model fitted on 8 of its rows."""
    learner = learner_of(request.param)
    pool = learner.read(paths.POOL, paths.EMBEDDINGS)
    labels = folder[LABELLED]
    model = learner.fit(pool, LABELLED, labels, 0, "test", None)
    return SimpleNamespace(name=request.param, learner=learner, pool=pool, labels=labels, model=model)


def predicted(model, pool) -> np.ndarray:
    return model.probabilities(pool[np.arange(len(pool))], "")


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_learners_of_the_pipeline_are_there():
    assert {"self_training", "probe", "finetune", "contrastive"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_a_learner_that_reads_and_fits_and_loads_what_it_saved(name):
    module = plugins.load("learners", name)
    assert parameters(module.Learner.__init__) == ["train", "embed", "machine", "classes"]
    assert parameters(module.Learner.read) == parameters(learners.Learner.read) == ["texts", "embeddings"]
    assert parameters(module.Learner.fit) == parameters(learners.Learner.fit)
    assert parameters(module.load) == ["folder", "embed", "machine"]


def test_a_pool_has_a_length_and_is_picked_by_rows(made):
    assert len(made.pool) == 24
    assert len(made.pool[LABELLED]) == 8


def test_probabilities_are_float32_one_row_a_text_and_sum_to_1(made):
    probabilities = predicted(made.model, made.pool)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (24, CLASSES))
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(1), np.ones(24), atol=1e-6)


def width(made) -> int:
    return 64 if made.name in ("probe", "self_training") else 32  # of two layers, or of the last alone


def test_features_are_float32_one_row_a_text(made):
    features = made.model.features(made.pool[LABELLED], "")
    assert (features.dtype, features.shape) == (np.float32, (8, width(made)))
    assert np.isfinite(features).all()


def test_no_texts_have_no_probabilities_and_no_features(made):
    nothing = made.pool[np.array([], dtype=np.int64)]
    assert made.model.probabilities(nothing, "").shape == (0, CLASSES)
    assert made.model.features(nothing, "").shape == (0, width(made))


def test_the_history_is_a_list_of_epochs_that_json_can_hold(made):
    history = made.model.history
    assert isinstance(history, list)
    assert [epoch["epoch"] for epoch in history] == [*range(1, len(history) + 1)]
    assert json.loads(json.dumps(history)) == history


def test_a_saved_model_predicts_the_same_to_the_bit(made, tmp_path):
    made.model.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["classifier.json", "model.safetensors"]
    about = artifacts.load_json(tmp_path / "classifier.json")
    assert (about["trainer"], about["classes"]) == (made.name, CLASSES)
    loaded = learners.load_model(tmp_path, EMBED, MACHINE)
    assert type(loaded) is type(made.model)
    assert predicted(loaded, made.pool).tobytes() == predicted(made.model, made.pool).tobytes()
    for model in (loaded, made.model):
        assert model.features(made.pool[LABELLED], "").tobytes() == loaded.features(made.pool[LABELLED], "").tobytes()
    assert isinstance(loaded.history, list)


def test_the_number_of_tokens_at_once_changes_last_bits_at_most(made, tmp_path):
    made.model.save(tmp_path)
    few, many = (
        learners.load_model(tmp_path, EMBED, SimpleNamespace(batch_tokens=tokens, engine="local")) for tokens in (1, 4_096)
    )
    np.testing.assert_allclose(predicted(few, made.pool), predicted(many, made.pool), rtol=0, atol=1e-6)
    features = (model.features(made.pool[LABELLED], "") for model in (few, many))
    np.testing.assert_allclose(*features, rtol=0, atol=1e-6)


def test_the_same_rows_labels_and_seed_give_the_same_model(made):
    again = made.learner.fit(made.pool, LABELLED, made.labels, 0, "test", None)
    assert predicted(again, made.pool).tobytes() == predicted(made.model, made.pool).tobytes()


@pytest.mark.slow
def test_a_learner_uses_the_labels_it_is_given_and_reads_no_file_of_labels(made):
    # Files with the opposite labels, where a stage would find them.
    files = [paths.ANSWERS, paths.HOLDOUT_LABELS, Path("data/stage1/labels.npy")]
    assert not any(file.exists() for file in files)
    try:
        for file in files:
            artifacts.save(file, 1 - np.resize(made.labels, 24))
        again = made.learner.fit(made.pool, LABELLED, made.labels, 0, "test", None)
    finally:
        for file in files:
            file.unlink()
    assert predicted(again, made.pool).tobytes() == predicted(made.model, made.pool).tobytes()
    opposite = made.learner.fit(made.pool, LABELLED, 1 - made.labels, 0, "test", None)
    assert predicted(opposite, made.pool).tobytes() != predicted(made.model, made.pool).tobytes()


class Watched:
    """A pool that notes which rows are read."""

    def __init__(self, pool):
        self.pool, self.asked = pool, []

    def __len__(self):
        return len(self.pool)

    def __getitem__(self, rows):
        self.asked.append(rows.tolist())
        return self.pool[rows]

    @property
    def vectors(self):
        return self.pool.vectors


@pytest.mark.slow
def test_a_learner_finds_the_labelled_rows_in_the_pool_by_number(made):
    pool = Watched(made.pool)
    model = made.learner.fit(pool, LABELLED, made.labels, 0, "test", None)
    asked = pool.asked[0][:8] if made.name == "contrastive" else pool.asked[0]  # which asks for open rows behind them
    assert asked == LABELLED.tolist()
    assert predicted(model, made.pool).tobytes() == predicted(made.model, made.pool).tobytes()
    if made.name in ("self_training", "contrastive"):
        return  # they learn from other rows too
    assert len(pool.asked) == 1
    alone = made.learner.fit(made.pool[LABELLED], np.arange(8), made.labels, 0, "test", None)
    assert predicted(alone, made.pool).tobytes() == predicted(made.model, made.pool).tobytes()


def test_a_fitter_gives_a_learner_the_whole_pool_and_the_bought_labels(folder, monkeypatch):
    class Learner:
        def read(self, texts, embeddings):
            assert (texts, embeddings) == (paths.POOL, paths.EMBEDDINGS)
            return np.arange(24)

        def fit(self, pool, labelled, labels, seed, title, start, closed):
            learned, closed = [*zip(labelled.tolist(), labels.tolist())], closed.tolist()
            return SimpleNamespace(unlabelled=np.setdiff1d(pool, labelled), learned=learned, closed=closed)

    monkeypatch.setattr(Fitter, "learner", Learner())
    monkeypatch.setattr("stages.core.rows.labels.classes", lambda: ["neg", "pos"])
    answers = folder.copy()
    answers[7] = NO_CLASS
    rows = np.array([20, 3, 7, 0])
    fitter = Fitter(SimpleNamespace(train=SimpleNamespace(warm_start=False), embed=EMBED))
    model = fitter.fit(rows, Labels(answers, 4).buy(rows), 0, "test").model
    assert model.learned == [(20, 1), (3, 0), (0, 1)]  # even lines are pos; row 7 has no class
    assert len(model.unlabelled) == 21
    assert model.closed == [7]
    with pytest.raises(Refused, match=r"label of row 1 of data/pool\.jsonl was read but never paid for"):
        fitter.fit(np.array([0, 1]), Labels(answers, 4).buy(rows), 0, "test")


@pytest.mark.parametrize(
    ("trainer", "meant"), [("prob", "; did you mean probe?"), ("../probe", "; did you mean probe?"), ("__init__", "")]
)
def test_a_model_of_an_unknown_learner_is_refused_with_the_possible_ones(tmp_path, trainer, meant):
    artifacts.save_json(tmp_path / "classifier.json", {"trainer": trainer})
    with pytest.raises(Refused) as refused:
        learners.load_model(tmp_path, EMBED, MACHINE)
    possible = "contrastive, finetune, probe, self_training"
    assert str(refused.value) == (
        f"{tmp_path / 'classifier.json'}: trainer = {trainer}: no such learner; possible: {possible}{meant}; {artifacts.MEND}"
    )
