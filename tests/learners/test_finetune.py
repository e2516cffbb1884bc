"""Fine-tuning a tiny BERT: epochs told, early stopping on rows held back, and going on from another model."""

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load_file, save_file

from stages.core import learners
from stages.core.arms import training
from stages.core.arms.fitter import Fitter
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, parallel
from stages.core.encoding.tokens import Texts, Tokens
from stages.core.learners import finetune
from stages.core.learners.finetune import Learner
from stages.core.rows import results
from stages.core.rows.labels import Labels
from tests.support.tiny import WORDS, tiny_encoder

TEXTS = [f"{word} film {end}" for word in ("good", "bad", "great", "poor") for end in ("plot", "actor", "scene", "music", "end")]
LABELS = np.repeat([0, 1, 0, 1], 5)
OFF = SimpleNamespace(patience=0, holdout_share=0.25)
EMBED = SimpleNamespace(model="tiny", pooling="mean", layers="last", max_tokens=16, dtype="float32", lower_case=False)
MACHINE = SimpleNamespace(batch_tokens=64, engine="local")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The encoder named tiny, in a folder with a pointer to it, and this process there."""
    monkeypatch.chdir(tmp_path)
    tiny_encoder(tmp_path / "tiny")
    artifacts.save_json(paths.POINTER, {"model": "tiny"})


def learner(**changes) -> Learner:
    train = {
        **{
            "epochs": 3,
            "min_steps": 0,
            "batch_rows": 5,
            "learning_rate": 1e-3,
            "head_learning_rate": 1e-3,
            "weight_decay": 0.01,
            "warmup_share": 0.1,
        },
        **{"dtype": "float32", "class_weight": "even", "freeze_word_embeddings": True, "early_stopping": OFF},
    }
    return Learner(SimpleNamespace(**train | changes), EMBED, MACHINE, 2)


def fit(learner: Learner, values=LABELS, start=None, seed=0):
    return learner.fit(Texts(TEXTS, learner.pretrained.tokenise), np.arange(20), values, seed, "test", start)


def said(model) -> np.ndarray:
    return model.probabilities(Texts(TEXTS, model.pretrained.tokenise), "test")


def stopping(patience: int, share: float = 0.25) -> SimpleNamespace:
    return SimpleNamespace(patience=patience, holdout_share=share)


def test_every_epoch_is_told_and_the_loss_falls():
    history = fit(learner(epochs=6)).history
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["loss"] < history[0]["loss"]
    assert set(history[0]) == {"epoch", "loss"}


@pytest.mark.slow
def test_each_of_several_classes_is_learned_for_itself_and_a_saved_model_says_the_same():
    good, end = (np.array([word in text for text in TEXTS]) for word in ("good", "end"))
    values = np.stack([good, end], 1).astype(np.int8)  # both, one or none; good is rare, and so is end
    stopped = fit(learner(epochs=2, early_stopping=stopping(2)), values)
    assert {"held_back_loss", "held_back_accuracy"} < set(stopped.history[0])
    model = fit(learner(epochs=40), values)
    probabilities = said(model)
    assert (model.kind.predicted(probabilities) == values).mean() > 0.9
    assert np.ptp(probabilities.sum(1)) > 0.5  # they do not sum to 1
    model.save(Path("saved"))
    assert json.loads(Path("saved/classifier.json").read_text())["several"] is True
    assert said(finetune.load(Path("saved"), EMBED, MACHINE)).tolist() == probabilities.tolist()


@pytest.mark.parametrize(("class_weight", "second"), [("even", 0.5), ("none", 0.15)])
def test_classes_weigh_the_same_or_as_many_rows_as_they_have(class_weight, second):
    alike = learner(epochs=25, head_learning_rate=0.01, weight_decay=0, class_weight=class_weight)
    texts = Texts(["good film"] * 20, alike.pretrained.tokenise)
    model = alike.fit(texts, np.arange(20), np.repeat([0, 1], [17, 3]), 0, "test")
    assert model.probabilities(texts, "test")[:, 1] == pytest.approx(second, abs=0.1)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_more_labels_never_make_it_worse():
    """Texts of three classes have one word that tells theirs; 300 rows are learned from in no more steps than 10."""
    telling, filling, sizes, fresh, right = np.reshape(WORDS[:9], (3, 3)), WORDS[9:], (10, 30, 100, 300), np.arange(300, 700), []
    of_three = learner(epochs=5, min_steps=100, batch_rows=16)
    of_three.classes = 3
    for seed in range(1, 4):
        rng = np.random.default_rng(seed)
        values = rng.integers(3, size=700)
        texts = [" ".join(rng.permutation([*rng.choice(filling, 4), rng.choice(telling[value])])) for value in values]
        pool = Texts(texts, of_three.pretrained.tokenise)
        models = [of_three.fit(pool, np.arange(size), values[:size], seed, "test") for size in sizes]
        right.append([(model.probabilities(pool[fresh], "test").argmax(1) == values[fresh]).mean() for model in models])
    curve = np.mean(right, 0)
    assert (np.diff(curve) > -0.02).all()  # two points are chance
    assert curve[-1] - curve[0] > 0.2


def test_steps_are_filled_up_with_epochs():
    assert len(fit(learner(epochs=1, min_steps=9)).history) == 3  # 4 steps an epoch


def test_the_same_seed_gives_the_same_model_whatever_torchs_generator_drew_before():
    models = []
    for state in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(state)
            models.append(fit(learner(batch_rows=10)))
    one, other = map(said, models)
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("seeds", "room", "at_once"), [(3, 5, 3), (4, 2, 2), (3, 0, 1)])
def test_seeds_side_by_side_give_the_same_models_whatever_memory_has_room_for(two_threads, monkeypatch, seeds, room, at_once):
    one, met, meeting = learner(), set(), threading.Barrier(at_once, timeout=30)
    parameters = sum(each.numel() for each in one.pretrained.parameters())
    available = (room + 0.5) * parallel.TRAINING_BYTES * parameters
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))

    def made(seed: int) -> bytes:
        met.add(threading.get_ident())
        meeting.wait()  # so many work at the same time
        return said(fit(one, seed=seed)).tobytes()

    torch.set_num_threads(1)  # as each of three or more has on two cores
    alone = [said(fit(one, seed=seed)).tobytes() for seed in range(seeds)]
    torch.set_num_threads(2)
    with one.parallel_map(seeds) as parallel_map:
        assert list(parallel_map(made, range(seeds))) == alone
    assert len(met) == at_once
    assert len(set(alone)) == seeds


def held_back(texts, share: float = 0.25, seed: int = 0) -> tuple[list[int], list[int]]:
    """Rows trained on and rows held back of as many texts, each of which is given as a number."""
    trained, held = finetune._held_back(Tokens.of([[text] for text in texts]), stopping(1, share), seed)
    return trained.tolist(), held.tolist()


def test_rows_held_back_are_a_share_drawn_by_seed_and_no_others_are_trained_on():
    rows, held = held_back(range(20))
    assert held == [4, 9, 12, 17]
    assert held_back(range(20), seed=1)[1] != held
    assert sorted([*rows, *held]) == [*range(20)]
    # After one epoch there is nothing to choose from: the labels of rows held back change the measure and nothing else.
    once = learner(epochs=1, early_stopping=stopping(1))
    flipped = LABELS.copy()
    flipped[held] = 1 - flipped[held]
    one, other = fit(once), fit(once, flipped)
    np.testing.assert_array_equal(said(one), said(other))
    assert one.history[0]["held_back_loss"] != other.history[0]["held_back_loss"]


@pytest.mark.slow
def test_what_is_held_back_at_one_stage_is_held_back_at_all_later_ones():
    # With train.warm_start a model goes on from the one before: a row that this was trained on tells nothing of new rows.
    for seed in range(20):
        _, at_the_end = held_back(range(200), seed=seed)
        for rows in range(10, 200):
            _, held = held_back(range(rows), seed=seed)
            assert held == [row for row in at_the_end if row < rows]
            assert abs(len(held) - 0.25 * rows) < 3


def test_what_is_held_back_does_not_keep_step_with_buckets():
    # Ten rows of every bucket, best first: no rank among the ten is held back much more often than another.
    _, held = held_back(range(1_000), share=0.2)
    assert np.bincount(np.array(held) % 10).tolist() == pytest.approx([20] * 10, abs=2)


def test_copies_of_a_row_are_held_back_together():
    _, held = held_back(range(20))
    twice, both = [*range(20), *range(20)], [*held, *(row + 20 for row in held)]
    assert held_back(twice)[1] == both


def test_the_best_epoch_on_rows_held_back_is_what_stays():
    _, held = held_back(range(20))
    flipped = LABELS.copy()
    flipped[held] = 1 - flipped[held]  # the better it learns the rest, the worse it does on these
    model = fit(learner(epochs=8, early_stopping=stopping(99)), flipped)
    losses = [epoch["held_back_loss"] for epoch in model.history]
    assert len(losses) == 8
    assert np.argmin(losses) < 7
    kept = model.on_held_back(Texts([TEXTS[row] for row in held], model.pretrained.tokenise), flipped[held])
    assert kept["held_back_loss"] == pytest.approx(min(losses), abs=1e-5)


def test_training_stops_after_so_many_epochs_without_a_better_one():
    still = learner(epochs=50, learning_rate=1e-12, head_learning_rate=1e-12, early_stopping=stopping(3))
    assert len(fit(still).history) <= 8  # rounding alone makes an epoch better here and there


@pytest.mark.parametrize("share", [0.02, 0.98])
def test_too_few_rows_to_hold_any_back_are_refused_before_training(monkeypatch, share):
    monkeypatch.setattr(torch.optim, "AdamW", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(
        Refused, match=r"train\.early_stopping\.holdout_share = .*: of 20 labelled rows that is (0|20) with seed 0, and"
    ):
        fit(learner(early_stopping=stopping(1, share)))


@pytest.mark.slow
def test_training_goes_on_from_the_weights_of_another_model():
    before = fit(learner(epochs=1))
    with torch.no_grad():  # far from any start, without a training that ends elsewhere where numbers round otherwise
        before.model.head.bias += torch.tensor([2.0, -2.0])
    after = fit(learner(epochs=1, learning_rate=1e-12, head_learning_rate=1e-12), start=before)
    np.testing.assert_allclose(said(after), said(before), atol=1e-5)
    assert abs(said(fit(learner(epochs=1, learning_rate=1e-12, head_learning_rate=1e-12))) - said(before)).max() > 0.1


@pytest.mark.parametrize("warm", [True, False])
def test_a_warm_start_goes_through_the_stages_before(monkeypatch, warm):
    asked = []

    class Fitter:
        classes = 2

        def __init__(self, params):
            pass

        def fit(self, rows, bought, seed, title, before):
            asked.append((rows.tolist(), before and before.name))
            return SimpleNamespace(name=f"model of {len(rows)}", history=lambda seed: [])

        def each(self, function, *of_fits):
            return list(map(function, *of_fits))

        def on_holdout(self, fitted, labelled):
            return np.zeros((1, 2), np.float32)

        def stacked(self, tried):
            return np.stack(tried)

    monkeypatch.setattr(training, "Fitter", Fitter)
    monkeypatch.setattr(results, "save", lambda *_: None)
    settings = SimpleNamespace(seeds=[0], train=SimpleNamespace(warm_start=warm))
    budget = {"path": [1, 3, 4], "ended_after": None, "ended_because": None}
    rows = np.array([7, 8, 9, 10])
    training.train_and_try("random", "stage3", rows[None], [Labels(LABELS, 4).buy(rows)], settings, budget)
    way = [([7], None), ([7, 8, 9], "model of 1"), ([7, 8, 9, 10], "model of 3")]
    assert asked == (way if warm else [([7, 8, 9, 10], None)])


@pytest.mark.parametrize("name", ["finetune", "contrastive"])
@pytest.mark.slow
def test_training_tokenises_what_is_labelled_and_scoring_the_pool_once_for_all_seeds(monkeypatch, name):
    tokenised, tokenise = [], encoder.Encoder.tokenise
    monkeypatch.setattr(encoder.Encoder, "tokenise", lambda self, texts, title="": tokenised.extend(texts) or tokenise(self, texts))
    artifacts.save_jsonl(paths.POOL, ({"text": text} for text in TEXTS))
    artifacts.save_json(paths.CLASSES, ["0", "1"])
    Path("params.yaml").write_text("machine: {batch_tokens: 64, engine: local}")
    train = learner(trainer=name, warm_start=False, epochs=1, folds=2, contrastive_steps=4, pseudo_rows=0, pseudo_share=0.5).train
    fitter = Fitter(SimpleNamespace(train=train, embed=EMBED))
    rows = np.array([0, 5, 10])
    fitted = [fitter.fit(rows, Labels(LABELS, 3).buy(rows), seed, "test") for seed in (0, 1)]
    assert set(tokenised) == {TEXTS[row] for row in rows}
    tokenised.clear()
    for model in fitted:
        model.probabilities(np.arange(20))
        model.features(np.arange(20))
    assert tokenised == TEXTS


KEY = "encoder.backbone.encoder.layer.1.output.dense.weight"


@pytest.fixture
def saved(folder, tmp_path):
    """The folder of a tuned model; its word embeddings were frozen, and BERT's pooler has no part in it."""
    fit(learner()).save(tmp_path / "model")
    return tmp_path / "model"


