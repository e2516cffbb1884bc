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
import json

import numpy as np
import torch
import transformers

from stages.core.base import artifacts, params
from stages.core.base.errors import run
from stages.core.encoding import encoder, similarity, vector_cache, vectors


def main() -> None:
    embed = params.read("embed").embed
    pool = artifacts.texts(artifacts.POOL)
    dtype = encoder.dtype_of(embed.dtype)
    model = encoder.of_pipeline(embed).eval().to(encoder.device(), dtype)
    layers = f"layers {', '.join(map(str, model.layers))}, each" if model.layers else "last layer,"
    print(f"embed: {model.shown}, {layers} {model.width} wide, {str(dtype).removeprefix('torch.')} on {encoder.device()}")

    encoding = {
        "model": model.name,
        "dtype": str(dtype).removeprefix("torch."),
        "pooling": model.pooling,
        "max_tokens": model.max_tokens,
        "model_sha256": encoder.fingerprint(model.name),
    }
    if model.layers:
        encoding["layers"] = model.layers
    known_by = {key: value for key, value in encoding.items() if key != "model"}  # by its fingerprint, wherever it lies
    made_by = json.dumps([known_by, encoder.ARITHMETIC, encoder.device().type, torch.__version__, transformers.__version__])
    cache = vector_cache.VectorCache(hashlib.sha256(made_by.encode()).hexdigest()[:16])

    for texts, path in ((pool, artifacts.EMBEDDINGS), (artifacts.texts(artifacts.HOLDOUT), artifacts.HOLDOUT_EMBEDDINGS)):
        with artifacts.filling(path, model.kept_as, (len(texts), *model.form)) as out:
            encoded = fill(out, texts, model, cache, params.machine().batch_tokens)
        vectors.describe(path, texts, encoding)
        if texts is pool and (warning := similarity.warning(vectors.mean_of_layers(out), texts, model)):
            print(f"embed: {warning}")
        print(f"embed: {path}: {len(texts):,} texts, {encoded:,} encoded now, {out.nbytes / 1e6:.1f} MB")
    artifacts.save_plot("similarity", similarity.heat_map(model))
    print(f"embed: the side cache {vector_cache.root()} holds {vector_cache.megabytes():,.0f} MB; make clean-cache empties it")


def fill(out: np.ndarray, texts: list[str], model: encoder.Encoder, cache: vector_cache.VectorCache, batch_tokens: int) -> int:
    """Write the vectors of text i into out[i], float [texts, ...], from the cache or by encoding; how many were encoded.

    What is encoded goes into the cache shard by shard, longest texts first: an interrupted run loses one shard at most.
    """
    missing = cache.read_into(out, texts)
    if not len(missing):
        return 0
    tokens = model.tokenise([texts[row] for row in missing], "embed: tokens")
    order = np.argsort(-tokens.lengths, kind="stable")
    with encoder.progress("embed", tokens) as bar:
        for part in np.split(order, range(vector_cache.SHARD_ROWS, len(order), vector_cache.SHARD_ROWS)):
            made = np.empty((len(part), *out.shape[1:]), out.dtype)
            encoder.in_batches(model.vectors, tokens[part], made, batch_tokens, bar)
            cache.add([texts[row] for row in missing[part]], made)
            out[missing[part]] = made
    return len(missing)


if __name__ == "__main__":
    run(main)
