"""params.yaml as stages read it: numbers as DVC writes them, frozen sections, and the section that no stage declares."""

from pathlib import Path

import pytest
import yaml

from stages.core.base import params
from stages.core.base.errors import Refused

TEXT = """
seeds: [0, 1]
embed: {model: tiny}
train: {epochs: 3, early_stopping: {patience: 2, inner: {deepest: 1}}}
rounds: {stage2: {after: stage1, m: 10}}
machine: {batch_tokens: 64, ray_cores: 2}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params.PATH.write_text(TEXT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 0.00001), ("1E5", 100000.0), ("-2e3", -2000.0), ("+2e3", 2000.0), ("5.0e-5", 0.00005), ("1.e2", 100.0),
        ("12", 12), ("-7", -7), ("100_000", 100000), ("0.5", 0.5), ("true", True),
        ("e5", "e5"), ("1e", "1e"), ("1e-", "1e-"), ("1e5x", "1e5x"), ("x1e5", "x1e5"), ("1e5 rows", "1e5 rows"),
        ("'1e-05'", "1e-05"), ("stage1", "stage1"),
    ],
)  # fmt: skip
def test_an_exponent_makes_a_number_and_words_stay_words(text, value):
    params.PATH.write_text(f"value: {text}\nvalues: [{text}]\n")
    loaded = params.load()
    assert loaded == {"value": value, "values": [value]}
    assert type(loaded["value"]) is type(value)


def test_no_tag_makes_an_object():
    params.PATH.write_text("value: !!python/object/apply:os.getcwd []")
    with pytest.raises(Refused, match=r"params\.yaml cannot be read as YAML"):
        params.load()


def frozen(section, name):
    with pytest.raises(AttributeError, match=f"params are frozen: {name} cannot be set"):
        setattr(section, name, 9)


def test_no_section_can_be_changed_however_deep():
    read = params.read("train", "seeds", "rounds")
    frozen(read, "seeds")
    frozen(read, "new")
    frozen(read.train, "epochs")
    frozen(read.train.early_stopping, "patience")
    frozen(read.train.early_stopping.inner, "deepest")
    frozen(read.rounds["stage2"], "m")
    assert (read.train.epochs, read.train.early_stopping.patience, read.train.early_stopping.inner.deepest) == (3, 2, 1)


def test_a_changed_section_is_a_frozen_copy():
    train = params.read("train").train
    changed = train.changed(epochs=9, early_stopping={"patience": 5})
    assert (changed.epochs, changed.early_stopping.patience) == (9, 5)
    assert (train.epochs, train.early_stopping.patience) == (3, 2)
    frozen(changed, "epochs")
    frozen(changed.early_stopping, "patience")


def test_any_stage_may_read_the_section_machine_and_none_declares_it():
    assert not hasattr(params.read("embed"), "machine")
    assert (params.machine().batch_tokens, params.machine().ray_cores) == (64, 2)
    frozen(params.machine(), "batch_tokens")
    stages = yaml.safe_load((Path(__file__).parent.parent.parent / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    declared = [name for stage in stages.values() for name in stage.get("do", stage).get("params", [])]
    assert "embed" in declared
    assert [name for name in declared if name.split(".")[0] == "machine"] == []


def test_a_missing_section_machine_is_named():
    params.PATH.write_text("seeds: [0]")
    with pytest.raises(Refused, match=r"params\.yaml: machine is missing; possible: seeds"):
        params.machine()
