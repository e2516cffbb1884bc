"""Embeddings on disk, each file with a sidecar that says what they are; whoever reads them holds one against the other.

data/embeddings/pool.json, data/embeddings/holdout.json   model, dtype, max_tokens, model_sha256, layers where there are
                                                  several; rows, width, sha256 of the vectors, texts_sha256
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stages.core.base import artifacts, memory
from stages.core.base.errors import Refused


def describe(path: Path, texts: list[str] | artifacts.Texts, encoding: dict) -> None:
    """Write the sidecar of the vectors at `path`.

    encoding   model, dtype, max_tokens, model_sha256 and layers: what made them
    """
    vectors = _load(path, encoding, len(texts), None)
    found = {"rows": len(texts), "width": vectors.shape[-1], "sha256": _sha256(vectors), "texts_sha256": _sha256_of_texts(texts)}
    artifacts.save_json(path.with_suffix(".json"), encoding | found)


def load(path: Path, texts: Path, model: str | None = None) -> np.ndarray:
    """float16 [rows, layers, width] or, of the last layer alone, float32 [rows, width]; memory-mapped,
    checked against the sidecar, the texts and the name of the model.

    texts   the jsonl file whose line i is row i
    model   embed.model of params.yaml, where the caller declares it

    Raises Refused where the vectors were changed, or belong to other texts or to another model.
    """
    sidecar = path.with_suffix(".json")
    about = artifacts.load_json(sidecar)
    try:
        expected = {key: about[key] for key in ("model", "sha256", "texts_sha256")}
        shape = int(about["rows"]), int(about["width"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{sidecar} is no sidecar of embeddings ({error!r}); {artifacts.MEND}") from None
    vectors = _load(path, about, *shape)
    found = {
        "model": expected["model"] if model is None else model,
        "sha256": _sha256(vectors),
        "texts_sha256": _sha256_of_texts(artifacts.Texts(texts)),
    }
    what = {"model": "params.yaml: embed.model", "sha256": str(path), "texts_sha256": str(texts)}
    for key in found:
        if expected[key] != found[key]:
            raise Refused(f"{sidecar} says {key} {expected[key]}, {what[key]} has {found[key]}; {artifacts.MEND}")
    return vectors


def of_texts(path: Path, texts: Path, model: str | None = None) -> np.ndarray:
    """float32 [rows, width]: one vector a text, for what tells how alike texts are. As `load`, then `mean_of_layers`."""
    return mean_of_layers(load(path, texts, model))


def mean_of_layers(vectors: np.ndarray) -> np.ndarray:
    """float32 [rows, width], in memory where there are several layers; those of one layer stay as they are.

    As good for choosing rows as all of them side by side, at a quarter of the size and time.

    vectors   as `load` gives them
    """
    if vectors.ndim == 2:
        return vectors
    made, done = np.empty((len(vectors), vectors.shape[2]), np.float32), 0
    for block in memory.in_blocks(vectors):
        block.mean(1, dtype=np.float32, out=made[done : done + len(block)])
        done += len(block)
    return made


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
        digest.update(text.encode())
        digest.update(b"\n")
    return digest.hexdigest()
