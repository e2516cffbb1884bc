"""Embeddings that do not fit their sidecar, their texts or the model in params are refused before anything is made of them."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.core import learners
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.learners.probe import Learner
from stages.core.space.logistic import Logistic
from stages.core.space.probe_model import ProbeModel

TEXTS = ["one", "two", "three"]
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture(autouse=True)
def embedded(tmp_path, monkeypatch):
    """Three vectors with their texts and sidecar."""
    monkeypatch.chdir(tmp_path)
    write_texts(TEXTS)
    artifacts.save(paths.EMBEDDINGS, VECTORS)
    vectors.describe(paths.EMBEDDINGS, TEXTS, {"model": "tiny"})


def write_texts(texts):
    artifacts.save_jsonl(paths.POOL, ({"text": text} for text in texts))


def edit_sidecar(**changes):
    sidecar = paths.EMBEDDINGS.with_suffix(".json")
    artifacts.save_json(sidecar, artifacts.load_json(sidecar) | changes)


def test_what_fits_is_loaded():
    loaded = vectors.load(paths.EMBEDDINGS, paths.POOL, "tiny")
    assert loaded.tolist() == VECTORS.tolist()
    assert isinstance(loaded, np.memmap)


def test_the_sidecar_says_what_the_vectors_are():
    about = json.loads(paths.EMBEDDINGS.with_suffix(".json").read_text())
    assert (about["model"], about["rows"], about["width"]) == ("tiny", 3, 2)
    # printf 'one\ntwo\nthree\n' | sha256sum
    assert about["texts_sha256"] == "b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2"


def test_a_single_changed_number_is_found():
    changed = VECTORS.copy()
    changed[2, 1] = np.nextafter(changed[2, 1], np.float32(9))
    artifacts.save(paths.EMBEDDINGS, changed)
    said = r"data/embeddings/pool\.json says sha256 [0-9a-f]{64}, data/embeddings/pool\.npy has [0-9a-f]{64}; run"
    with pytest.raises(Refused, match=said):
        vectors.load(paths.EMBEDDINGS, paths.POOL)


@pytest.mark.parametrize("texts", [["one", "two", "tree"], ["two", "one", "three"], ["one", "two"], ["one", "two\nthree", ""]])
def test_vectors_of_other_texts_are_found(texts):
    write_texts(texts)
    with pytest.raises(Refused, match=r"says texts_sha256 .*, data/pool\.jsonl has "):
        vectors.load(paths.EMBEDDINGS, paths.POOL)


def test_vectors_of_another_model_are_found_by_whoever_knows_the_model():
    artifacts.save_json(paths.POINTER, {"model": "huge"})
    with pytest.raises(Refused, match=r"says model tiny, params\.yaml: embed\.model has huge; run `dvc repro`"):
        vectors.load(paths.EMBEDDINGS, paths.POOL, "huge")
    with pytest.raises(Refused, match="says model tiny"):
        Learner(SimpleNamespace(folds=5), SimpleNamespace(model="huge", layers=4), None, 2).read(paths.POOL, paths.EMBEDDINGS)


@pytest.mark.parametrize(
    ("model", "layers", "said"),
    [
        ("huge", 4, r"model was fitted on vectors of embed\.model = tiny, not huge; run `dvc repro`"),
        ("tiny", "last", r"model was fitted on vectors of embed\.layers = 4, not last; run `dvc repro`"),
    ],
)
def test_a_model_is_not_asked_about_vectors_of_another_encoder_or_of_other_layers(model, layers, said):
    regression = Logistic(VECTORS[:2], np.zeros(2, np.float32), np.arange(2), 2)
    ProbeModel(regression, "probe", SimpleNamespace(model="tiny", layers=4)).save(Path("model"))
    with pytest.raises(Refused, match=said):
        learners.load_model(Path("model"), SimpleNamespace(model=model, layers=layers), None)


def test_vectors_of_several_layers_are_loaded_as_they_are_or_as_their_mean():
    layered = np.arange(12).reshape(3, 2, 2).astype(np.float16)
    artifacts.save(paths.EMBEDDINGS, layered)
    vectors.describe(paths.EMBEDDINGS, TEXTS, {"model": "tiny", "layers": [3, 6]})
    loaded = vectors.load(paths.EMBEDDINGS, paths.POOL, "tiny")
    assert (loaded.tolist(), loaded.dtype) == (layered.tolist(), np.float16)
    mean = vectors.of_texts(paths.EMBEDDINGS, paths.POOL, "tiny")
    assert (mean.tolist(), mean.dtype) == ([[1, 2], [5, 6], [9, 10]], np.float32)
    edit_sidecar(layers=[6])
    with pytest.raises(Refused, match=r"expected shape \(3, 1, 2\), found \(3, 2, 2\)"):
        vectors.load(paths.EMBEDDINGS, paths.POOL)


def test_another_shape_than_the_sidecar_says_is_found():
    artifacts.save(paths.EMBEDDINGS, VECTORS[:2])
    with pytest.raises(Refused, match=r"expected shape \(3, 2\), found \(2, 2\)"):
        vectors.load(paths.EMBEDDINGS, paths.POOL)


@pytest.mark.parametrize(("name", "value"), [("rows", None), ("width", "wide"), ("rows", [3]), ("sha256", 7)])
def test_a_sidecar_with_a_broken_value_is_refused(name, value):
    edit_sidecar(**{name: value})
    with pytest.raises(Refused, match=rf"^data/embeddings/pool\.json: {name} = .*, expected (int|str); "):
        vectors.load(paths.EMBEDDINGS, paths.POOL)


@pytest.mark.parametrize("content", ["[]", "3", "{}", "null"])
def test_a_sidecar_that_is_no_record_is_refused(content):
    paths.EMBEDDINGS.with_suffix(".json").write_text(content)
    with pytest.raises(Refused, match=r"^data/embeddings/pool\.json: model = None, expected str; "):
        vectors.load(paths.EMBEDDINGS, paths.POOL)
