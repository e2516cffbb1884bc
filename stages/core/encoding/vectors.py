"""Embeddings on disk, each with a sidecar that says what made them. Readers check one against the other.

data/embeddings/pool.json, data/embeddings/holdout.json   model, dtype, max_tokens, model_sha256; layers if there are several,
                                                  lower_case if it is set; rows, width, sha256 of the vectors, texts_sha256
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stages.core.base import artifacts, memory
from stages.core.base.errors import Refused


def describe(path: Path, texts: list[str] | artifacts.Texts, encoding: dict) -> None:
    """Write the sidecar of the vectors at `path`: `encoding` is model, dtype, max_tokens, model_sha256, layers, lower_case."""
    vectors = _load(path, encoding, len(texts), None)
    found = {"rows": len(texts), "width": vectors.shape[-1], "sha256": _sha256(vectors), "texts_sha256": _sha256_of_texts(texts)}
    artifacts.save_json(path.with_suffix(".json"), encoding | found)


def load(path: Path, texts: Path, model: str | None = None) -> np.ndarray:
    """float16 [rows, layers, width], or float32 [rows, width] of the last layer alone; memory-mapped.

    texts   the jsonl file whose line i is row i
    model   embed.model of params.yaml, where the caller depends on it

    Raises Refused where the vectors were changed, or belong to other texts or to another model.
    """
    sidecar = path.with_suffix(".json")
    about = artifacts.load_record(sidecar, model=str, sha256=str, texts_sha256=str, rows=int, width=int)
    vectors = _load(path, about, about["rows"], about["width"])
    for key, found, where in (
        ("model", about["model"] if model is None else model, "params.yaml: embed.model"),
        ("sha256", _sha256(vectors), path),
        ("texts_sha256", _sha256_of_texts(artifacts.Texts(texts)), texts),
    ):
        if about[key] != found:
            raise Refused(f"{sidecar} says {key} {about[key]}, {where} has {found}; {artifacts.MEND}")
    return vectors


def of_texts(path: Path, texts: Path, model: str | None = None) -> np.ndarray:
    """float32 [rows, width]: one vector a text, to compare texts by; `mean_of_layers` of what `load` gives."""
    return mean_of_layers(load(path, texts, model))


def mean_of_layers(vectors: np.ndarray) -> np.ndarray:
    """float32 [rows, width]: the mean over the layers, in memory; vectors of one layer are returned as they are.

    For choosing rows the mean is as good as all layers side by side, at a quarter of the size and time.
    """
    if vectors.ndim == 2:
        return vectors
    means, done = np.empty((len(vectors), vectors.shape[2]), np.float32), 0
    for block in memory.in_blocks(vectors):
        block.mean(1, dtype=np.float32, out=means[done : done + len(block)])
        done += len(block)
    return means


def _load(path: Path, about: dict, rows: int, width: int | None) -> np.ndarray:
    if "layers" in about:
        return artifacts.load(path, np.float16, (rows, len(about["layers"]), width))
    return artifacts.load(path, np.float32, (rows, width))


def _sha256(vectors: np.ndarray) -> str:
    digest = hashlib.sha256()
    for block in memory.in_blocks(vectors):
        digest.update(np.ascontiguousarray(block))
    return digest.hexdigest()


def _sha256_of_texts(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()
