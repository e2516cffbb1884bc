"""reduce: UMAP with our params against umap-learn's defaults with the same seed."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.manifold import trustworthiness

from benchmarks.embed import Ours
from benchmarks.harness import Row, against, prepared
from stages import reduce
from stages.core.base import artifacts, paths
from stages.core.encoding import encoder, model_files

MEASURED = 5_000  # rows; trustworthiness takes quadratic time


def run(quick: bool) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    params = prepared(folder)
    ours = Ours(encoder.Encoder(model_files.PACKAGED, 256), encoder.dtype_of("auto"), params.machine, folder)
    vectors = ours(artifacts.texts(paths.POOL)[: 1_000 if quick else None])
    some = np.sort(np.random.default_rng(0).permutation(len(vectors))[:MEASURED])
    made = []

    def reduced() -> np.ndarray:
        made.append(reduce.umap(vectors, params.reduce))
        return made[-1]

    def as_trustworthy(ours: np.ndarray, rival: np.ndarray) -> str:
        a, b = (trustworthiness(vectors[some], out[some], n_neighbors=15, metric="cosine") for out in (ours, rival))
        assert a > b - 0.01, (a, b)
        assert all(other.tobytes() == ours.tobytes() for other in made)
        return f"trustworthiness {a:.3f} against {b:.3f}; {len(made)} runs with the same bytes"

    for compiles in (reduce.umap, defaults):  # for large pools too
        compiles(vectors[:5_000], params.reduce)
    made.clear()
    return [
        against(
            "UMAP to 50 dimensions, against umap-learn's defaults", reduced, lambda: defaults(vectors, params.reduce),
            len(vectors), None, 2, as_trustworthy, pairs=1 if quick else 3, unit="s",
        )
    ]  # fmt: skip


def defaults(vectors: np.ndarray, params) -> np.ndarray:
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.UMAP(n_components=params.dimensions, metric="cosine", random_state=params.seed).fit_transform(vectors)
