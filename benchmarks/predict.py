"""make predict with its reading and writing, against what users would use instead; and its memory as the file grows.

On texts of three lengths, in random order. The rivals use the same encoder and get fewer texts.
"""

import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import rivals
from benchmarks.embed import base_shape
from benchmarks.growth import varied
from benchmarks.harness import SST2, Row, against, labelled_pool, prepared, row, run_stage
from stages import buy_labels, calibrate, cluster, embed, reduce, select_stage1, train_stageN
from stages.commands import predict
from stages.core.base import artifacts, paths
from stages.core.encoding import model_files
from stages.core.rows import labels

ONE_STAGE = {
    "seeds": [0],
    "reduce": {"method": "pca"},
    "stages": ["stage1"],
    "rounds": {},
    "random_at": [],
    "arms": [],
    "train": {"trainer": "probe"},
    "train_final": {"trainer": "none", "arms": []},
}


SMALL = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)
# Corpus (None: SST-2, else the packaged one): rows for us, rows for the rivals; a tenth in a quick run.
SETS = {None: (8_000, 2_000), "rotten_tomatoes": (3_000, 1_000), "bbc_news": (200, 100)}


def run(quick: bool) -> list[Row]:
    home = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    texts = {}
    for name in SETS:
        prepared(home / f"texts of {name}", **({"prepare": {"dataset": name}} if name else {}))
        pool = artifacts.texts(paths.POOL)
        texts[name] = [pool[row] for row in np.random.default_rng(0).permutation(len(pool))]
        if name is None:
            artifacts.save_jsonl(home / "source.jsonl", itertools.islice(labelled_pool(), 600))  # enough to choose a hundred from
    source = {"dataset": str(home / "source.jsonl"), "text_column": "text", "label_column": "label"}
    packaged = model_files.folder_of(model_files.PACKAGED)
    modelled(home / "model", prepare=source)
    answers = labels.whole_pool("to train the rival")
    piped = rivals.pipeline(packaged, len(labels.classes()))
    probed = rivals.probe(packaged, artifacts.texts(paths.POOL)[:300], answers[:300])
    rows = []
    for name, counts in SETS.items():
        many, few = (max(20, count // 10 if quick else count) for count in counts)
        rows += against_both(name or SST2.name, texts[name][:many], few, piped, probed, 1 if quick else 3)
    modelled(home / "small", prepare=source, embed={"model": str(base_shape(home / "encoder", packaged, SMALL))})
    return [*rows, of_memory(texts[None], *((500, 4_000) if quick else (100_000, 1_000_000)))]


def modelled(folder: Path, **changes: dict) -> None:
    """Go to a new project with a model in it."""
    prepared(folder, **changes, **ONE_STAGE)
    for stage in (embed, reduce, cluster, select_stage1):
        stage.main()
    buy_labels.main("stage1")
    train_stageN.main("stage1")
    calibrate.main()


def against_both(name: str, texts: list[str], few: int, piped: Callable, probed: Callable, pairs: int) -> list[Row]:
    artifacts.save_jsonl(Path("new.jsonl"), ({"text": text} for text in texts))
    some, words = texts[:few], sum(len(text.split()) for text in texts) / len(texts)

    def ours() -> None:
        predict.main("new.jsonl", "labelled.csv")

    about = f"predict, {name}, {words:.0f} words a text, against"
    return [
        against(f"{about} transformers' pipeline, batches of 32", ours, lambda: piped(some), len(texts), few, 5, pairs=pairs),
        against(f"{about} sentence-transformers' encode and scikit-learn", ours, lambda: probed(some), len(texts), few, 2,
                pairs=pairs),
    ]  # fmt: skip


def of_memory(pool: list[str], few: int, many: int) -> Row:
    """Peak memory of the command for many rows and for few; with short texts and a tiny encoder, to save time."""
    peaks = []
    for count in (few, many):
        texts = (" ".join(row["text"].split()[:6]) for row in varied(pool, count))
        artifacts.save_jsonl(Path("long.jsonl"), ({"number": number, "text": text} for number, text in enumerate(texts)))
        peaks.append(run_stage("predict", "long.jsonl", "labelled.jsonl").megabytes)
        print(f"  predict, {count:,} rows: {peaks[-1]:,.0f} MB", file=sys.stderr, flush=True)
    ratio = peaks[0] / peaks[1]
    return row(f"predict, memory for {many:,} rows against {few:,}", peaks[1], peaks[0], "MB", ratio, ratio, ratio, many, 0.95)