def load(folder):
    return learners.load_model(folder, EMBED, MACHINE)


def refusal(folder) -> str:
    """What load_model says of the folder; every message has to name both commands that mend it."""
    with pytest.raises(Refused, match="run `dvc repro` to make it again, or `dvc checkout --force`") as refused:
        load(folder)
    return str(refused.value)


def test_a_model_comes_back_from_disk_as_it_was_with_what_was_not_tuned_from_the_encoder(saved):
    np.testing.assert_array_equal(said(load(saved)), said(fit(learner())))
    about = json.loads((saved / "classifier.json").read_text())
    unchanged = ["embeddings.word_embeddings.weight", "pooler.dense.weight", "pooler.dense.bias"]
    assert about["as_pretrained"] == [f"backbone.{name}" for name in unchanged]
    assert "encoder.backbone.embeddings.word_embeddings.weight" not in load_file(saved / "model.safetensors")


def edit(saved, **changes: np.ndarray | None) -> None:
    tensors = load_file(saved / "model.safetensors") | changes
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, saved / "model.safetensors")


def test_a_tensor_of_the_encoder_that_is_missing_is_refused(saved):
    edit(saved, **{KEY: None})
    assert f"model.safetensors lacks {KEY}; " in refusal(saved)


def test_a_tensor_of_the_encoder_under_another_name_is_refused(saved):
    edit(saved, **{KEY: None, KEY.replace("dense", "danse"): load_file(saved / "model.safetensors")[KEY]})
    assert f"model.safetensors lacks {KEY} and should not hold {KEY.replace('dense', 'danse')}; " in refusal(saved)


