"""reduce: fewer dimensions, so that distances between rows mean something to k-means.

reads   data/embeddings/pool.npy    vectors of the texts, with their sidecar, and data/pool.jsonl to see that they belong together
writes  data/reduced.npy      float32 [pool, dimensions], rows of unit length
params  reduce
"""

from typing import Any

import numpy as np

from stages.core.base import artifacts, params, paths, seeding
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.space import geometry, manifold


def main() -> None:
    reduce = params.read("reduce").reduce
    embeddings = vectors.of_texts(paths.EMBEDDINGS, paths.POOL)
    rows, width = embeddings.shape
    # UMAP starts from the main axes of the rows it is fitted on.
    most = {"umap": min(rows, reduce.fit_rows, width), "pca": min(rows, width), "random_projection": width}[reduce.method]
    if reduce.dimensions > most:
        raise Refused(
            f"params.yaml: reduce.dimensions = {reduce.dimensions}: {reduce.method} of {rows:,} rows {width} wide "
            f"gives {most} at most; lower it"
        )
    reduced = (umap if reduce.method == "umap" else linear)(embeddings, reduce)
    artifacts.save(paths.REDUCED, geometry.unit(reduced))
    print(f"reduce: {rows:,} rows, {width} to {reduce.dimensions} dimensions by {reduce.method}")


def umap(embeddings: np.ndarray, reduce: Any) -> np.ndarray:
    """Fitted on a seeded sample of fit_rows, the other rows placed among them; no least distance, which suits clustering."""
    rows = len(embeddings)
    # A stream of its own: cluster measures the sweep on a sample too, and its seed is the same by default.
    [rng] = seeding.rngs([reduce.seed], "reduce")
    sample = np.sort(rng.permutation(rows)[: reduce.fit_rows])
    rest = np.setdiff1d(np.arange(rows), sample)
    mapper = manifold.fitted(
        embeddings[sample],
        reduce.dimensions,
        reduce.neighbours,
        reduce.seed,
        "reduce",
        epochs=None if reduce.epochs == "auto" else reduce.epochs,
        transforms=len(rest) > 0,
    )
    reduced = np.empty((rows, reduce.dimensions), np.float32)
    reduced[sample] = mapper.embedding_
    for part in np.array_split(rest, -(-len(rest) // len(sample))) if len(rest) else []:
        reduced[part] = mapper.transform(embeddings[part])
    if len(rest):
        print(f"reduce: over reduce.fit_rows: fitted on {len(sample):,} rows drawn at random, {len(rest):,} placed among them")
    return reduced


def linear(embeddings: np.ndarray, reduce: Any) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.random_projection import GaussianRandomProjection

    method = PCA if reduce.method == "pca" else GaussianRandomProjection
    return method(reduce.dimensions, random_state=reduce.seed).fit_transform(embeddings)
