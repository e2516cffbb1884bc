"""How far new texts lie from those that the model knew, by the mean cosine distance to their nearest rows.

A new text is far if it lies farther from its nearest rows than 99% of these rows lie from theirs, each left out in turn. New texts
like the others are far in 1% of the cases. benchmarks/drift.py chose the distance (docs/labelling-more.md).
"""

from dataclasses import dataclass

import numpy as np

from stages.core.base import artifacts, paths
from stages.core.encoding import vectors
from stages.core.reporting.markdown import quoted
from stages.core.reporting.statistics import ALPHA
from stages.core.rows import rounds
from stages.core.space import geometry

NEIGHBOURS = 3
EXPECTED = 0.01
SAMPLED = 10_000  # known rows whose own distance is computed: for all of a large pool it would take long
BUCKETS, TEXTS = 10, 3  # shown, of each bucket


@dataclass(frozen=True)
class Novelty:
    distances: np.ndarray  # float64 [new]
    nearest: np.ndarray  # int64 [new]: the nearest known row
    bound: float  # beyond it a text is far

    @property
    def far(self) -> np.ndarray:
        """bool [new]"""
        return self.distances > self.bound


def measured(new: np.ndarray, known: np.ndarray) -> Novelty:
    """Both float32 [rows, width]; two known rows or more. Distances are computed block by block."""
    from sklearn.neighbors import NearestNeighbors

    known, new = geometry.unit(known), geometry.unit(new)
    neighbours = min(NEIGHBOURS, len(known) - 1)
    search = NearestNeighbors(n_neighbors=neighbours + 1, algorithm="brute", metric="sqeuclidean").fit(known)

    # Between rows of unit length the squared distance is twice the cosine distance; below `eps` it is rounding.
    mean = lambda squared: np.where(squared < np.finfo(np.float32).eps, 0, squared).mean(1, dtype=np.float64) / 2  # noqa: E731
    sample = known[np.sort(np.random.default_rng(0).permutation(len(known))[:SAMPLED])]
    own = mean(search.kneighbors(sample)[0][:, 1:])  # the nearest is the row itself, or its equal
    squared, nearest = search.kneighbors(new, neighbours)
    return Novelty(mean(squared), nearest[:, 0], float(np.quantile(own, 1 - EXPECTED)))


def of_added(answers: np.ndarray, buckets: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(rows of the pool that `make add` brought and that have no label, int64; what `lines` says of them against all others)."""
    if not (rounds.ASKED / "added.npy").exists():
        return np.empty(0, np.int64), []
    added = rounds.load_asked("added", len(answers))
    new = added[answers[added] < 0]
    others = np.setdiff1d(np.arange(len(answers)), new)
    if not len(new) or len(others) < 2:
        return new, []
    embedded, texts = vectors.of_texts(paths.EMBEDDINGS, paths.POOL), artifacts.texts(paths.POOL)
    return new, lines(measured(embedded[new], embedded[others]), [texts[row] for row in new], buckets[others])


def lines(found: Novelty, texts: list[str], buckets: np.ndarray) -> list[str]:
    """How many are far, and which, by the bucket of their nearest row. texts: new ones; buckets: int [known]"""
    from statsmodels.stats.proportion import proportion_confint

    far, of = int(found.far.sum()), len(texts)
    low, high = proportion_confint(far, of, alpha=ALPHA, method="beta")  # Clopper & Pearson 1934: exact
    head = f"The model has not seen such texts: {far:,} of {of:,} new ones" if low > EXPECTED else f"{far:,} of {of:,} new texts"
    interval = f"{far / of:.1%}, 95% interval {low:.1%} to {high:.1%}; {EXPECTED:.0%} is expected"
    made = [f"{head} lie farther from their neighbours than 99% of the others from theirs ({interval})."]
    nearest = buckets[found.nearest]
    rows = [np.flatnonzero(found.far & (nearest == bucket)) for bucket in np.unique(nearest[found.far])]
    for its in sorted(rows, key=len, reverse=True)[:BUCKETS]:
        farthest, bucket = its[np.argsort(-found.distances[its], kind="stable")], nearest[its[0]]
        shown = quoted([texts[row] for row in farthest[:TEXTS]])
        made.append(f"- nearest to bucket {bucket}: {len(its):,} of {(nearest == bucket).sum():,}, such as {shown}")
    return made
