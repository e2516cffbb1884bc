"""Texts in, vectors out: pooling by hand, vectors that do not depend on the batch, and files that are refused."""

import json
import pickle
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stages.core.base import hub
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, model_files, parallel
from stages.core.encoding.tokens import batches
from stages.core.sources import splits
from tests.base.test_artifacts import Payload
from tests.support.hub import COMMIT, environment, serving
from tests.support.sources import section
from tests.support.tiny import WORDS, map_rows, tiny_encoder

ROOT = Path(__file__).parent.parent.parent
TEXTS = ["good film", "", "dull", "a lovely scene with great music", "good film", "bad bad bad bad bad bad plot", "end"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def model(folder) -> encoder.Encoder:
    return encoder.Encoder(str(folder), max_tokens=16).eval()


@pytest.fixture
def copied(tmp_path) -> Path:
    return tiny_encoder(tmp_path / "tiny")


def embed(model, texts: list[str], batch_tokens: int = 64) -> np.ndarray:
    return map_rows(model, model.tokenise(texts), model.width, batch_tokens)


# ---- pooling


@pytest.mark.parametrize(
    ("pooling", "of_two_tokens", "of_three"), [("mean", [2, -20], [3, 3]), ("max", [3, -10], [6, 4]), ("cls", [1, -10], [1, 2])]
)
def test_pooling_ignores_padding(pooling, of_two_tokens, of_three):
    states = torch.tensor([[[1.0, -10.0], [3.0, -30.0], [99.0, 99.0]], [[1.0, 2.0], [2.0, 4.0], [6.0, 3.0]]])
    real = torch.tensor([[True, True, False], [True, True, True]])
    stub = SimpleNamespace(states=lambda ids, real: SimpleNamespace(last_hidden_state=states), pooling=pooling)
    assert encoder.Encoder.forward(stub, torch.zeros(2, 3), real).tolist() == [of_two_tokens, of_three]
    assert encoder.Encoder.forward(stub, torch.zeros(2, 3)).tolist()[1] == of_three


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_padding_does_not_change_a_vector(folder, pooling):
    model = encoder.Encoder(str(folder), 16, pooling).eval()
    tokens = model.tokenise(TEXTS)
    ids, real = tokens.padded(np.arange(len(TEXTS)), model.pad)
    assert not real.all()
    with torch.inference_mode():
        together = model(torch.from_numpy(ids), torch.from_numpy(real)).numpy()
    np.testing.assert_allclose(together, embed(model, TEXTS), atol=1e-5)


@pytest.mark.parametrize("batch_tokens", [1, 20, 10_000])
def test_a_vector_does_not_depend_on_the_batch(model, batch_tokens):
    alone = np.concatenate([embed(model, [text]) for text in TEXTS])
    np.testing.assert_allclose(embed(model, TEXTS, batch_tokens), alone, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_the_number_of_tokens_at_once_changes_no_vector(folder, pooling):
    model = encoder.Encoder(str(folder), 16, pooling).eval()
    texts = [f"{word} {end}" for word in WORDS for end in ("", "film", "film plot scene music")]
    few, many = (embed(model, texts, batch_tokens) for batch_tokens in (1, 4_096))
    # Attention's batched product sometimes rounds the last row of a batch otherwise by one bit: here one of 42 rows, and only
    # where tokens are not averaged.
    np.testing.assert_allclose(few, many, rtol=0, atol=2e-8)
    assert (few != many).any(1).sum() <= 1
    assert few.tobytes() == many.tobytes() or pooling == "cls"


def test_vectors_come_in_the_order_of_the_texts(model):
    order = [4, 2, 6, 0, 5, 1, 3]
    np.testing.assert_allclose(embed(model, [TEXTS[i] for i in order]), embed(model, TEXTS)[order], atol=1e-5)
    assert np.array_equal(embed(model, TEXTS)[0], embed(model, TEXTS)[4])  # the same text twice
    assert not np.allclose(embed(model, TEXTS)[0], embed(model, TEXTS)[2], atol=1e-2)


def test_tokens_are_those_of_the_tokenizer_with_its_special_ones(model):
    tokens = model.tokenise(["good plot", "", "unheard-of"])
    number = {word: 4 + place for place, word in enumerate(WORDS)}
    assert tokens.ids.tolist() == [2, number["good"], number["plot"], 3, 2, 3, 2, 1, 1, 1, 3]
    assert tokens.lengths.tolist() == [4, 2, 5]


def test_texts_are_cut_at_max_tokens_and_at_the_limit_of_the_model(folder):
    long = ["film " * 1_000]
    assert encoder.Encoder(str(folder), max_tokens=5).tokenise(long).ids.tolist() == [2, 12, 12, 12, 3]
    widest = encoder.Encoder(str(folder), max_tokens=1_000).eval()
    assert widest.max_tokens == widest.tokenise(long).lengths[0] == 32
    assert np.isfinite(embed(widest, long)).all()


def test_roberta_counts_positions_from_beyond_the_padding(tmp_path):
    from transformers import RobertaConfig, RobertaModel

    folder = tiny_encoder(tmp_path / "roberta")
    config = RobertaConfig(
        vocab_size=18, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, max_position_embeddings=12
    )
    RobertaModel(config).save_pretrained(folder)
    model = encoder.Encoder(str(folder), max_tokens=1_000).eval()
    assert (model.pad, model.max_tokens) == (1, 10)
    assert np.isfinite(embed(model, ["good " * 50, "bad"])).all()


def test_no_texts_give_no_vectors(model):
    assert embed(model, []).shape == (0, 32)


# ---- files


def test_nothing_but_safetensors_is_loaded(copied, tmp_path):
    weights = load_file(copied / "model.safetensors")
    (copied / "model.safetensors").unlink()
    torch.save(Payload(tmp_path / "ran"), copied / "pytorch_model.bin")
    with pytest.raises(Refused, match=r"has no \*.safetensors; weights load from safetensors only"):
        encoder.Encoder(str(copied), 16)
    (copied / "other.safetensors").write_bytes(b"")  # looks like weights, so that loading begins
    with pytest.raises(Refused, match=r"does not load as an encoder"):
        encoder.Encoder(str(copied), 16)
    assert not (tmp_path / "ran").exists()
    torch.load(copied / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "ran").exists()  # the payload works
    torch.save(weights, copied / "pytorch_model.bin")  # a harmless pickle is not loaded either
    with pytest.raises(Refused, match=r"does not load as an encoder"):
        encoder.Encoder(str(copied), 16)


def test_a_pickle_called_safetensors_is_not_unpickled(copied, tmp_path):
    (copied / "model.safetensors").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(Refused, match="does not load as an encoder"):
        encoder.Encoder(str(copied), 16)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["bert", "unknown"])
def test_code_beside_a_model_is_not_run_and_no_question_asked(copied, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked at the terminal"))
    (copied / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    change_config(copied, model_type=kind, auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"})
    if kind == "bert":  # transformers has its own code for it
        encoder.Encoder(str(copied), 16)
    else:
        with pytest.raises(Refused, match="contains custom code"):
            encoder.Encoder(str(copied), 16)
    assert not (tmp_path / "ran").exists()


def change_config(folder: Path, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff", b"[]", b"[" * 100_000], ids=["absent", "empty", "bytes", "list", "nested"])
def test_a_missing_or_broken_file_is_refused(copied, name, content):
    (copied / name).unlink()
    if content is not None:
        (copied / name).write_bytes(content)
    with pytest.raises(Refused, match=f"has no {name}" if content is None else "does not load as an encoder"):
        encoder.Encoder(str(copied), 16)


@pytest.mark.parametrize("kept", [0, 7, 500, -1])
def test_weights_cut_short_are_refused(copied, kept):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(Refused, match="does not load as an encoder"):
        encoder.Encoder(str(copied), 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 3}, r"not a whole encoder \(weights missing: encoder.layer.2."),
        ({"vocab_size": 99}, "does not load as an encoder"),
        ({"is_decoder": True}, "not a whole encoder"),
        ({"is_encoder_decoder": True}, "not a whole encoder"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(copied, changes, message):
    change_config(copied, **changes)
    with pytest.raises(Refused, match=message):
        encoder.Encoder(str(copied), 16)


def test_a_tokenizer_of_another_model_is_refused(copied):
    tokenizer = json.loads((copied / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["good"] = 5_000
    (copied / "tokenizer.json").write_text(json.dumps(tokenizer))
    model = encoder.Encoder(str(copied), 16)
    assert model.tokenise(["bad film"]).lengths.tolist() == [4]
    with pytest.raises(Refused, match=r"its tokenizer gives id 5,000, its weights know 18 words"):
        model.tokenise(["bad film", "good film"])


def test_the_fingerprint_is_that_of_weights_configuration_and_tokenizer_wherever_they_lie(folder, copied):
    assert model_files.fingerprint(str(copied)) == model_files.fingerprint(str(folder))
    weights = load_file(copied / "model.safetensors")
    name = "encoder.layer.1.output.dense.bias"
    weights[name] = weights[name] + torch.eye(32)[0] * 1e-6
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    assert model_files.fingerprint(str(copied)) != (fingerprint := model_files.fingerprint(str(folder)))
    for name in ("config.json", "tokenizer.json"):
        tiny_encoder(copied)
        assert model_files.fingerprint(str(copied)) == fingerprint
        (copied / name).write_bytes((copied / name).read_bytes() + b"\n")
        assert model_files.fingerprint(str(copied)) != fingerprint


# ---- hub


FETCH = """
import sys
from stages.core.encoding import model_files
from stages.core.base.errors import Refused
for name in sys.argv[1:]:
    try:
        print("said", model_files.folder_of(name))
    except Refused as refusal:
        print("said", refusal)
"""


def fetch_from(address: str, home: Path, *names: str) -> list[str]:
    """What `folder_of` gives or says for each name, with the hub at `address`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FETCH, *names], cwd=ROOT, env=environment(address, home), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("said ") for line in done.stdout.splitlines() if line.startswith("said ")]


@pytest.mark.slow
def test_a_model_of_the_hub_is_fetched_without_pickles_and_stays_when_the_hub_is_gone(folder, tmp_path):
    theirs = tiny_encoder(tmp_path / "models/some/bert")
    (theirs / "pytorch_model.bin").write_bytes(b"a pickle")
    with serving(tmp_path) as address:
        fetched, unknown = fetch_from(address, tmp_path / "home", "some/bert", "some/other")
        assert sorted(file.name for file in Path(fetched).iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
        assert model_files.fingerprint(fetched) == model_files.fingerprint(str(folder))
        assert encoder.Encoder(fetched, 16).shown == f"{fetched}, revision {COMMIT} of the hub"
        assert "embed.model = some/other: not a local folder and not loaded from the hub (Repository" in unknown
    assert fetch_from(address, tmp_path / "home", "some/bert") == [fetched]


@pytest.mark.parametrize("silent", [False, True], ids=["nobody listens", "nobody answers"])
def test_a_hub_out_of_reach_is_told_within_seconds(monkeypatch, silent):
    monkeypatch.setattr(hub, "SECONDS", 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        if not silent:
            server.close()
        started = time.monotonic()
        with pytest.raises(Refused) as refused:
            model_files.folder_of("some/bert")
    assert time.monotonic() - started < 15
    assert "embed.model = some/bert: not a local folder and not loaded from the hub" in str(refused.value)
    assert "give the path of a local copy, or use the packaged all-MiniLM-L6-v2" in str(refused.value)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 5_000, "a\0b", "../no/such", "https://example.org/bert"])
def test_a_name_of_neither_a_folder_nor_a_hub_is_refused(monkeypatch, name):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Refused, match=r"not a local folder and not loaded from the hub \(HFValidationError"):
        model_files.folder_of(name)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"package missing; pip install .*requirements-data.txt"):
        model_files.folder_of(model_files.PACKAGED)


# ---- capitals


def test_capitals_reach_the_encoder_unless_lower_case_is_set(tmp_path):
    folder = str(tiny_encoder(tmp_path / "cased", words=["Good", "good", "film"]))
    texts = ["Good film", "good film", "GOOD film"]
    rows = [encoder.Encoder(folder, 16, lower_case=lower).tokenise(texts).ids.reshape(3, 4).tolist() for lower in (False, True)]
    assert rows == [[[2, 4, 6, 3], [2, 5, 6, 3], [2, 1, 6, 3]], [[2, 5, 6, 3]] * 3]


def test_an_uncased_encoder_reads_the_same_with_lower_case_and_without():
    texts = [row["text"] for row in splits.read(section("rotten_tomatoes"))[0][:200]]
    as_is, lower = (encoder.Encoder(model_files.PACKAGED, 256, lower_case=lower).tokenise(texts) for lower in (False, True))
    assert any(text != text.lower() for text in texts)
    assert as_is.ids.tobytes() == lower.ids.tobytes()


# ---- the packaged encoder


@pytest.mark.slow  # where the processor has no units for bfloat16
def test_bfloat16_gives_nearly_the_vectors_and_the_neighbours_of_float32():
    texts = [row["text"] for row in splits.read(section("rotten_tomatoes"))[0][:60]]
    model = encoder.Encoder(model_files.PACKAGED, max_tokens=128).eval().to(encoder.device())
    assert (model.width, model.max_tokens) == (384, 128)
    exact = unit(embed(model, texts, batch_tokens=4_096))
    rough = unit(embed(model.to(torch.bfloat16), texts, batch_tokens=4_096))
    assert (exact * rough).sum(1).min() >= 0.999
    nearest = [np.argsort(-vectors @ vectors.T, axis=1)[:, 1:11] for vectors in (exact, rough)]
    assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(*nearest)]) >= 0.95


@pytest.mark.parametrize(
    ("layers", "depth", "numbers"),
    [
        ("last", 6, None),
        (4, 6, [3, 4, 5, 6]),
        (4, 12, [6, 8, 10, 12]),
        (1, 12, [12]),
        (4, 2, [1, 2]),  # the encoder has no more
        (4, 1, [1]),
        ([6, 1], 6, [1, 6]),
    ],
)
def test_layers_are_spaced_evenly_from_the_middle_to_the_last(layers, depth, numbers):
    assert encoder.numbered(layers, depth) == numbers


def test_layers_that_the_encoder_does_not_have_are_refused(folder):
    with pytest.raises(
        Refused, match=r"embed\.layers = \[1, 3\]: the encoder has 2 layers; possible: last, a number, or a list of"
    ):
        encoder.Encoder(str(folder), 16, layers=[1, 3])


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_of_layers_are_those_of_each_by_itself_scaled_to_length_1(folder, pooling):
    model = encoder.Encoder(str(folder), 16, pooling, layers=[1, 2]).eval()
    ids = torch.from_numpy(model.tokenise(["good film", "bad film"]).stacked(np.arange(2)))
    with torch.inference_mode():
        made, states = model.vectors(ids), model.backbone(input_ids=ids, output_hidden_states=True).hidden_states
        alone = encoder.Encoder(str(folder), 16, pooling).eval()
        assert (alone.vector_shape, alone.vectors(ids).tolist()) == ((model.width,), alone(ids).tolist())
    assert made.shape == (2, *model.vector_shape) == (2, 2, model.width)
    for number, layer in enumerate((1, 2)):
        pooled = encoder.pooled(states[layer], None, pooling)
        assert torch.allclose(made[:, number], pooled / pooled.norm(dim=1, keepdim=True), atol=1e-6)


# First four numbers of the vectors of three texts: one of a word, one beyond SHORT, and one beyond max_tokens. Made anew by
#   python -c "from tests.encoding.test_encoder import golden; print(golden())"
GOLDEN_TEXTS = ["Good.", "the quick brown fox jumps over the lazy dog, " * 8, "an odd film about nothing in particular. " * 40]
GOLDEN_ARITHMETIC = 2
GOLDEN = [
    [-0.538761, -0.076910, -0.379792, 0.277758],
    [0.135724, -0.078209, 0.266975, 0.007923],
    [0.134615, 0.096540, 0.036848, 0.078000],
]


def golden() -> list[list[float]]:
    model = encoder.Encoder(model_files.PACKAGED, max_tokens=128).eval().to(encoder.device())
    assert encoder.SHORT < model.tokenise(GOLDEN_TEXTS).lengths[1] < 128 == model.tokenise(GOLDEN_TEXTS).lengths[2]
    return embed(model, GOLDEN_TEXTS, batch_tokens=4_096)[:, :4].astype(float).round(6).tolist()


def test_vectors_are_those_that_the_side_cache_may_hold():
    changed = "vectors have changed: raise encoder.ARITHMETIC, else the side cache gives back old ones, and renew GOLDEN"
    assert np.allclose(golden(), GOLDEN, rtol=0, atol=1e-5), changed
    assert encoder.ARITHMETIC == GOLDEN_ARITHMETIC, "renew GOLDEN with encoder.ARITHMETIC"


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_short_and_long_rows_differ_only_in_the_kind_of_attention(model, monkeypatch):
    plain = embed(model, TEXTS)
    assert model.backbone.config._attn_implementation == "eager"
    monkeypatch.setattr(encoder, "SHORT", 0)
    np.testing.assert_allclose(embed(model, TEXTS), plain, atol=1e-5)
    assert model.backbone.config._attn_implementation == model.attention != "eager"


# ---- other encoders than BERT

KINDS = {
    "distilbert": lambda transformers: transformers.DistilBertConfig(
        vocab_size=18, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=32
    ),
    "roberta": lambda transformers: transformers.RobertaConfig(
        vocab_size=18, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=12
    ),
    "mpnet": lambda transformers: transformers.MPNetConfig(
        vocab_size=18, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=12
    ),
    "modernbert": lambda transformers: transformers.ModernBertConfig(
        vocab_size=18, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=32,
        pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_of_other_encoders_do_not_depend_on_the_batch(copied, kind):
    import transformers

    config = KINDS[kind](transformers)
    (copied / "model.safetensors").unlink()
    transformers.AutoModel.from_config(config).save_pretrained(copied)
    other = encoder.Encoder(str(copied), max_tokens=16).eval()
    assert other.max_tokens == (10 if kind in ("roberta", "mpnet") else 16)  # they count positions from pad + 1 = 2
    texts = [text for text in TEXTS if text] + [" ".join(WORDS * 3)]
    together = embed(other, texts)
    alone = np.concatenate([embed(other, [text]) for text in texts])
    assert np.isfinite(together).all()
    assert np.allclose(together, alone, atol=1e-5)
    tokens = other.tokenise(texts)
    ids, real = (torch.from_numpy(part) for part in tokens.padded(np.arange(len(texts)), other.pad))
    with torch.inference_mode():
        assert np.allclose(other(ids, real).numpy(), together, atol=1e-5)


# ---- several batches at a time


@pytest.mark.parametrize(("tokens", "expected"), [(4_096, 2), (2_048, 2), (2_047, 1), (1, 1)])
def test_batches_pass_at_once_one_a_thread_if_large_enough(two_threads, tokens, expected):
    assert parallel.batches(tokens, torch.device("cpu")) == expected
    assert parallel.batches(tokens, torch.device("meta")) == 1


@pytest.mark.parametrize("layers", ["last", 2])
def test_parallel_batches_give_the_same_bytes(folder, two_threads, monkeypatch, layers):
    monkeypatch.setattr(encoder, "SHORT", 6)  # so that both kinds of attention are met
    model = encoder.Encoder(str(folder), 16, layers=layers).eval()
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, size=1 + number % 12)) for number in range(1_500)]
    tokens = model.tokenise(texts)
    one, other = (map_rows(model.vectors, tokens, model.vector_shape, most, dtype=model.stored_dtype) for most in (4_096, 1_000))
    assert one.tobytes() == other.tobytes()


def test_each_batch_has_its_share_of_the_threads_which_are_restored(two_threads):
    met = threading.Barrier(2, timeout=30)

    def work(part):
        met.wait()  # both work at the same time
        return part, torch.get_num_threads()

    with parallel.parallel_map(2) as parallel_map:
        assert list(parallel_map(work, range(4))) == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 2


def test_an_error_in_one_of_several_batches_is_raised_and_the_rest_skipped(model, two_threads):
    met = []

    def broken(ids):
        met.append(len(ids))
        time.sleep(0.005)
        raise RuntimeError("shapes do not match")

    tokens = model.tokenise(["good film plot end " * 3] * 10_000)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        map_rows(broken, tokens, model.width, 2_048)
    assert len(met) < 100 < len(list(batches(tokens.lengths, 1_024)))
    assert torch.get_num_threads() == 2


# ---- memory


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()],
)
def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_the_vectors_are_the_same(model, capsys, error):
    def cramped(ids):
        if ids.shape[0] > 12:
            raise error
        return model(ids)

    texts = [f"{word} film" for word in WORDS] * 3
    vectors = map_rows(cramped, model.tokenise(texts), model.width, 4096)
    assert (vectors == embed(model, texts, batch_tokens=4096)).all()
    told = "out of memory: a batch of 42 texts of 4 tokens is halved; machine.batch_tokens could be lower"
    assert told in capsys.readouterr().out


def test_a_single_text_that_does_not_fit_is_refused(model):
    def full(ids):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(Refused, match=r"a single text of 4 tokens; lower embed\.max_tokens"):
        map_rows(full, model.tokenise(["good film", "bad film"]), model.width, 64)


def test_other_errors_are_not_mistaken_for_a_lack_of_memory(model):
    def broken(ids):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        map_rows(broken, model.tokenise(["good film"]), model.width, 64)
