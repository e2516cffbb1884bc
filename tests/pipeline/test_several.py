"""Texts with several labels, from a file to the report, on a tiny corpus."""

import json

import numpy as np
import pytest

from tests.support.project import Project
from tests.support.tiny import WORDS

CLASSES = ["bad", "good", "music"]


def corpus(file, rows=160, seed=0):
    """jsonl of texts that are good, bad, both or neither, and about music or not; every label is a list."""
    rng, lines = np.random.default_rng(seed), []
    for number in range(rows):
        labels = [name for name, share in zip(CLASSES, (0.5, 0.4, 0.2)) if rng.random() < share]
        words = [*rng.choice(WORDS[8:12], size=3)]
        for name, some in (("bad", WORDS[4:8]), ("good", WORDS[:4]), ("music", ["music"])):
            words += [*rng.choice(some, size=2)] if name in labels else []
        lines.append(json.dumps({"text": " ".join([*words, str(number)]), "labels": labels}))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "project"
    project = Project.tiny(folder, train={"trainer": "self_training"}, arms=["badge"])
    corpus(folder / "corpus.jsonl")
    project.repro()
    return project


def test_it_runs(several):
    data = several.folder / "data"
    assert json.loads((data / "classes.json").read_text()) == {"several": CLASSES}
    answers = np.load(data / "answers.npy")
    assert (answers.dtype, answers.shape[1]) == (np.int8, 3)
