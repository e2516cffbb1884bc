"""embed: MiniLM and a BERT-base shape against the notebook's way, sentence-transformers, and the processor's limit."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_model

from benchmarks import rivals
from benchmarks.harness import Row, against, prepared, row, timed
from stages import embed
from stages.core.base import artifacts, paths
from stages.core.encoding import encoder, model_files, vector_cache

BASE = dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072)


def run(quick: bool) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    params = prepared(folder)
    texts = artifacts.texts(paths.POOL)
    some = list(np.random.default_rng(0).permutation(len(texts)))
    take = lambda count: [texts[i] for i in some[:count]]  # noqa: E731
    dtype = encoder.dtype_of(params.embed.dtype)

    packaged = model_files.folder_of(model_files.PACKAGED)
    ours = Ours(encoder.Encoder(model_files.PACKAGED, 256), dtype, params.machine, folder)
    notebook = Notebook(packaged)
    many, few = (1_000, 16) if quick else (20_000, 128)
    rows = [
        against(
            "embed, MiniLM, against the notebook's way", lambda: ours(take(many)), lambda: notebook(take(few)),
            many, few, 150, cosines, pairs=1 if quick else 3,
        )
    ]  # fmt: skip
    rows.append(share_of_ceiling("embed, MiniLM, share of the ceiling", ours, take(many), 0.6))

    usual = rivals.sentence_transformer(packaged, "float32")
    many, few = (1_000, 200) if quick else (20_000, 5_000)
    rows.append(against(
        "embed, MiniLM, against sentence-transformers' defaults", lambda: ours(take(many)),
        lambda: usual.encode(take(few)), many, few, 5, cosines, pairs=1 if quick else 3,
    ))  # fmt: skip
    tuned = rivals.sentence_transformer(packaged, "bfloat16")
    size = rivals.best_batch(tuned, take(few // 5))
    rows.append(against(
        f"embed, MiniLM, against sentence-transformers in bfloat16, batches of {size}", lambda: ours(take(many)),
        lambda: tuned.encode(take(few), batch_size=size), many, few, 2, cosines, pairs=1 if quick else 3,
    ))  # fmt: skip

    large = base_shape(folder / "base", packaged)
    ours = Ours(encoder.Encoder(str(large), 256), dtype, params.machine, folder)
    notebook = Notebook(large)
    many, few = (100, 2) if quick else (2_000, 32)
    rows.append(against(
        "embed, BERT-base shape, against the notebook's way", lambda: ours(take(many)), lambda: notebook(take(few)),
        many, few, 150, cosines, pairs=1 if quick else 3,
    ))  # fmt: skip
    rows.append(share_of_ceiling("embed, BERT-base shape, share of the ceiling", ours, take(many), 0.75))
    shutil.rmtree(folder)
    return rows


class Ours:
    """What stage embed does: tokenise, encode, store the shards; with an empty side cache every time."""

    def __init__(self, model: encoder.Encoder, dtype: torch.dtype, machine: Any, folder: Path):
        self.model, self.dtype = model.eval().to(encoder.device(), dtype), dtype
        self.machine, self.folder = machine, folder

    def __call__(self, texts: list[str]) -> np.ndarray:
        shutil.rmtree(vector_cache.root(), ignore_errors=True)
        out = np.empty((len(texts), self.model.width), np.float32)
        assert embed.fill(out, texts, self.model, vector_cache.VectorCache("bench"), self.machine) == len(texts)
        return out


class Notebook:
    def __init__(self, folder: Path):
        self.model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval().to(encoder.device())
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def __call__(self, texts: list[str]) -> np.ndarray:
        return rivals.notebook(self.model, self.tokenizer, texts)


def cosines(ours: np.ndarray, rival: np.ndarray) -> str:
    """The least cosine between both; the rival embedded only the first rows."""
    ours = ours[: len(rival)].astype(np.float64)
    least = ((ours * rival).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(rival, axis=1)).min()
    assert least > 0.999, least
    return f"least cosine {least:.5f}"


def base_shape(folder: Path, packaged: Path, shape: dict[str, int] = BASE) -> Path:
    """An encoder with random weights in the shape of BERT-base, or another shape, and the packaged tokenizer."""
    folder.mkdir(parents=True)
    config = transformers.BertConfig(**shape, vocab_size=json.loads((packaged / "config.json").read_text())["vocab_size"])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_model(transformers.BertModel(config), str(folder / "model.safetensors"), metadata={"format": "pt"})
    config.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(packaged / name, folder)
    return folder


def share_of_ceiling(name: str, ours: Ours, texts: list[str], at_least: float) -> Row:
    """Operations a second of all of embed, on real tokens, against large matrix products of the same dtype and shape."""
    config = ours.model.backbone.config
    width, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    lengths = ours.model.tokenise(texts).lengths.astype(np.float64)
    # Two operations a weight; attention multiplies every token by every other, twice.
    operations = layers * (2 * (4 * width**2 + 2 * width * inner) * lengths.sum() + 4 * width * (lengths**2).sum())
    weights = torch.nn.Linear(width, inner).to(encoder.device(), ours.dtype)
    tokens = torch.randn(ours.machine.batch_tokens, width).to(encoder.device(), ours.dtype)

    def products() -> None:
        for _ in range(20):
            made = weights(tokens)
        made.cpu()  # wait for a GPU

    shares, ceilings, achieved = [], [], []
    with torch.inference_mode():
        weights(tokens)
        for _ in range(3):
            seconds = [timed(products)[0]]
            achieved.append(operations / timed(lambda: ours(texts))[0] / 1e9)
            seconds.append(timed(products)[0])
            ceilings.append(20 * 2 * len(tokens) * width * inner / (sum(seconds) / 2) / 1e9)
            shares.append(achieved[-1] / ceilings[-1])
    low, middle, high = sorted(shares)
    return row(
        f"{name} ({str(ours.dtype).removeprefix('torch.')})", sorted(achieved)[1], sorted(ceilings)[1], "GFLOP/s",
        middle, low, high, len(texts), at_least,
    )  # fmt: skip
