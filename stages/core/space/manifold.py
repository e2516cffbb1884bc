"""UMAP, as the stages reduce and map have it (McInnes, Healy & Melville 2018): cosine distances, from the main axes, seeded."""

import warnings
from typing import Any

import numpy as np

# Rows up to which umap-learn makes 500 passes by itself; it makes 200 above, where 50 from the main axes do as well.
SMALL_POOL = 10_000


def fitted(
    vectors: np.ndarray, dimensions: int, neighbours: int, seed: int, title: str, apart: float = 0.0, epochs: int | None = None
) -> Any:
    """umap-learn's UMAP of these rows; `embedding_` of it, float32 [rows, dimensions], is where they lie.

    vectors   float32 [rows, width], more than `dimensions` rows
    title     what the bar says
    apart     least distance between points: 0 suits clustering, 0.1 the eye
    epochs    passes of the optimiser; None: 500, above SMALL_POOL rows 50
    """
    import umap

    mapper = umap.UMAP(
        n_components=dimensions,
        n_neighbors=min(neighbours, len(vectors) - 1),
        n_epochs=epochs or (500 if len(vectors) <= SMALL_POOL else 50),
        init="pca",  # as good a start as the spectral one, in a second
        min_dist=apart,
        metric="cosine",
        random_state=seed,
        tqdm_kwds={"desc": title, "mininterval": 1, "disable": False},
    )
    print(f"{title}: finds the neighbours of {len(vectors):,} rows first, then moves them about", flush=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # one job is what a seed asks for
        return mapper.fit(vectors)
