"""reduce: fewer dimensions, so that distances between rows mean something to k-means.

reads   data/embeddings.npy   float32 [pool, width]
writes  data/reduced.npy      float32 [pool, dimensions], rows of unit length
params  reduce
"""

import warnings

import numpy as np

from stages.core import artifacts, settings, vectors
from stages.core.errors import Refused, run


def main() -> None:
    reduce = settings.read("reduce").reduce
    embeddings = artifacts.load(artifacts.EMBEDDINGS, np.float32, (None, None))
    rows, width = embeddings.shape
    # UMAP starts from as many eigenvectors as dimensions, which a graph of fewer rows does not have.
    most = {"umap": rows - 2, "pca": min(rows, width), "random_projection": width}[reduce.method]
    if reduce.dimensions > most:
        raise Refused(
            f"params.yaml: reduce.dimensions = {reduce.dimensions}: {reduce.method} of {rows:,} rows {width} wide "
            f"gives {most} at most; lower it"
        )
    reduced = METHODS[reduce.method](embeddings, reduce)
    artifacts.save(artifacts.REDUCED, vectors.unit(reduced))
    print(f"reduce: {rows:,} rows, {width} to {reduce.dimensions} dimensions by {reduce.method}")


def umap(embeddings: np.ndarray, reduce: settings.Reduce) -> np.ndarray:
    """McInnes, Healy & Melville 2018; cosine distances, and no least distance between points, which suits clustering."""
    import umap

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # one job is what a seed asks for
        mapper = umap.UMAP(
            n_components=reduce.dimensions,
            n_neighbors=min(reduce.neighbours, len(embeddings) - 1),
            min_dist=0.0,
            metric="cosine",
            random_state=reduce.seed,
            tqdm_kwds={"desc": "reduce", "mininterval": 1, "disable": False},
        )
        return mapper.fit_transform(embeddings)


def pca(embeddings: np.ndarray, reduce: settings.Reduce) -> np.ndarray:
    from sklearn.decomposition import PCA

    return PCA(reduce.dimensions, random_state=reduce.seed).fit_transform(embeddings)


def random_projection(embeddings: np.ndarray, reduce: settings.Reduce) -> np.ndarray:
    from sklearn.random_projection import GaussianRandomProjection

    return GaussianRandomProjection(reduce.dimensions, random_state=reduce.seed).fit_transform(embeddings)


METHODS = {"umap": umap, "pca": pca, "random_projection": random_projection}

if __name__ == "__main__":
    run(main)
