"""embed: one vector a text, pooled from the encoder that finetune_encoder left.

reads   data/pool.jsonl, data/test.jsonl, data/encoder, and vectors already made from the side cache (see vector_cache)
writes  data/embeddings.npy        float32 [pool, width]      row i is line i of pool.jsonl
        data/embeddings.json       model, dtype, rows, width, sha256 of the vectors, fingerprints of model and texts
        data/test_embeddings.npy   float32 [holdout, width]   line i of test.jsonl; only the probe reads them
        data/plots/similarity.json cosines of nine example sentences
params  embed
"""

import hashlib
import json

import numpy as np
import torch

from stages.core import artifacts, encoder, settings, similarity, vector_cache
from stages.core.errors import run


def main() -> None:
    embed = settings.read("embed").embed
    pool = artifacts.texts(artifacts.POOL)
    settings.refuse_budget_over(len(pool))
    dtype = encoder.dtype_of(embed.dtype)
    model = encoder.of_pipeline(embed).eval().to(encoder.device(), dtype)
    print(f"embed: {model.name}, {model.width} wide, {str(dtype).removeprefix('torch.')} on {encoder.device()}")

    sidecar = {
        "model": model.name,
        "dtype": str(dtype).removeprefix("torch."),
        "pooling": model.pooling,
        "max_tokens": model.max_tokens,
        "model_sha256": encoder.fingerprint(model.name),
    }
    encoding = hashlib.sha256(json.dumps([sidecar, encoder.device().type, torch.__version__]).encode()).hexdigest()[:16]

    for texts, path in ((pool, artifacts.EMBEDDINGS), (artifacts.texts(artifacts.HOLDOUT), artifacts.HOLDOUT_EMBEDDINGS)):
        with artifacts.filling(path, np.float32, (len(texts), model.width)) as vectors:
            encoded = fill(vectors, texts, model, vector_cache.VectorCache(encoding), embed.batch_tokens)
        print(f"embed: {path}: {len(texts):,} texts, {encoded:,} encoded now, {vectors.nbytes / 1e6:.1f} MB")
    vectors = artifacts.load(artifacts.EMBEDDINGS, np.float32, (len(pool), model.width))
    sidecar |= {
        "rows": len(pool),
        "width": model.width,
        "sha256": hashlib.sha256(vectors).hexdigest(),
        "texts_sha256": hashlib.sha256("\n".join(pool).encode()).hexdigest(),
    }
    artifacts.save_json(artifacts.EMBEDDINGS.with_suffix(".json"), sidecar)
    artifacts.save_json("data/plots/similarity.json", similarity.heat_map(model))
    print(f"embed: the side cache {vector_cache.root()} holds {vector_cache.megabytes():,.0f} MB; make clean-cache empties it")


def fill(out: np.ndarray, texts: list[str], model: encoder.Encoder, cache: vector_cache.VectorCache, batch_tokens: int) -> int:
    """Write the vector of text i into out[i], float32 [texts, width], from the cache or by encoding; how many were encoded.

    What is encoded goes into the cache shard by shard, longest texts first: an interrupted run loses one shard at most.
    """
    missing = cache.read_into(out, texts)
    if not len(missing):
        return 0
    tokens = model.tokenise([texts[row] for row in missing])
    order = np.argsort(-tokens.lengths, kind="stable")
    with encoder.progress("embed", tokens) as bar:
        for part in np.split(order, range(vector_cache.SHARD_ROWS, len(order), vector_cache.SHARD_ROWS)):
            vectors = np.empty((len(part), model.width), np.float32)
            encoder.in_batches(model, tokens[part], vectors, batch_tokens, bar)
            cache.add([texts[row] for row in missing[part]], vectors)
            out[missing[part]] = vectors
    return len(missing)


if __name__ == "__main__":
    run(main)
