"""`make drift [FILE=new.csv TEXT=column]`: how far texts lie from the pool that the model knows, and how sure it is of them.

Without FILE: the texts that `make add` brought and that have no label yet, against all others; report.html says the same.
"""

import numpy as np

from stages import embed
from stages.core.base import artifacts, keys, params, paths
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.new_texts import reading
from stages.core.prediction import predictor
from stages.core.reporting import novelty
from stages.core.rows import labels


def main(file: str = "", column: str = "") -> None:
    models, answers = predictor.load().models, labels.answers()
    pool, buckets = artifacts.texts(paths.POOL), artifacts.load_clusters(len(answers))
    if file:
        table, name, new = reading.fresh(file, column, params.read("prepare").prepare, set(map(keys.key, pool)))
        values = list(table.values(name))
        texts = [str(values[place]) for place in new.values()]
        found = novelty.measured(encoded(texts), vectors.of_texts(paths.EMBEDDINGS, paths.POOL)) if texts else None
        lines = novelty.lines(found, texts, buckets) if texts else []
    else:
        rows, lines = novelty.of_added(answers, buckets)
        texts = [pool[row] for row in rows]
    if not lines:
        raise Refused(
            f"FILE={file}: no text to compare: the pool holds all of the file, and no text that make add brought lacks a label; "
            "possible: a file with other texts, or make add FILE=new.csv and make repro"
        )
    several = models.about.kind.nothing  # where "none of the labels" is as good an answer as any
    least = 0.5 if several else models.about.abstain or 0.5
    unsure = int((models.probabilities(texts).max(1) < least).sum())
    what = "none of the labels" if several else f"no class a probability of {least:g} or more"
    print("\n".join(lines))
    print(f"The model gives {unsure:,} of {len(texts):,} ({unsure / len(texts):.1%}) {what}.")


def encoded(texts: list[str]) -> np.ndarray:
    """float32 [texts, width], as by stage embed. They go into its cache: if the texts are added, it need not encode them again."""
    machine = params.machine()
    model, _, cache = embed.begin(params.read("embed").embed, machine)
    out = np.empty((len(texts), *model.vector_shape), model.stored_dtype)
    embed.fill(out, texts, model, cache, machine)
    return vectors.mean_of_layers(out)
