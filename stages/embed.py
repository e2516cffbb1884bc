"""embed: the vector of every text, pooled from layers of the encoder that finetune_encoder left.

reads   data/pool.jsonl, data/holdout.jsonl, data/encoder and the encoder that it may point to; data/inputs/encoder.json, to
        notice new content under the same name; vectors from the side cache (see vector_cache)
writes  data/embeddings/pool.npy      float16 [pool, layers, width] by line of pool.jsonl; with one layer float32 [pool, width]
        data/embeddings/holdout.npy   the same by line of holdout.jsonl, for learners on vectors
        data/embeddings/*.json        what made them, with fingerprints (see vectors)
        data/plots/similarity.json    cosines of nine example sentences
params  embed
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import transformers
from tqdm import tqdm

from stages.core.base import artifacts, bars, memory, params, paths
from stages.core.encoding import encoder, examples, model_files, shards, vector_cache, vectors

WINDOW = 32 * shards.ROWS  # texts in memory at a time, sorted by length together


def main() -> None:
    embed, machine = params.read("embed").embed, params.machine()
    model, encoding, cache = begin(embed, machine)
    pool = artifacts.Texts(paths.POOL)
    layers = f"layers {', '.join(map(str, model.layers))}, each" if model.layers else "last layer,"
    print(f"embed: {model.shown}, {layers} {model.width} wide, {encoding['dtype']} on {encoder.device()}")
    for texts, path in ((pool, paths.EMBEDDINGS), (artifacts.Texts(paths.HOLDOUT), paths.HOLDOUT_EMBEDDINGS)):
        with artifacts.filling(path, model.stored_dtype, (len(texts), *model.vector_shape)) as out:
            encoded = fill(out, texts, model, cache, machine)
        vectors.describe(path, texts, encoding)
        if texts is pool and (warning := examples.warning(out, texts, model)):
            print(f"embed: {warning}")
        print(f"embed: {path}: {len(texts):,} texts, {encoded:,} encoded now, {out.nbytes / 1e6:.1f} MB")
    artifacts.save_plot("similarity", examples.heat_map(model))
    print(f"embed: the side cache {vector_cache.root()} holds {vector_cache.megabytes():,.0f} MB; make clean-cache empties it")


def begin(embed: Any, machine: Any) -> tuple[encoder.Encoder, dict, vector_cache.VectorCache]:
    """(the pipeline's encoder, ready to work; its encoding, as from encoding_of; the side cache). Both sections of params.yaml."""
    shards.begin(machine)
    dtype = encoder.dtype_of(embed.dtype)
    model = encoder.of_pipeline(embed).eval().to(encoder.device(), dtype)
    encoding = encoding_of(model, dtype, embed.lower_case)
    return model, encoding, cache_of(encoding, machine)


def encoding_of(model: encoder.Encoder, dtype: torch.dtype, lower_case: bool) -> dict:
    """All that a vector depends on but the text and the arithmetic."""
    encoding = {
        "model": model.name,
        "dtype": str(dtype).removeprefix("torch."),
        "pooling": model.pooling,
        "max_tokens": model.max_tokens,
        "model_sha256": model_files.fingerprint(model.name),
    }
    if model.layers:
        encoding["layers"] = model.layers
    return encoding | ({"lower_case": True} if lower_case else {})


def cache_of(encoding: dict, machine: Any) -> vector_cache.VectorCache:
    """The side cache of the vectors of an encoding, as from encoding_of."""
    without_name = {key: value for key, value in encoding.items() if key != "model"}  # the fingerprint identifies the model
    made_by = [without_name, encoder.ARITHMETIC, encoder.device().type, torch.__version__, transformers.__version__]
    if machine.engine != "local" and machine.ray_mixed:
        made_by.append("mixed")  # machines may differ in last bits: keep these vectors from runs that do not allow it
    return vector_cache.VectorCache(hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16])


def fill(out: np.ndarray, texts: Iterable[str], model: encoder.Encoder, cache: vector_cache.VectorCache, machine: Any) -> int:
    """Write the vector of text i into out[i], float [texts, ...], from the cache or by encoding; returns how many were encoded.

    texts     read several times; texts that are not in the cache should differ
    machine   the section of params.yaml

    Each encoded shard goes into the cache at once: an interrupted run loses at most one shard for each encoding process.
    """
    missing = cache.read_into(out, texts)
    if not len(missing):
        return 0
    work = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, out.dtype, machine.batch_tokens)
    with bars.bar("embed", 0, "characters") as bar:
        for (rows, shard), made in shards.run(work, in_shards(texts, missing, bar), machine, bar.update):
            cache.add(shard, made)
            out[rows] = made
            memory.release(out)
    return len(missing)


def in_shards(texts: Iterable[str], missing: np.ndarray, bar: tqdm) -> Iterator[tuple[tuple[np.ndarray, list[str]], list[str]]]:
    """((rows int64 [shard], their texts), their texts) of the rows `missing`: window by window, longest texts first.

    missing   int64 [missing], ascending
    bar       its total is set, extrapolated from the windows read so far
    """
    is_missing = np.zeros(int(missing[-1]) + 1, dtype=bool)
    is_missing[missing] = True
    wanted = ((row, text) for row, text in zip(range(len(is_missing)), texts) if is_missing[row])
    seen = characters = 0
    while window := list(itertools.islice(wanted, WINDOW)):
        lengths = np.array([len(text) for _, text in window])
        seen, characters = seen + len(window), characters + int(lengths.sum())
        bar.total = round(characters * len(missing) / seen)
        order = np.argsort(-lengths, kind="stable")
        for part in np.split(order, range(shards.ROWS, len(order), shards.ROWS)):
            rows, shard = map(list, zip(*(window[place] for place in part)))
            yield (np.array(rows), shard), shard
