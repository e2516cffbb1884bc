"""map: the pool in two dimensions, for the page that report writes; nothing is chosen or learned by it.

reads   data/embeddings/pool.npy   float16 [pool, layers, width] or float32 [pool, width], with its sidecar; the mean of the layers
        data/pool.jsonl            to see that they belong together
writes  data/map/rows.npy     int64 [rows]        which rows of the pool: all, or a seeded sample of map.rows, ascending
        data/map/points.npy   float32 [rows, 2]   where they lie, from 0 to 1 on the longer side
params  map
"""

import numpy as np

from stages.core.base import artifacts, params, paths, seeding
from stages.core.encoding import vectors
from stages.core.space import geometry, manifold

APART = 0.1  # least distance between neighbours in UMAP's plane: points that lie on each other cannot be told apart
LEAST_ROWS = 4  # UMAP's start needs more rows than dimensions, and its neighbourhoods some


def main() -> None:
    map_ = params.read("map").map
    embedded = vectors.of_texts(paths.EMBEDDINGS, paths.POOL)
    [rng] = seeding.rngs([map_.seed], "map")
    rows = np.sort(rng.permutation(len(embedded))[: map_.rows])
    points = np.asarray(embedded[rows], np.float32)
    if map_.method == "umap" and len(rows) >= LEAST_ROWS:
        points = manifold.fitted(points, 2, map_.neighbours, map_.seed, "map", apart=APART).embedding_
    else:
        points = geometry.main_axes(points, 2, map_.seed)
    artifacts.save(paths.MAP / "rows.npy", rows)
    artifacts.save(paths.MAP / "points.npy", from_0_to_1(points))
    print(f"map: {len(rows):,} of {len(embedded):,} rows in two dimensions by {map_.method}")


def from_0_to_1(points: np.ndarray) -> np.ndarray:
    """The same points moved and scaled, both sides alike, so that the longer one goes from 0 to 1; float32 [rows, 2]."""
    low = points.min(0)
    longer = float((points.max(0) - low).max())
    return ((points - low) / (longer or 1.0)).astype(np.float32)
