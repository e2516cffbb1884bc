"""Data sets in files, written and read in one line."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stages import prepare
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.sources import splits
from tests.support.project import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
USUAL = PARAMS["prepare"]
FRUIT = [("an apple", "good"), ("a pear", "good"), ("a stone", "bad"), ("a nail", "bad")]
ANY_TEXT = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")  # kinds of files that hold any text


def section(dataset, **changes) -> SimpleNamespace:
    """The section prepare of params.yaml with some values changed."""
    return SimpleNamespace(**{**USUAL, "dataset": str(dataset), **changes})


def put(file: Path, content: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def write(file: Path, columns: dict[str, list]) -> Path:
    """A file of one of the kinds ANY_TEXT with these columns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
    if file.suffix == ".parquet":
        pq.write_table(pa.table(columns), file)
    elif file.suffix in (".jsonl", ".ndjson"):
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif file.suffix == ".json":
        file.write_text(json.dumps(rows), encoding="utf-8")
    else:
        with file.open("w", encoding="utf-8", newline="") as lines:
            delimiter = "\t" if file.suffix == ".tsv" else ","
            csv.writer(lines, delimiter=delimiter).writerows([columns, *(row.values() for row in rows)])
    return file


def fruit(file: Path, text="text", label="label") -> Path:
    return write(file, dict(zip((text, label), map(list, zip(*FRUIT)))))


def of(*texts: str, label: str = "good") -> list[tuple[str, str]]:
    return [(text, label) for text in texts]


def columns(rows: list[tuple]) -> dict[str, list]:
    return {"text": [text for text, _ in rows], "label": [label for _, label in rows]}


def pairs(rows: list[dict]) -> list[tuple]:
    return [(row["text"], row["label"]) for row in rows]


def read(dataset, **changes) -> list[tuple]:
    """(text, label) of the pool's rows."""
    return pairs(splits.read(section(dataset, **changes))[0])


def counts(dataset, **changes) -> list[int]:
    """Rows of the pool, and of the holdout if there is one."""
    return [len(rows) for rows in splits.read(section(dataset, **changes)) if rows is not None]


def refusal(dataset, **changes) -> str:
    with pytest.raises(Refused) as refused:
        splits.read(section(dataset, **changes))
    return str(refused.value)


def run_prepare(folder: Path, monkeypatch, **changes) -> dict[str, list]:
    """Run the stage in `folder`: pool and holdout as (text, name of the label), and the classes."""
    declared = {"prepare": USUAL | changes, "labels": PARAMS["labels"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(declared))
    monkeypatch.chdir(folder)
    prepare.main()
    classes = artifacts.load_json(paths.CLASSES)
    sides = {"pool": (paths.POOL, paths.SOURCE_LABELS), "holdout": (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS)}
    made = {
        name: [(text, classes[number]) for text, number in zip(artifacts.texts(rows), np.load(labels), strict=True)]
        for name, (rows, labels) in sides.items()
    }
    return made | {"classes": classes}
