"""What a large pool goes through: nothing quadratic, and the same bytes every time. Thresholds are lowered to fit a test."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from sklearn.cluster import KMeans

from stages import cluster, reduce
from stages.core.base import artifacts, paths
from stages.core.encoding import vectors
from stages.core.space import manifold
from tests.support.project import ROOT

ROWS = 400


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """Three clouds of rows, with params that call everything above 100 rows large; returns params to be changed."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 20))
    rows = centres[np.arange(ROWS) % 3] + 0.05 * rng.normal(size=(ROWS, 20))
    artifacts.save(paths.EMBEDDINGS, rows.astype(np.float32))
    artifacts.save_jsonl(paths.POOL, ({"text": f"text {i}", "label": str(i % 2)} for i in range(ROWS)))
    artifacts.save_json(paths.CLASSES, ["0", "1"])
    vectors.describe(paths.EMBEDDINGS, artifacts.texts(paths.POOL), {"model": "none"})
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    # The same seed for both, as by default; of what 42 draws UMAP lays two clouds side by side, and two buckets score best.
    params["reduce"] |= {"dimensions": 3, "fit_rows": 100, "seed": 1}
    params["cluster"] |= {"clusters": 3, "sweep_to": 4, "exact_rows": 100, "seed": 1}

    def write() -> None:
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))

    write()
    return params, write


@pytest.mark.slow
def test_umap_places_rows_it_was_not_fitted_on_with_their_like(pool):
    reduce.main()
    reduced = artifacts.load(paths.REDUCED, np.float32, (ROWS, 3))
    nearest = np.argsort(-reduced @ reduced.T, axis=1)[:, 1:6]
    assert (nearest % 3 == np.arange(ROWS)[:, None] % 3).mean() > 0.99
    first = paths.REDUCED.read_bytes()
    reduce.main()
    assert paths.REDUCED.read_bytes() == first


@pytest.mark.slow
def test_a_sample_is_fitted_and_the_rest_transformed_only_above_fit_rows(pool, capsys):
    params, write = pool
    reduce.main()
    assert "fitted on 100 rows" in capsys.readouterr().out
    params["reduce"]["fit_rows"] = ROWS
    write()
    reduce.main()
    assert "fitted on" not in capsys.readouterr().out


def test_rows_fitted_swept_and_mapped_are_drawn_apart_from_each_other(pool, monkeypatch):
    seen = {}

    class FittedModel:
        """In place of UMAP: it notes how the rows that it is fitted on begin, and keeps the beginning of every row."""

        def __init__(self, **settings):
            pass

        def fit(self, rows):
            seen["fitted"], self.embedding_ = {*rows[:, 0].tolist()}, rows[:, :3]
            return self

        def transform(self, rows):
            return rows[:, :3]

    monkeypatch.setattr(manifold, "umap_learn", lambda: SimpleNamespace(UMAP=FittedModel))
    monkeypatch.setattr(cluster, "MAP_ROWS", 100)
    monkeypatch.setattr(cluster, "sweep_scores", lambda vectors, _: seen.update(swept={*map(tuple, vectors.tolist())}) or [])
    reduce.main()
    cluster.main()
    number = {row[0]: i for i, row in enumerate(artifacts.load(paths.EMBEDDINGS, np.float32, (ROWS, None)).tolist())}
    reduced = {tuple(row): i for i, row in enumerate(artifacts.load(paths.REDUCED, np.float32, (ROWS, 3)).tolist())}
    fitted, swept = {number[first] for first in seen["fitted"]}, {reduced[row] for row in seen["swept"]}
    mapped = {int(row["text"].split()[1]) for row in artifacts.load_json("data/plots/bucket_map.json")}
    assert [len(sample) for sample in (fitted, swept, mapped)] == [100] * 3
    # Of 100 rows drawn of 400, 25 are expected in another such draw, give or take 4 (the hypergeometric standard deviation).
    for one, other in itertools.combinations((fitted, swept, mapped), 2):
        assert 13 <= len(one & other) <= 37


def test_up_to_the_limits_every_row_is_fitted_and_swept_and_k_means_draws_as_ever(pool):
    params, write = pool
    params["reduce"] |= {"method": "pca", "fit_rows": ROWS}
    params["cluster"]["exact_rows"] = ROWS
    write()
    reduce.main()
    cluster.main()
    reduced = artifacts.load(paths.REDUCED, np.float32, (ROWS, 3))
    expected = KMeans(3, n_init=4, random_state=int(np.random.default_rng(1).integers(2**31))).fit(np.array(reduced)).labels_
    assert artifacts.load_clusters().tolist() == cluster.by_size(expected).tolist()
    assert json.loads(paths.CLUSTERS.with_suffix(".json").read_text())["sweep_measured_on_rows"] == ROWS


def test_a_large_pool_is_clustered_by_mini_batches_and_swept_on_a_sample(pool, capsys):
    params, write = pool
    params["reduce"]["method"] = "pca"
    write()
    reduce.main()
    cluster.main()
    assert "the sweep measured on 100 random rows" in capsys.readouterr().out
    buckets = artifacts.load(paths.CLUSTERS, np.int32, (ROWS,))
    assert {len({*buckets[cloud::3]}) for cloud in range(3)} == {1}  # each cloud is one bucket
    about = json.loads(paths.CLUSTERS.with_suffix(".json").read_text())
    assert (about["sweep_measured_on_rows"], about["best_silhouette_at"]) == (100, 3)
    first = paths.CLUSTERS.read_bytes(), (paths.CLUSTERS.parent / "plots" / "sweep.json").read_bytes()
    cluster.main()
    assert first == (paths.CLUSTERS.read_bytes(), (paths.CLUSTERS.parent / "plots" / "sweep.json").read_bytes())


def test_a_sample_of_the_sweep_has_nearly_the_scores_of_all_rows(pool):
    params, write = pool
    params["reduce"]["method"] = "pca"
    write()
    reduce.main()
    cluster.main()
    sampled = json.loads((paths.CLUSTERS.parent / "plots" / "sweep.json").read_text())
    params["cluster"]["exact_rows"] = ROWS
    write()
    cluster.main()
    exact = json.loads((paths.CLUSTERS.parent / "plots" / "sweep.json").read_text())
    for scores in (sampled, exact):
        scores[:] = [row["silhouette"] for row in scores if row["k"] <= 3]  # with four, a cloud is cut at random
    assert sampled == pytest.approx(exact, abs=0.05)
