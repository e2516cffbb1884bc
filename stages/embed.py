"""embed: the vectors of every text, pooled from layers of the encoder that finetune_encoder left.

reads   data/pool.jsonl, data/holdout.jsonl, data/encoder, the encoder that it may point to, and vectors already made from the
        side cache (see vector_cache); data/inputs/encoder.json, so that a new encoder of the same name is seen
writes  data/embeddings/pool.npy      float16 [pool, layers, width] by line of pool.jsonl; of one layer float32 [pool, width]
        data/embeddings/holdout.npy   the same by line of holdout.jsonl; only learners on vectors read them
        data/embeddings/*.json        what they are, with fingerprints (see vectors)
        data/plots/similarity.json    cosines of nine example sentences
params  embed
"""

import hashlib
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import transformers
from tqdm import tqdm

from stages.core.base import artifacts, memory, params, paths
from stages.core.encoding import encoder, examples, model_files, shards, vector_cache, vectors

WINDOW = 32 * shards.ROWS  # texts that are sorted by length together; no more than these are in memory


def main() -> None:
    embed, machine = params.read("embed").embed, params.machine()
    shards.begin(machine)
    pool = artifacts.Texts(paths.POOL)
    dtype = encoder.dtype_of(embed.dtype)
    model = encoder.of_pipeline(embed).eval().to(encoder.device(), dtype)
    layers = f"layers {', '.join(map(str, model.layers))}, each" if model.layers else "last layer,"
    print(f"embed: {model.shown}, {layers} {model.width} wide, {str(dtype).removeprefix('torch.')} on {encoder.device()}")

    encoding = {
        "model": model.name,
        "dtype": str(dtype).removeprefix("torch."),
        "pooling": model.pooling,
        "max_tokens": model.max_tokens,
        "model_sha256": model_files.fingerprint(model.name),
    }
    if model.layers:
        encoding["layers"] = model.layers
    known_by = {key: value for key, value in encoding.items() if key != "model"}  # by its fingerprint, wherever it lies
    made_by = [known_by, encoder.ARITHMETIC, encoder.device().type, torch.__version__, transformers.__version__]
    if machine.engine != "local" and machine.ray_mixed:
        made_by.append("mixed")  # by machines that may differ: nobody who does not allow it is given these
    cache = vector_cache.VectorCache(hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16])

    for texts, path in ((pool, paths.EMBEDDINGS), (artifacts.Texts(paths.HOLDOUT), paths.HOLDOUT_EMBEDDINGS)):
        with artifacts.filling(path, model.stored_dtype, (len(texts), *model.vector_shape)) as out:
            encoded = fill(out, texts, model, cache, machine)
        vectors.describe(path, texts, encoding)
        if texts is pool and (warning := examples.warning(out, texts, model)):
            print(f"embed: {warning}")
        print(f"embed: {path}: {len(texts):,} texts, {encoded:,} encoded now, {out.nbytes / 1e6:.1f} MB")
    artifacts.save_plot("similarity", examples.heat_map(model))
    print(f"embed: the side cache {vector_cache.root()} holds {vector_cache.megabytes():,.0f} MB; make clean-cache empties it")


def fill(out: np.ndarray, texts: Iterable[str], model: encoder.Encoder, cache: vector_cache.VectorCache, machine: Any) -> int:
    """Write the vectors of text i into out[i], float [texts, ...], from the cache or by encoding; how many were encoded.

    texts     gone through several times; those that are not in the cache should differ
    machine   the section of params.yaml

    What is encoded goes into the cache shard by shard as it comes, longest texts of a window first: an interrupted run loses
    one shard at most for each process that encodes.
    """
    missing = cache.read_into(out, texts)
    if not len(missing):
        return 0
    work = shards.Work(model, encoder.Encoder.vectors, model.vector_shape, out.dtype, machine.batch_tokens)
    with tqdm(desc="embed", unit=" characters", unit_scale=True, file=sys.stderr, mininterval=1) as bar:
        for (rows, shard), made in shards.run(work, in_shards(texts, missing, bar), machine, bar.update):
            cache.add(shard, made)
            out[rows] = made
            memory.let_go(out)
    return len(missing)


def in_shards(texts: Iterable[str], missing: np.ndarray, bar: tqdm) -> Iterator[tuple[tuple[np.ndarray, list[str]], list[str]]]:
    """((rows int64 [shard], their texts), their texts) of the rows `missing`: a window at a time, its longest first.

    missing   int64 [missing], ascending
    bar       its end is set: that of all windows as of those that were seen
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
