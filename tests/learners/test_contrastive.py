"""trainer: contrastive. Which pairs are drawn, and a model that is fitted, saved and loaded on a handful of texts."""

import tracemalloc
from collections import Counter
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


def test_partners_are_drawn_uniformly_from_all_that_there_are():
    drawn = Counter((one, two) for one, two, _ in draw(LABELS, per_row=3_000, most=10**6) if one == 2)
    assert set(drawn) == {(2, 0), (2, 5), (2, 1), (2, 3), (2, 4)}
    assert all(abs(drawn[2, two] - 1_500) < 120 for two in (0, 5))  # 3 standard deviations are 82
    assert all(abs(drawn[2, two] - 1_000) < 110 for two in (1, 3, 4))


def test_no_more_pairs_than_allowed_shared_out_evenly():
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
    trainer="contrastive", folds=2, pairs_per_row=2, most_pairs=100, batch_rows=4, learning_rate=1e-3, warmup_share=0.1,
    dtype="float32", freeze_word_embeddings=True,
)  # fmt: skip
EMBED = SimpleNamespace(model="tiny", max_tokens=16, pooling="mean", layers="last", dtype="float32")
MACHINE = SimpleNamespace(batch_tokens=64, engine="local")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_encoder(Path("tiny"))
    artifacts.save_json(paths.POINTER, {"model": "tiny"})
    artifacts.save_jsonl("texts.jsonl", ({"text": text} for text in TEXTS))
    return tmp_path


def fitted(seed=0, labels=(0, 1) * 4):
    learner = learners.named(TRAIN, EMBED, MACHINE, 3)
    texts = learner.read(Path("texts.jsonl"), Path("none.npy"))
    return learner.fit(texts, np.arange(8), np.array(labels), seed, "test"), texts


def test_a_model_comes_back_from_disk_as_it_was_and_keeps_only_what_changed(folder):
    model, texts = fitted()
    probabilities = model.probabilities(texts, "test")
    assert (probabilities.shape, probabilities.dtype) == ((8, 3), np.float32)
    assert probabilities.sum(1) == pytest.approx(np.ones(8), abs=1e-6)
    assert probabilities[:, 2].tolist() == [0] * 8  # a class without labels
    for place in ("a", "b"):
        model.save(folder / place)
    weights = (folder / "a/model.safetensors").read_bytes()
    assert weights == (folder / "b/model.safetensors").read_bytes()
    assert b"word_embeddings" not in weights
    loaded = learners.load_model(folder / "a", EMBED, MACHINE)
    assert type(loaded) is type(model)
    assert loaded.probabilities(texts, "test").tolist() == probabilities.tolist()
    tiny_encoder(Path("tiny"), seed=1)
    with pytest.raises(Refused, match="was tuned from tiny, not from the tiny found here"):
        learners.load_model(folder / "a", EMBED, MACHINE)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("head.present", None, "lacks present; "),
        ("head.weights", torch.zeros(2, 33), "weights: expected float32 [2, 32], found float32 [2, 33]; "),
        ("head.present", torch.tensor([1, 3]), "present = [1, 3], expected rising numbers below 3; "),
        ("encoder.backbone.embeddings.LayerNorm.bias", None, "lacks encoder.backbone.embeddings.LayerNorm.bias; "),
    ],
)
def test_a_file_that_lacks_a_tensor_or_has_another_is_refused(folder, name, tensor, said):
    model, _ = fitted()
    model.save(folder / "a")
    tensors = {**load_file(folder / "a/model.safetensors"), name: tensor}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, folder / "a/model.safetensors")
    with pytest.raises(Refused, match="run `dvc repro` to make it again, or `dvc checkout --force`") as refused:
        learners.load_model(folder / "a", EMBED, MACHINE)
    assert said in str(refused.value)


def test_the_encoder_was_tuned_and_the_same_seed_gives_the_same_model(folder):
    (one, texts), (two, _), (three, _) = fitted(), fitted(), fitted(seed=1)
    pretrained = one.pretrained.state_dict()
    assert not all(torch.equal(tensor, pretrained[name]) for name, tensor in one.body.state_dict().items())
    assert one.probabilities(texts, "").tolist() == two.probabilities(texts, "").tolist()
    assert one.probabilities(texts, "").tolist() != three.probabilities(texts, "").tolist()


def test_one_class_among_the_labelled_rows_is_refused_before_training(folder, monkeypatch):
    from stages.core.encoding import pair_tuning

    monkeypatch.setattr(pair_tuning, "tune", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(Refused, match="needs labelled rows of two classes"):
        fitted(labels=[1] * 8)
