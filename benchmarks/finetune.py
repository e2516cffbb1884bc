"""train: fine-tuning on 1,000 rows against transformers' Trainer, contrastive steps against sentence-transformers' on as many;
predicting the pool against a pipeline."""

import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.harness import Row, against, prepared
from stages.core import learners
from stages.core.base import artifacts, paths
from stages.core.encoding import contrast, model_files
from stages.core.encoding.tokens import Texts
from stages.core.rows import labels
from stages.core.rows.measures import accuracy


def run(quick: bool) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    # As many epochs as the Trainer's default; all else as in params.
    params = prepared(folder, train={"trainer": "finetune", "epochs": 3, "min_steps": 0})
    texts, classes = artifacts.texts(paths.POOL), len(labels.classes())
    held, actual = artifacts.texts(paths.HOLDOUT), labels.holdout()
    values = labels.whole_pool("benchmark")
    count, seeds = (50, 1) if quick else (1_000, 3)
    packaged = model_files.folder_of(model_files.PACKAGED)
    draws = [np.random.default_rng(seed).permutation(len(texts))[:count] for seed in range(seeds)]

    learner = learners.named(params.train, params.embed, params.machine, classes)
    pool = learner.read(paths.POOL, paths.EMBEDDINGS)
    ours, theirs = [], []  # theirs: one model a pair of runs; each pair has its own seed

    def our_way() -> None:
        """All seeds at once, as train_final makes them."""
        with learner.parallel_map(seeds) as parallel_map:
            fit = lambda seed: learner.fit(pool, draws[seed], values[draws[seed]], seed, "ours")  # noqa: E731
            ours[:] = parallel_map(fit, range(seeds))

    def trainers_way() -> None:
        seed = len(theirs)
        chosen = [texts[i] for i in draws[seed]]
        theirs.append(rivals.trainer(packaged, chosen, values[draws[seed]], classes, seed, folder / "trainer"))

    def as_good(_ours: None, _theirs: None) -> str:
        holdout = learner.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)
        a = np.array([accuracy(model.probabilities(holdout, "holdout"), actual) for model in ours])
        b = np.array([rivals.accuracy_of(made, packaged, held, actual) for made in theirs])
        return f"accuracy {a.mean():.3f} (sd {a.std():.3f}) against {b.mean():.3f} (sd {b.std():.3f}), {seeds} seeds"

    rows = [
        against(
            f"fine-tuning, {count:,} rows, 3 epochs, {seeds} seeds at once, against Trainer's defaults", our_way, trainers_way,
            seeds * count, count, 5, as_good, pairs=seeds,
        )
    ]  # fmt: skip

    rows.append(contrastive_steps(learner, pool[draws[0]], values[draws[0]], packaged, 1 if quick else 3, folder / "pairs"))

    many, few = (500, 50) if quick else (20_000, 3_000)
    order = np.random.default_rng(0).permutation(len(texts))
    model, rival = ours[0], theirs[0].model

    def score() -> np.ndarray:
        return model.probabilities(Texts([texts[i] for i in order[:many]], learner.pretrained.tokenise), "score")

    def pipeline() -> np.ndarray:
        return rivals.predicted_by_pipeline(rival, packaged, [texts[i] for i in order[:few]])

    def agreement(ours: np.ndarray, rival: np.ndarray) -> str:
        agreed = (ours[:few].argmax(1) == rival).mean()  # of two models that were trained in different ways
        return f"{agreed:.1%} of the predictions agree"

    rows.append(against(
        "predicting the pool, against pipeline in batches of 32", score, pipeline, many, few, 5, agreement, pairs=1 if quick else 3
    ))  # fmt: skip
    return rows


def contrastive_steps(learner: Any, inputs: Texts, values: np.ndarray, packaged: Path, steps: int, output: Path) -> Row:
    """Ours encodes the texts of a step once and compares every two; theirs encodes both texts of each pair, 16 pairs at once."""
    train = learner.train.changed(contrastive_steps=steps, epochs=0, min_steps=0)
    each, texts = 2 * train.batch_rows, inputs.texts
    pairs = [*itertools.combinations(range(each), 2)] * steps
    columns = {
        "sentence1": [texts[a] for a, _ in pairs],
        "sentence2": [texts[b] for _, b in pairs],
        "label": [float(values[a] == values[b]) for a, b in pairs],
    }
    return against(
        f"contrastive, {steps} steps of {each} texts, against sentence-transformers' trainer on as many pairs",
        lambda: contrast.tuned(learner.pretrained, inputs, values, len(values), train, 0, "ours"),
        lambda: rivals.pairs_trainer(packaged, columns, train.batch_rows, output),
        len(pairs), None, 3,
    )  # fmt: skip
