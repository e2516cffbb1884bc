"""embed: one vector a text, mean-pooled from an encoder that nobody has tuned yet.

reads   data/pool.jsonl, data/test.jsonl
writes  data/embeddings.npy        float32 [pool, width]      row i is line i of pool.jsonl
        data/embeddings.json       model, dtype, rows, width, sha256 of the vectors, fingerprints of model and texts
        data/test_embeddings.npy   float32 [holdout, width]   line i of test.jsonl; only the probe reads them
params  embed
"""

import hashlib

import numpy as np

from stages.core import artifacts, encoder, settings
from stages.core.errors import run


def main() -> None:
    embed = settings.read("embed").embed
    pool = artifacts.texts(artifacts.POOL)
    settings.refuse_budget_over(len(pool))
    dtype = encoder.dtype_of(embed.dtype)
    model = encoder.Encoder(embed.model, embed.max_tokens).eval().to(encoder.device(), dtype)
    print(f"embed: {embed.model}, {model.width} wide, {str(dtype).removeprefix('torch.')} on {encoder.device()}")

    for texts, path in ((pool, artifacts.EMBEDDINGS), (artifacts.texts(artifacts.HOLDOUT), artifacts.HOLDOUT_EMBEDDINGS)):
        with artifacts.whole(path) as part:
            vectors = np.lib.format.open_memmap(part, "w+", dtype=np.float32, shape=(len(texts), model.width))
            encoder.in_batches(model, model.tokenise(texts), vectors, embed.batch_tokens, f"embed {path.stem}")
            vectors.flush()
    vectors = artifacts.load(artifacts.EMBEDDINGS, np.float32, (len(pool), model.width))
    sidecar = {
        "model": embed.model,
        "dtype": str(dtype).removeprefix("torch."),
        "max_tokens": model.max_tokens,
        "rows": len(pool),
        "width": model.width,
        "sha256": hashlib.sha256(vectors).hexdigest(),
        "model_sha256": encoder.fingerprint(embed.model),
        "texts_sha256": hashlib.sha256("\n".join(pool).encode()).hexdigest(),
    }
    artifacts.save_json(artifacts.EMBEDDINGS.with_suffix(".json"), sidecar)
    print(f"embed: {len(pool):,} texts, {vectors.nbytes / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
