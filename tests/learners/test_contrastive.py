"""trainer: contrastive. Which pairs are drawn, and a model that is fitted, saved and loaded on a few texts."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stages.core import learners
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.learners.contrastive import sampled_pairs
from stages.core.space import logistic
from tests.support.tiny import tiny_encoder

pytestmark = pytest.mark.slow

#                  row  0  1  2  3  4  5
LABELS = np.array([     2, 0, 2, 1, 0, 2])  # fmt: skip


def draw(labels, per_row=3, most=1_000, seed=0) -> list[tuple[int, int, float]]:
    rows, scores = sampled_pairs(np.array(labels), per_row, most, np.random.default_rng(seed))
    return [(int(one), int(two), float(score)) for (one, two), score in zip(rows, scores, strict=True)]


def test_pairs_of_equal_label_score_1_and_of_different_label_0_and_no_row_meets_itself():
    for one, two, score in draw(LABELS, per_row=50):
        assert score == (LABELS[one] == LABELS[two])
        assert one != two


def test_every_row_meets_as_many_and_one_alone_in_its_class_only_others():
    drawn = draw(LABELS)
    assert Counter(one for one, _, score in drawn if score == 0) == dict.fromkeys(range(6), 3)
    assert Counter(one for one, _, score in drawn if score == 1) == dict.fromkeys([0, 1, 2, 4, 5], 3)


def test_partners_are_drawn_uniformly():
    drawn = Counter((one, two) for one, two, _ in draw(LABELS, per_row=3_000, most=10**6) if one == 2)
    assert set(drawn) == {(2, 0), (2, 5), (2, 1), (2, 3), (2, 4)}
    assert all(abs(drawn[2, two] - 1_500) < 120 for two in (0, 5))  # 3 standard deviations are 82
    assert all(abs(drawn[2, two] - 1_000) < 110 for two in (1, 3, 4))


def test_pairs_up_to_the_limit_are_shared_evenly():
    drawn = draw([0, 1] * 10, per_row=20, most=60)
    assert len(drawn) == 60
    assert sorted(Counter(one for one, _, score in drawn if score == 0).values()) == [1] * 10 + [2] * 10


def test_the_same_seed_gives_the_same_pairs():
    assert draw(LABELS) == draw(LABELS) != draw(LABELS, seed=1)


def test_memory_grows_with_the_rows_and_not_with_their_square():
    def peak(rows: int) -> int:
        tracemalloc.start()
        sampled_pairs(np.arange(rows) % 2, 2, 10**9, np.random.default_rng(0))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40_000) < 11 * peak(4_000)


def test_a_single_class_is_refused():
    with pytest.raises(
        Refused, match=r"train.trainer = contrastive needs labelled rows of two classes or more, all 3 have one class"
    ):
        draw([1, 1, 1])


# ---- the learner

TEXTS = ["good film", "bad plot", "great film", "awful plot", "lovely scene", "dull scene", "fine end", "poor end"]
TRAIN = SimpleNamespace(
    trainer="contrastive", class_weight="even", pairs_per_row=2, most_pairs=100, batch_rows=4, learning_rate=1e-3, warmup_share=0.1,
    dtype="float32", freeze_word_embeddings=True,
)  # fmt: skip
EMBED = SimpleNamespace(model="tiny", max_tokens=16, pooling="mean", layers="last", dtype="float32", lower_case=False)
MACHINE = SimpleNamespace(batch_tokens=64, engine="local")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory) -> Iterator[Path]:
    """A tiny encoder and eight texts, in the folder of this process."""
    with chdir(tmp_path_factory.mktemp("contrastive")):
        tiny_encoder(Path("tiny"))
        artifacts.save_json(paths.POINTER, {"model": "tiny"})
        artifacts.save_jsonl("texts.jsonl", ({"text": text} for text in TEXTS))
        yield Path.cwd()


def fitted(seed=0, labels=(0, 1) * 4):
    learner = learners.named(TRAIN, EMBED, MACHINE, 3)
    texts = learner.read(Path("texts.jsonl"), Path("none.npy"))
    return learner.fit(texts, np.arange(8), np.array(labels), seed, "test"), texts


@pytest.fixture(scope="module")
def made(folder):
    """(model, texts); the model is not changed."""
    return fitted()


def test_a_saved_model_predicts_the_same_and_keeps_only_what_changed(made, tmp_path):
    model, texts = made
    probabilities = model.probabilities(texts, "test")
    assert (probabilities.shape, probabilities.dtype) == ((8, 3), np.float32)
    assert probabilities.sum(1) == pytest.approx(np.ones(8), abs=1e-6)
    assert probabilities[:, 2].tolist() == [0] * 8  # a class without labels
    for name in ("a", "b"):
        model.save(tmp_path / name)
    weights = (tmp_path / "a/model.safetensors").read_bytes()
    assert weights == (tmp_path / "b/model.safetensors").read_bytes()
    assert b"word_embeddings" not in weights
    loaded = learners.load_model(tmp_path / "a", EMBED, MACHINE)
    assert type(loaded) is type(model)
    assert loaded.probabilities(texts, "test").tolist() == probabilities.tolist()


def test_a_model_of_another_encoder_is_refused(made, tmp_path, monkeypatch):
    made[0].save(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    tiny_encoder(Path("tiny"), seed=1)
    artifacts.save_json(paths.POINTER, {"model": "tiny"})
    with pytest.raises(Refused, match="was tuned from tiny, not from the tiny found here"):
        learners.load_model(tmp_path / "a", EMBED, MACHINE)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("head.present", None, "lacks present; "),
        ("head.weights", torch.zeros(2, 33), "weights: expected float32 [2, 32], found float32 [2, 33]; "),
        ("head.present", torch.tensor([1, 3]), "present = [1, 3], expected rising numbers below 3; "),
        ("encoder.backbone.embeddings.LayerNorm.bias", None, "lacks encoder.backbone.embeddings.LayerNorm.bias; "),
    ],
)
def test_a_file_that_lacks_a_tensor_or_has_another_is_refused(made, tmp_path, name, tensor, said):
    made[0].save(tmp_path)
    tensors = {**load_file(tmp_path / "model.safetensors"), name: tensor}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, tmp_path / "model.safetensors")
    with pytest.raises(Refused, match="run `dvc repro` to make it again, or `dvc checkout --force`") as refused:
        learners.load_model(tmp_path, EMBED, MACHINE)
    assert said in str(refused.value)


def test_the_encoder_is_tuned_and_the_same_seed_gives_the_same_model(made):
    (one, texts), (two, _), (three, _) = made, fitted(), fitted(seed=1)
    pretrained = one.pretrained.state_dict()
    assert not all(torch.equal(tensor, pretrained[name]) for name, tensor in one.body.state_dict().items())
    assert one.probabilities(texts, "").tolist() == two.probabilities(texts, "").tolist()
    assert one.probabilities(texts, "").tolist() != three.probabilities(texts, "").tolist()


def test_the_head_has_c_1_whatever_folds_of_rows_that_the_encoder_was_tuned_on_would_say(made):
    model, texts = made
    labels = np.array([0, 1] * 4)
    plain = logistic.fitted(model.features(texts, ""), labels, 3, logistic.Choice(strength=1.0, last=1.0), np.ones(8))
    assert model.head.weights.tolist() == plain.weights.tolist()


def test_a_single_class_is_refused_before_training(monkeypatch):
    from stages.core.encoding import pair_tuning

    monkeypatch.setattr(pair_tuning, "tune", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(Refused, match="needs labelled rows of two classes"):
        fitted(labels=[1] * 8)
