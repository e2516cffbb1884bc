"""make predict, reading and writing counted, against what one would use instead; and its memory as the file grows."""

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import rivals
from benchmarks.growth import varied
from benchmarks.harness import Row, against, labelled_pool, prepared, row, run_stage
from stages import cluster, embed, label, model, reduce, select_stage1, train_stage1
from stages.commands import predict
from stages.core.base import artifacts
from stages.core.encoding import encoder
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


def run(quick: bool) -> list[Row]:
    home = Path(tempfile.mkdtemp(prefix="gleaner-bench-"))
    prepared(home / "texts")
    pool = artifacts.texts(artifacts.POOL)
    artifacts.save_jsonl(home / "source.jsonl", itertools.islice(labelled_pool(), 600))  # enough to choose a hundred of
    source = {"dataset": str(home / "source.jsonl"), "text_column": "text", "label_column": "label"}
    prepared(home / "model", prepare=source, **ONE_STAGE)
    for stage in (embed, reduce, cluster, select_stage1):
        stage.main()
    label.main("stage1")
    train_stage1.main()
    model.main()
    texts = [pool[i] for i in np.random.default_rng(0).permutation(len(pool))]
    many, few = (1_000, 200) if quick else (20_000, 2_000)
    many = min(many, len(texts))
    artifacts.save_jsonl(Path("new.jsonl"), ({"text": text} for text in texts[:many]))

    def ours() -> None:
        predict.main("new.jsonl", "labelled.csv")

    packaged, pairs = encoder.folder_of(encoder.PACKAGED), 1 if quick else 3
    piped = rivals.pipeline(packaged, len(labels.classes()))
    answers = labels.whole_pool("the rival is trained on some")
    probed = rivals.probe(packaged, artifacts.texts(artifacts.POOL)[:300], answers[:300])
    return [
        against("predict, against transformers' pipeline, batches of 32", ours, lambda: piped(texts[:few]), many, few, 5,
                pairs=pairs),
        against("predict, against sentence-transformers' encode and scikit-learn", ours, lambda: probed(texts[:few]), many, few, 2,
                pairs=pairs),
        of_memory(pool, *((500, 4_000) if quick else (100_000, 1_000_000))),
    ]  # fmt: skip


def of_memory(pool: list[str], few: int, many: int) -> Row:
    """Peak memory of the command for many rows and for few; of short texts, since what encoding takes is known."""
    peaks = []
    for count in (few, many):
        texts = (" ".join(row["text"].split()[:6]) for row in varied(pool, count))
        artifacts.save_jsonl(Path("long.jsonl"), ({"number": number, "text": text} for number, text in enumerate(texts)))
        peaks.append(run_stage("stages.commands.predict", "long.jsonl", "labelled.jsonl").megabytes)
        print(f"  predict, {count:,} rows: {peaks[-1]:,.0f} MB", file=sys.stderr, flush=True)
    ratio = peaks[0] / peaks[1]
    return row(f"predict, memory for {many:,} rows against {few:,}", peaks[1], peaks[0], "MB", ratio, ratio, ratio, many, 0.95)
