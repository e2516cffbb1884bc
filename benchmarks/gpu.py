"""gpu: encoding, tuning and scoring on a GPU and on the processor of the same machine, and how far both agree.

Skipped without a GPU. With one, the other benchmarks use it too, for our code and the rivals'.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks.embed import Ours, base_shape, cosines
from benchmarks.growth import varied
from benchmarks.harness import Row, against, prepared
from stages.core import learners
from stages.core.base import artifacts, paths
from stages.core.encoding import encoder, model_files
from stages.core.encoding.tokens import Texts
from stages.core.rows import labels
from stages.core.rows.measures import accuracy

BATCH_TOKENS = (4_096, 16_384, 65_536, 262_144)


@contextlib.contextmanager
def on_processor() -> Iterator[None]:
    with mock.patch.object(encoder, "device", return_value=torch.device("cpu")):
        yield


def run(quick: bool) -> list[Row]:
    if encoder.device().type != "cuda":
        print("  skipped: there is no GPU", file=sys.stderr)
        return []
    folder = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    params = prepared(folder)
    texts = [row["text"] for row in varied(artifacts.texts(paths.POOL), 2_000 if quick else 24_000)]
    shapes = {
        "MiniLM": model_files.PACKAGED,
        "BERT-base shape": str(base_shape(folder / "base", model_files.folder_of(model_files.PACKAGED))),
    }
    rows = []
    for name, model in shapes.items():
        for dtype in (torch.bfloat16, torch.float32):
            rows += encoding(name, model, dtype, texts, params.machine, folder, quick)
    return rows + tuning(params, quick)


def encoding(name: str, model: str, dtype: torch.dtype, texts: list[str], machine: Any, folder: Path, quick: bool) -> list[Row]:
    """With batches of several sizes, each against float32 on the processor."""
    few = max(16, len(texts) // (30 if name == "MiniLM" else 200))
    with on_processor():
        usual = Ours(encoder.Encoder(model, 256), torch.float32, machine, folder)
    there = Ours(encoder.Encoder(model, 256), dtype, machine, folder)

    def on_cpu() -> np.ndarray:
        with on_processor():
            return usual(texts[:few])

    def agree(ours: np.ndarray, rival: np.ndarray) -> str:
        return f"{cosines(ours, rival)}, the same again: {np.array_equal(ours, there(texts))}"

    rows = []
    for tokens in BATCH_TOKENS:
        there.machine = machine.changed(batch_tokens=tokens)
        title = f"embed, {name}, {str(dtype).removeprefix('torch.')}, batches of {tokens:,} tokens, GPU against processor"
        rows.append(against(title, lambda: there(texts), on_cpu, len(texts), few, None, agree, pairs=1 if quick else 3))
    return rows


def tuning(params: Any, quick: bool) -> list[Row]:
    """300 rows, 3 seeds; then the last model tuned on the GPU scores the pool."""
    texts, classes = artifacts.texts(paths.POOL), len(labels.classes())
    values, actual = labels.whole_pool("benchmark"), labels.holdout()
    seeds = 1 if quick else 3
    draws = [np.random.default_rng(seed).permutation(len(texts))[:300] for seed in range(seeds)]
    train = params.train.changed(trainer="finetune")
    there = learners.named(train, params.embed, params.machine, classes)
    with on_processor():
        usual = learners.named(train, params.embed.changed(dtype="float32"), params.machine, classes)
    pool, holdout = there.read(paths.POOL, paths.EMBEDDINGS), there.read(paths.HOLDOUT, paths.HOLDOUT_EMBEDDINGS)
    tuned, beside = [], []

    def on_gpu() -> None:
        rows = draws[len(tuned)]
        tuned.append(there.fit(pool, rows, values[rows], len(tuned), "GPU", None))

    def on_cpu() -> None:
        rows = draws[len(beside)]
        with on_processor():
            beside.append(usual.fit(pool, rows, values[rows], len(beside), "processor", None))

    def as_good(_there: None, _here: None) -> str:
        a = [accuracy(model.probabilities(holdout, ""), actual) for model in tuned]
        with on_processor():
            b = [accuracy(model.probabilities(holdout, ""), actual) for model in beside]
        return f"accuracy {np.mean(a):.3f} against {np.mean(b):.3f}, {seeds} seeds"

    rows = [against("fine-tuning, 300 rows, GPU against processor", on_gpu, on_cpu, 300, None, None, as_good, pairs=seeds)]
    few = len(texts) // 4
    there_model, here_model = tuned[-1], beside[-1]
    here_model.model.load_state_dict(there_model.model.state_dict())

    def scored() -> np.ndarray:
        return there_model.probabilities(Texts(texts, there.pretrained.tokenise), "GPU")

    def scored_here() -> np.ndarray:
        with on_processor():
            return here_model.probabilities(Texts(texts[:few], usual.pretrained.tokenise), "processor")

    def alike(there: np.ndarray, here: np.ndarray) -> str:
        there = there[: len(here)]
        agreed = (there.argmax(1) == here.argmax(1)).mean()
        return f"{agreed:.2%} of the predictions agree, probabilities within {np.abs(there - here).max():.3f}"

    pairs = 1 if quick else 3
    return [*rows, against("predicting the pool, GPU against processor", scored, scored_here, len(texts), few, None, alike, pairs)]
