"""UMAP, as the stages reduce and map have it (McInnes, Healy & Melville 2018): cosine distances, from the main axes, seeded."""

import warnings
from typing import Any

import numpy as np

from stages.core.space import geometry

# Rows up to which umap-learn makes 500 passes by itself; it makes 200 above, where 50 from the main axes do as well.
SMALL_POOL = 10_000
# Rows up to which the nearest neighbours are found by comparing all pairs. That is quadratic, but pynndescent, the approximate
# search, compiles in every process first: as long as all pairs of 50,000 rows take.
EXACT_ROWS = 40_000


def fitted(
    vectors: np.ndarray,
    dimensions: int,
    neighbours: int,
    seed: int,
    title: str,
    apart: float = 0.0,
    epochs: int | None = None,
    transforms: bool = False,
) -> Any:
    """umap-learn's UMAP of these rows; `embedding_` of it, float32 [rows, dimensions], is where they lie.

    vectors      float32 [rows, width], more than `dimensions` rows
    title        what the bar says
    apart        least distance between points: 0 suits clustering, 0.1 the eye
    epochs       passes of the optimiser; None: 500, above SMALL_POOL rows 50
    transforms   whether other rows will be placed by its `transform`: umap-learn then finds the neighbours itself
    """
    neighbours = min(neighbours, len(vectors) - 1)
    by_umap = transforms or len(vectors) > EXACT_ROWS
    print(f"{title}: finds the neighbours of {len(vectors):,} rows first, then moves them about", flush=True)
    mapper = umap_learn().UMAP(
        n_components=dimensions,
        n_neighbors=neighbours,
        n_epochs=epochs or (500 if len(vectors) <= SMALL_POOL else 50),
        init="pca",  # as good a start as the spectral one, in a second
        min_dist=apart,
        metric="cosine",
        random_state=seed,
        precomputed_knn=(None, None, None) if by_umap else nearest(vectors, neighbours),
        tqdm_kwds={"desc": title, "mininterval": 1, "disable": False},
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # one job is what a seed asks for
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")  # of the index, which only `transform` needs
        return mapper.fit(vectors)


def nearest(vectors: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest rows of each row, itself first: (indices int32, cosine distances float32), both [rows, neighbours].

    vectors      float32 [rows, width], at least as many rows as neighbours
    neighbours   2 or more, the row itself among them
    """
    from sklearn.neighbors import NearestNeighbors

    # Between rows of unit length the squared distance is twice the cosine distance, and scikit-learn is fastest with it.
    search = NearestNeighbors(n_neighbors=neighbours - 1, algorithm="brute", metric="sqeuclidean").fit(geometry.unit(vectors))
    squared, others = search.kneighbors()
    squared[squared < np.finfo(np.float32).eps] = 0  # rounding between equal rows, which UMAP knows by a distance of 0
    itself = np.arange(len(vectors))[:, None]
    return np.hstack([itself, others]).astype(np.int32), np.hstack([0.0 * itself, squared / 2]).astype(np.float32)


def umap_learn() -> Any:
    """The package umap. What a fit compiles is kept beside the package, so that the next process need not compile it."""
    import umap
    from umap import layouts, umap_

    optimiser = layouts._nb_optimize_layout_euclidean_single_epoch
    for function in (umap_.smooth_knn_dist, umap_.compute_membership_strengths, optimiser):
        function.enable_caching()
    return umap
