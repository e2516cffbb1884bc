"""cluster: the three scores of every k of a sweep, against scikit-learn's for each k."""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

from benchmarks import rivals
from benchmarks.harness import Row, against, prepared
from stages import cluster
from stages.core.base import artifacts
from stages.core.space import geometry

MIDDLE = 10  # the k that scikit-learn is timed with; its time hardly depends on k


def run(quick: bool) -> list[Row]:
    prepared(Path(tempfile.mkdtemp(prefix="gleaner-bench-")), reduce={"method": "pca"})
    rows = 5_000 if quick else artifacts.pool_rows()
    vectors = clouds(rows)
    clusterings = {k: cluster.by_size(KMeans(k, n_init=1, max_iter=20, random_state=0).fit_predict(vectors)) for k in range(2, 21)}

    def same(ours: list[dict], rival: list[float]) -> str:
        ours = next(row for row in ours if row["k"] == MIDDLE)
        apart = [abs(a - b) / max(1, abs(b)) for a, b in zip(list(ours.values())[1:], rival)]
        assert max(apart) < 1e-4, apart
        return f"equal to {max(apart):.0e}"

    return [
        against(
            "sweep of k = 2 to 20, three scores each, against scikit-learn", lambda: cluster.sweep_scores(vectors, clusterings),
            lambda: rivals.scores_of(vectors, clusterings[MIDDLE]), len(clusterings) * rows, rows, 25, same,
            pairs=1 if quick else 3, unit="s",
        )
    ]  # fmt: skip


def clouds(rows: int) -> np.ndarray:
    """float32 [rows, 50], of unit length, in the shape that reduce gives."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 50))[rng.integers(12, size=rows)] + rng.normal(size=(rows, 50))
    return geometry.unit(points)
