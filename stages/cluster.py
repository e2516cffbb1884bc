"""cluster: sort the pool into buckets by k-means, and score other numbers of buckets.

reads   data/reduced.npy              float32 [pool, dimensions], rows of unit length
        data/pool.jsonl               texts for the map
writes  data/clusters.npy             int32 [pool]   bucket of each row; bucket 0 is the largest
        data/clusters.json            number and sizes of the buckets
        data/plots/sweep.json         silhouette, Davies-Bouldin and Calinski-Harabasz for k = 2 .. sweep_to
        data/plots/bucket_map.json    up to 2,000 rows in two dimensions
params  cluster
"""

import numpy as np

from stages.core.base import artifacts, bars, params, paths, seeding
from stages.core.base.errors import Refused
from stages.core.space import geometry
from stages.core.space.silhouettes import silhouettes

STARTS = 4  # k-means runs from this many seedings; the best result is kept
MAP_ROWS = 2_000


def main() -> None:
    cluster = params.read("cluster").cluster
    reduced = artifacts.load(paths.REDUCED, np.float32, (None, None))
    rows = len(reduced)
    if cluster.clusters != "auto" and cluster.clusters > rows:
        raise Refused(f"params.yaml: cluster.clusters = {cluster.clusters}: the pool has {rows:,} rows; give 2 to {rows}, or auto")
    reduced = np.array(reduced)  # in memory: k-means passes over it many times

    sweep = range(2, min(cluster.sweep_to, rows - 1) + 1)
    wanted = sorted({*sweep} | ({cluster.clusters} - {"auto"}))
    exact = rows <= cluster.exact_rows
    clusterings = {
        k: by_size(geometry.kmeans(reduced, k, np.random.default_rng(cluster.seed), STARTS, cluster.exact_rows).labels_)
        for k in bars.bar("k-means" if exact else "k-means by mini-batches", len(wanted), "k", wanted)
    }
    # A generator of its own: with that of reduce the sweep would see only rows that UMAP was fitted on.
    [rng] = seeding.rngs([cluster.seed], "cluster sweep")
    measured = np.sort(rng.permutation(rows)[: cluster.exact_rows])
    scores = sweep_scores(reduced[measured], {k: by_size(clusterings[k][measured]) for k in sweep})
    best = max(scores, key=lambda row: row["silhouette"])["k"] if scores else None
    if cluster.clusters == "auto" and best is None:
        raise Refused(f"params.yaml: cluster.clusters = auto: a pool of {rows} rows is too small for a sweep; give a number")
    k = best if cluster.clusters == "auto" else cluster.clusters
    buckets = clusterings[k]
    sizes = np.bincount(buckets)

    artifacts.save(paths.CLUSTERS, buckets)
    artifacts.save_json(paths.CLUSTERS.with_suffix(".json"), {
        "clusters": len(sizes),
        "best_silhouette_at": best,
        "sweep_measured_on_rows": len(measured),
        "largest_bucket": int(sizes.max()),
        "smallest_bucket": int(sizes.min()),
        "bucket_rows": {str(bucket): int(size) for bucket, size in enumerate(sizes)},
    })  # fmt: skip
    artifacts.save_plot("sweep", scores)
    artifacts.save_plot("bucket_map", bucket_map(reduced, buckets, artifacts.texts(paths.POOL), cluster.seed))
    if not exact:
        print(f"cluster: over cluster.exact_rows: mini-batches, and the sweep measured on {len(measured):,} random rows")
    print(f"cluster: {len(sizes)} buckets of {sizes.min():,} to {sizes.max():,} rows; best silhouette at k = {best}")


def by_size(clusters: np.ndarray) -> np.ndarray:
    """int32 [rows]: the same clusters, numbered from the largest to the smallest; empty ones vanish."""
    numbers, inverse, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    rank = np.empty(len(numbers), dtype=np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(numbers))
    return rank[inverse]


def sweep_scores(vectors: np.ndarray, clusterings: dict[int, np.ndarray]) -> list[dict]:
    """Mean silhouette and Calinski-Harabasz index (higher is better) and Davies-Bouldin index (lower is better) of every k."""
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    # Equal rows can leave fewer clusters than asked for; a single cluster has no score.
    usable = {k: clusters for k, clusters in clusterings.items() if clusters.max() >= 1}
    if not usable:
        return []
    with bars.bar("silhouettes", len(vectors), "rows") as bar:
        means = silhouettes(vectors, np.stack(list(usable.values())), bar)
    return [
        {
            "k": k,
            "silhouette": round(float(silhouette), 6),
            "davies_bouldin": round(float(davies_bouldin_score(vectors, clusters)), 6),
            "calinski_harabasz": round(float(calinski_harabasz_score(vectors, clusters)), 3),
        }
        for (k, clusters), silhouette in bars.bar("other scores", len(usable), "k", zip(usable.items(), means))
    ]


def bucket_map(vectors: np.ndarray, buckets: np.ndarray, texts: list[str], seed: int) -> list[dict]:
    """A seeded sample of rows on the two principal axes of the reduced vectors."""
    from sklearn.decomposition import PCA

    [rng] = seeding.rngs([seed], "cluster map")
    rows = np.sort(rng.permutation(len(vectors))[:MAP_ROWS])
    axes = PCA(2, random_state=seed).fit(vectors)
    return [
        {"x": round(float(x), 4), "y": round(float(y), 4), "bucket": int(buckets[row]), "text": texts[row][:80]}
        for row, (x, y) in zip(rows, axes.transform(vectors[rows]))
    ]
