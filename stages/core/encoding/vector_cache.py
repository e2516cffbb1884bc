"""A side cache of vectors by text: only new rows are encoded, and an interrupted embed goes on where it was.

The cache lies outside all outs of DVC. A folder holds the vectors of one model with one setting. Each shard in it is one
safetensors file, written whole or not at all, and named by the sha256 of its content:

    keys      uint8 [rows, 16]         blake2b of the text
    vectors   float32 [rows, width] or float16 [rows, layers, width]

Several users may share the folder; shards that a user may not read are skipped. Cached vectors are to the bit what encoding
would give, since a vector depends on its text and model alone.
"""

import hashlib
import itertools
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from stages.core.base import bars, memory, tensor_files

PLACE = "GLEANER_CACHE"
KEYED_AT_ONCE = 65_536  # texts
KEY_BYTES = 16


def root() -> Path:
    """The folder named by the environment variable GLEANER_CACHE, or .gleaner in the repository."""
    return Path(os.environ.get(PLACE) or ".gleaner")


class VectorCache:
    """The shards of one encoding, which is the fingerprint of everything but the text that a vector depends on."""

    def __init__(self, encoding: str):
        self.folder = root() / encoding

    def read_into(self, out: np.ndarray, texts: Iterable[str]) -> np.ndarray:
        """Write cached vectors into `out`, float [texts, ...]; returns int64 [missing], the texts that are not cached."""
        keys = keys_of(texts)
        order = np.argsort(keys, kind="stable")
        ordered, missing = keys[order], np.ones(len(keys), dtype=bool)
        shards = sorted(self.folder.glob("*.safetensors")) if len(keys) else []
        for shard in bars.bar("cached vectors", len(shards), "shards", shards):
            known, vectors = _read(shard, out)
            places = np.minimum(np.searchsorted(ordered, known), len(ordered) - 1)
            hits = ordered[places] == known
            rows = order[places[hits]]
            out[rows] = vectors[hits]
            missing[rows] = False
            memory.release(out)
        return np.flatnonzero(missing)

    def add(self, texts: list[str], vectors: np.ndarray) -> None:
        """Keep float [texts, ...] as one shard."""
        keys = keys_of(texts).view(np.uint8).reshape(-1, KEY_BYTES)
        shard = self.folder / f"{_name(keys, vectors)}.safetensors"
        tensor_files.save(shard, {"keys": keys, "vectors": vectors}, save_file)


def keys_of(texts: Iterable[str]) -> np.ndarray:
    """bytes [texts] of KEY_BYTES each: all that is kept in memory of each text."""
    keys = (hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in texts)
    parts = [np.empty(0, f"S{KEY_BYTES}")]
    while part := b"".join(itertools.islice(keys, KEYED_AT_ONCE)):
        parts.append(np.frombuffer(part, f"S{KEY_BYTES}"))
    return np.concatenate(parts)


def _name(keys: np.ndarray, vectors: np.ndarray) -> str:
    digest = hashlib.sha256(keys)
    digest.update(vectors)
    return digest.hexdigest()[:32]


def _read(shard: Path, like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(keys as from keys_of, vectors [rows, ...] with the dtype and row shape of `like`) of one shard.

    A shard that cannot be read gives no rows; a broken one is deleted too.
    """
    nothing = keys_of([]), np.empty((0, *like.shape[1:]), like.dtype)
    try:
        stored = shard.read_bytes()  # not by load_file, which calls every failure to open a file the same
    except OSError as error:  # another user's file, or a share that is away: its content may be good
        print(f"embed: {shard} cannot be read and stays: {error.strerror or error}; its texts are encoded again")
        return nothing
    try:
        content = load(stored)
        vectors = content["vectors"]
        keys = np.frombuffer(content["keys"].tobytes(), f"S{KEY_BYTES}")
        if (vectors.shape, vectors.dtype) != ((len(keys), *like.shape[1:]), like.dtype) or not np.isfinite(vectors).all():
            raise ValueError("keys and vectors do not match")
        if _name(content["keys"], vectors) != shard.stem:
            raise ValueError("not what was written")
    except (SafetensorError, KeyError, ValueError):
        with suppress(OSError):  # in a folder of another user it stays
            shard.unlink()  # cut short by a copy, or altered by a dying disk or a hand
        return nothing
    return keys, vectors


def megabytes() -> float:
    """Size of all shards of all models."""
    return sum(file.stat().st_size for file in root().rglob("*.safetensors")) / 1e6