def test_a_file_without_the_encoder_is_refused(saved):
    save_file({name: np.zeros(1, np.float32) for name in ("head.weight", "head.bias")}, saved / "model.safetensors")
    tuned = len(fit(learner()).model.encoder.state_dict()) - 3
    assert f" and {tuned - 3} more; " in refusal(saved)


def test_tensors_of_another_form_are_refused(saved):
    edit(saved, **{KEY: np.zeros((32, 63), np.float32)})
    assert f"{KEY}: expected float32 [32, 64], found float32 [32, 63]; " in refusal(saved)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head.bias": None}, "lacks bias; "),
        ({"head.scale": np.zeros(1)}, "should not hold scale; "),
        ({"scale": np.zeros(1)}, "should not hold scale; "),
        ({"head.weight": np.zeros((3, 32), np.float32)}, "weight: expected float32 [2, 32], found float32 [3, 32]; "),
        ({"head.bias": np.zeros(2, np.int64)}, "bias: expected float32 [2], found int64 [2]; "),
    ],
)
def test_another_head_is_refused(saved, changes, said):
    edit(saved, **changes)
    assert said in refusal(saved)


@pytest.mark.parametrize("key", ["trainer", "classes", "model", "model_sha256", "as_pretrained"])
def test_a_classifier_json_without_one_of_its_keys_is_refused(saved, key):
    about = json.loads((saved / "classifier.json").read_text())
    del about[key]
    (saved / "classifier.json").write_text(json.dumps(about))
    assert f"classifier.json: {key} = None, expected " in refusal(saved)
