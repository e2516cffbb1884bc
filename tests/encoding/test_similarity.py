"""An encoder that tells no text from another says so, and why."""

import numpy as np
import pytest

from stages.core.encoding import encoder, examples
from tests.support.tiny import WORDS, map_rows, tiny_encoder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> encoder.Encoder:
    return encoder.Encoder(str(tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")), max_tokens=16).eval()


def warning(model: encoder.Encoder, texts: list[str]) -> str | None:
    vectors = map_rows(model, model.tokenise(texts), model.width, 4_096)
    return examples.warning(vectors, texts, model)


def test_rows_of_one_direction_are_alike_whatever_their_length():
    up, right = [0, 3.0], [2.0, 0]
    assert examples.alike_share(np.array([up, up, [0, 0.1]], np.float32)) == 1
    assert examples.alike_share(np.array([up, right], np.float32)) == 0
    assert examples.alike_share(np.array([up] * 99 + [[0.1, 3.0]], np.float32)) == 1  # its cosine is 0.9994
    assert examples.alike_share(np.array([up] * 99 + [right], np.float32)) == 0.99
    assert examples.alike_share(np.zeros((3, 2), np.float32)) == 1


def test_texts_that_differ_give_no_warning(model):
    rng = np.random.default_rng(0)
    assert warning(model, [" ".join(rng.choice(WORDS, 6)) for _ in range(100)]) is None


def test_a_script_that_the_tokenizer_does_not_know_is_named_as_the_cause(model):
    texts = [f"这部电影很好看 {number}" for number in range(100)]
    expected = "its tokenizer does not know 100% of their tokens; name an encoder for their language in embed.model"
    assert warning(model, texts) == f"all texts have nearly the same vector from {model.name}: {expected}"
    assert warning(model, [*texts[:95], *WORDS[:5]]).startswith("95% of the texts have nearly the same vector from ")


def test_texts_that_begin_alike_and_are_cut_there_are_named_as_the_cause(model):
    expected = "they share their first 16 tokens and are cut there; raise embed.max_tokens or drop the shared part"
    assert warning(model, ["good " * 20 + WORDS[number % 14] for number in range(100)]).endswith(expected)


def test_an_encoder_that_puts_all_in_one_place_is_named_as_the_cause(model):
    texts = [f"{word} film" for word in WORDS]
    expected = "it may not be made for comparing texts; try another embed.pooling or embed.model"
    assert examples.warning(np.ones((14, 32), np.float32), texts, model).endswith(expected)
