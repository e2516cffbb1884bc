"""Files as people have them: all rows, the right split and labels, or a refusal that says what to do."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stages.core.base.errors import Refused
from stages.core.encoding import content
from stages.core.rows import measures
from stages.core.settings import rules
from stages.core.sources import hub_sets, layout, splits
from tests.support.project import ROOT
from tests.support.sources import (
    ANY_TEXT,
    FRUIT,
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

# ---- which file is which


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.tsv", "test.csv"), ("train.json", "Test.csv"), ("train.CSV", "test.tsv"), ("train.csv.gz", "eval.csv"),
        ("Train.jsonl", "evaluation.json"), ("TRAINING.parquet", "testing.csv"), ("train.csv", "VAL.csv"),
    ],
)  # fmt: skip
def test_train_is_the_pool_and_the_hubs_names_are_the_holdout_whatever_suffix_and_capitals(tmp_path, train, test):
    for name, rows in ((train, FRUIT), (test, of("a plum", "a fig"))):
        kind = Path(name.lower().removesuffix(".gz")).suffix
        made = write(tmp_path / f"elsewhere/made{kind}", columns(rows)).read_bytes()
        put(tmp_path / "d" / name, gzip.compress(made) if name.endswith(".gz") else made)
    pool, holdout = splits.read(section(tmp_path / "d"))
    assert (pairs(pool), pairs(holdout)) == (FRUIT, of("a plum", "a fig"))


def test_unused_files_are_named_and_not_read(tmp_path, capsys):
    for name in ("train.csv", "test.csv", "valid.csv"):
        fruit(tmp_path / name)
    put(tmp_path / "notes.csv", b"\xff broken")
    splits.read(section(tmp_path))
    assert capsys.readouterr().out.splitlines() == [
        "prepare: pool from train.csv, columns text, label",
        "prepare: holdout from test.csv, columns text, label",
        "prepare: not used: valid, notes.csv",
    ]


def test_splits_may_be_words_of_longer_names_where_no_file_is_called_by_one(tmp_path):
    fruit(tmp_path / "imdb_train.csv")
    write(tmp_path / "imdb_test.csv", columns(of("a plum")))
    assert counts(tmp_path) == [4, 1]
    write(tmp_path / "train.csv", columns(of("a fig", "a date")))
    write(tmp_path / "dev.csv", columns(of("a plum", "a nut", "a pea")))
    assert counts(tmp_path) == [2, 3]


def test_files_and_folders_that_begin_with_a_dot_are_ignored(tmp_path):
    fruit(tmp_path / "data.csv")
    for name in ("._data.csv", "__MACOSX/data.csv", ".ipynb_checkpoints/train.csv", "dataset_infos.json"):
        put(tmp_path / name, b"\xff")
    assert read(tmp_path) == FRUIT


@pytest.mark.parametrize("folder", [".", "data"])
def test_shards_of_a_split_are_joined_in_order(tmp_path, folder):
    for split, rows in (("train", FRUIT), ("test", of("a plum", "a fig"))):
        for shard in range(2):
            half = rows[shard * len(rows) // 2 : (shard + 1) * len(rows) // 2]
            write(tmp_path / folder / f"{split}-0000{shard}-of-00002.parquet", columns(half))
    put(tmp_path / "README.md", "---\n---\n")
    pool, holdout = splits.read(section(tmp_path))
    assert (pairs(pool), pairs(holdout)) == (FRUIT, of("a plum", "a fig"))


def test_a_missing_shard_is_named(tmp_path):
    for shard in (0, 2):
        fruit(tmp_path / f"train-0000{shard}-of-00003.parquet")
    assert "2 of 3 shards are there: train-00000-of-00003.parquet, train-00002" in refusal(tmp_path)


def test_numbered_parts_are_one_table_and_numbered_versions_are_not(tmp_path):
    for number, row in enumerate(FRUIT):
        write(tmp_path / f"parts/part-{number:05}.csv", columns([row]))
        write(tmp_path / f"versions/reviews{number + 1}.csv", columns([row]))
    assert read(tmp_path / "parts") == FRUIT
    assert "must be train" in refusal(tmp_path / "versions")


def test_shards_of_other_columns_are_refused(tmp_path):
    fruit(tmp_path / "part-0.csv")
    fruit(tmp_path / "part-1.csv", label="stars")
    assert "part-1.csv has columns text, stars, part-0.csv has text, label" in refusal(tmp_path)


def test_a_folder_a_split(tmp_path):
    fruit(tmp_path / "train/a.csv")
    write(tmp_path / "test/b.jsonl", columns(of("a plum")))
    assert counts(tmp_path) == [4, 1]


def test_partitions_are_a_column(tmp_path):
    for label in ("good", "bad one", None):
        texts = [f"{label} {number}" for number in range(2)]
        name = {"bad one": "bad%20one", None: "__HIVE_DEFAULT_PARTITION__"}.get(label, label)
        write(tmp_path / f"label={name}/5f-0.parquet", {"text": texts})
    good = [(f"good {number}", "good") for number in range(2)]
    missing = [(f"None {number}", None) for number in range(2)]
    assert read(tmp_path) == [*missing, *((f"bad one {number}", "bad one") for number in range(2)), *good]


def test_a_folder_a_class(tmp_path):
    for split in ("train", "test"):
        for label in ("pos", "neg"):
            for number in range(2):
                put(tmp_path / f"{split}/{label}/{number}.txt", f"{split} {label} {number}\n")
    put(tmp_path / "README.txt", "about it")
    pool, holdout = splits.read(section(tmp_path))
    assert pairs(pool) == [(f"train {label} {number}\n", label) for label in ("neg", "pos") for number in range(2)]
    assert pairs(holdout) == [(f"test {label} {number}\n", label) for label in ("neg", "pos") for number in range(2)]
    assert read(tmp_path / "test") == pairs(holdout)


def test_folders_that_datasets_saved(tmp_path):
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])})
    train = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features)
    train.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": train, "test": train.select([0])}).save_to_disk(tmp_path / "two")
    assert read(tmp_path / "one") == [("a", "good"), ("b", "bad"), ("c", None)]
    pool, holdout = splits.read(section(tmp_path / "two"))
    assert (pairs(pool), pairs(holdout)) == ([("a", "good"), ("b", "bad"), ("c", None)], [("a", "good")])
    note = tmp_path / "two/dataset_dict.json"
    for name in ("../one", "..", "", str(tmp_path / "one")):
        note.write_text(json.dumps({"splits": ["train", name]}))
        assert f"dataset_dict.json names {name!r}, possible: what lies beside it" in refusal(tmp_path / "two")
    state = tmp_path / "two/test/state.json"
    note.write_text(json.dumps({"splits": ["train", "test"]}))
    state.write_text(state.read_text().replace("data-00000", "../../one/data-00000"))
    assert "state.json names '../../one/data-00000" in refusal(tmp_path / "two")


def test_the_recorded_content_is_that_of_the_files_that_are_read(tmp_path):
    for name in ("train-00000-of-00002.csv", "train-00001-of-00002.csv", "test.csv", "notes.csv"):
        fruit(tmp_path / "d" / name)
    put(tmp_path / "classes/pos/1.txt", "a"), put(tmp_path / "classes/neg/1.txt", "b")
    read_of = {
        name: [str(file.relative_to(tmp_path / name)) for file in layout.files_read(tmp_path / name)] for name in ("d", "classes")
    }
    assert read_of == {
        "d": ["test.csv", "train-00000-of-00002.csv", "train-00001-of-00002.csv"],
        "classes": ["neg/1.txt", "pos/1.txt"],
    }
    before = {name: content.of_dataset(str(tmp_path / name)) for name in read_of}
    put(tmp_path / "d/notes.csv", "other")
    assert content.of_dataset(str(tmp_path / "d")) == before["d"]
    (tmp_path / "classes/pos").rename(tmp_path / "classes/fine")
    assert content.of_dataset(str(tmp_path / "classes")) != before["classes"]
    put(tmp_path / "d/train-00001-of-00002.csv", "other")
    assert content.of_dataset(str(tmp_path / "d")) != before["d"]


# ---- a column of splits


SPLIT = {"text": list("abcde"), "label": ["x", "y", "x", "y", "x"], "split": ["train", "Train", "test", "dev", "training"]}


def test_a_column_split_is_taken_counted_and_printed(tmp_path, capsys):
    pool, holdout = splits.read(section(write(tmp_path / "f.csv", SPLIT)))
    assert (pairs(pool), pairs(holdout)) == ([("a", "x"), ("b", "y"), ("e", "x")], [("c", "x")])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "prepare: splits by column split: train 3 rows, test 1 rows, dev 1 rows"
    assert said[-1] == "prepare: not used: dev"


def test_the_column_of_splits_can_be_named_or_switched_off(tmp_path):
    file = write(tmp_path / "f.csv", {**{name: SPLIT[name] for name in ("text", "label")}, "part": SPLIT["split"]})
    assert counts(file, split_column="part") == [3, 1]
    assert splits.read(section(file))[1] is None
    assert splits.read(section(write(tmp_path / "g.csv", SPLIT), split_column="none"))[1] is None
    assert "prepare.split_column = prat: no such column" in refusal(file, split_column="prat")


def test_a_column_split_of_other_words_is_reported_or_if_named_refused(tmp_path, capsys):
    file = write(tmp_path / "f.csv", {**SPLIT, "split": ["a", "b", "train", "test", ""]})
    assert len(read(file)) == 5
    said = "in 3 rows it is none of train, test, testing, eval, evaluation, validation, valid, val, dev, but e.g. a, b, nothing"
    assert f"prepare: column split is not used for splits: {said}" in capsys.readouterr().out
    assert said in refusal(file, split_column="split")


def test_splits_can_be_named(tmp_path):
    for name, rows in (("train", FRUIT), ("dev", of("a plum")), ("test", of("a fig", "a date"))):
        write(tmp_path / f"{name}.csv", columns(rows))
    assert pairs(splits.read(section(tmp_path, splits=["train", "dev"]))[1]) == of("a plum")
    assert splits.read(section(tmp_path, splits=["train"]))[1] is None
    assert "prepare.splits names dve, which the source lacks; possible: dev, test, train; did you mean dev?" in refusal(
        tmp_path, splits=["train", "dve"]
    )


# ---- delimiters, quotes and blanks


@pytest.mark.parametrize(
    ("name", "text", "note"),
    [
        ("f.tsv", "text\tlabel\na, b\tx\nc\ty\n", ""),
        ("f.csv", "text\tlabel\na, b\tx\nc\ty\n", "cells end at tabs"),
        ("f.csv", "text;label\na, b;x\nc;y\n", "cells end at semicolons"),
        ("f.csv", 'text;label\n"a, b";"x"\n"c";"y"\n', "cells end at semicolons"),
        ("f.csv", "sep=;\r\ntext;label\r\na, b;x\r\nc;y\r\n", ""),
        ("f.csv", "text|label\na, b|x\nc|y\n", "cells end at bars"),
        ("f.csv", 'text,label\n"a, b",x\nc,y\n', ""),
    ],
)
def test_the_delimiter_is_found_and_printed(tmp_path, capsys, name, text, note):
    assert read(put(tmp_path / name, text)) == [("a, b", "x"), ("c", "y")]
    assert (
        capsys.readouterr().out.splitlines()[0].removeprefix(f"prepare: pool from {name}, columns text, label").strip("; ") == note
    )


def test_a_file_that_two_delimiters_fit_is_refused_until_one_is_named(tmp_path):
    file = put(tmp_path / "f.csv", "text,label;label,text\na,b;c,d\n")
    said = "commas give columns text, label;label, text; semicolons give columns text,label, label,text; write the right one"
    assert said in refusal(file)
    assert read(put(file, "sep=;\nnote,x;label;text\na,b;c;d\n")) == [("d", "c")]
    assert read(put(file, "id,text;label\n1;x\n2, b;y\n"), text_column="id,text") == [("1", "x"), ("2, b", "y")]


def test_quotes_between_tabs_belong_to_the_text_as_in_glue_or_enclose_cells_as_in_spreadsheets(tmp_path, capsys):
    assert read(put(tmp_path / "f.tsv", 'text\tlabel\n"good" film\t1\n5" disk\t0\n')) == [('"good" film', "1"), ('5" disk', "0")]
    assert "quotes are read as part of the text" in capsys.readouterr().out
    assert read(put(tmp_path / "f.tsv", 'text\tlabel\n"a ""b""\tc"\t1\n')) == [('a "b"\tc', "1")]
    assert read(put(tmp_path / "f.tsv", 'text\tlabel\n"all of it"\t1\n')) == [("all of it", "1")]
    assert "quotes around cells are removed, in 1 rows" in capsys.readouterr().out
    # Taken for quoting, the first would reach to the end of the third row.
    assert read(put(tmp_path / "f.tsv", 'text\tlabel\n"a\t1\nb\t0\nc"\t1\n')) == [('"a', "1"), ("b", "0"), ('c"', "1")]


def test_a_blank_before_a_quote_changes_no_class_and_no_text(tmp_path, capsys):
    assert read(put(tmp_path / "f.csv", 'text, label\na, "x"\nb, "y"\n')) == [("a", "x"), ("b", "y")]
    assert read(put(tmp_path / "f.csv", 'label, text\nx, "a, b"\ny, "c"\n')) == [("a, b", "x"), ("c", "y")]
    assert capsys.readouterr().out.count("blanks before quotes are ignored") == 2
    assert read(put(tmp_path / "f.csv", 'text,label\n" ""a"", b",x\n')) == [(' "a", b', "x")]
    assert "line 2: ',' expected after '\"'" in refusal(put(tmp_path / "f.csv", 'label, text\nx, "a" b\n'))


def test_csv_errors_name_the_line(tmp_path):
    assert "cannot be read as csv: line 3: ',' expected after '\"'" in refusal(
        put(tmp_path / "f.csv", 'text,label\na,0\n"a" b,0\n')
    )
    open_quote = put(tmp_path / "f.csv", 'text,label\na,0\n"b,0\nc,1\n')
    assert "line 4, in a row that begins at line 3: unexpected end of data" in refusal(open_quote)
    assert "line 4 has 3 cells, the header 2" in refusal(put(tmp_path / "f.csv", "sep=;\ntext;label\na;0\nb;c;1\n"))


def test_rows_that_repeat_the_header_are_left_out_and_counted(tmp_path, capsys):
    joined = ["text,label\n", "a,x\n", "text,label\n", "b,y\n", '"text",label\n', "text,x\n"]
    assert read(put(tmp_path / "f.csv", "".join(joined))) == [("a", "x"), ("b", "y"), ("text", "x")]
    assert "; 2 rows that repeat the first line are left out\n" in capsys.readouterr().out


NO_HEADER = "the first line looks like a row, not like names; put a line of names above it"


@pytest.mark.parametrize(
    "lines",
    [
        ["3,tyre,the tyre is flat", "1,bell,the bell is broken"],  # a number
        ["the tyre is flat,sport", "the bell is broken,news"],  # a sentence
        ["flat tyre,sport", "broken bell,news", "a game,sport"],  # a cell that occurs again
        ["the tyre is flat", "the bell is broken"],
    ],
)
def test_a_first_line_that_is_a_row_is_called_one_and_its_cells_are_not_offered_as_names(tmp_path, lines):
    file = put(tmp_path / "f.csv", "\n".join(lines) + "\n")
    for setting in ({}, {"text_column": "review"}):
        said = refusal(file, **setting)
        assert NO_HEADER in said
        assert "tyre" not in said


def test_questions_and_words_are_names_of_columns(tmp_path):
    file = put(tmp_path / "f.csv", "Time,How did you like the film?,Stars\n9:00,it was fine,4\n9:05,it was dull,1\n")
    assert "name one of Time, How did you like the film?, Stars" in refusal(file)
    named = {"text_column": "How did you like the film?", "label_column": "Stars"}
    assert read(file, **named) == [("it was fine", "4"), ("it was dull", "1")]


def test_names_that_pandas_gives_are_names(tmp_path):
    file = put(tmp_path / "f.csv", ",0,1\n0,it was fine,4\n1,it was dull,1\n")
    assert "name one of , 0, 1" in refusal(file)
    assert read(file, text_column=0, label_column=1) == [("it was fine", "4"), ("it was dull", "1")]


def test_columns_without_a_name_stand_beside_the_others(tmp_path):
    assert read(put(tmp_path / "f.csv", ",text,label,\n1,a,x,p\n2,b,y,q\n")) == [("a", "x"), ("b", "y")]
    assert read(put(tmp_path / "f.csv", ",,text\n1,x,a\n2,y,b\n"), label_column="column 2") == [("a", "x"), ("b", "y")]


def test_names_of_columns_with_blanks_around_them_or_that_yaml_reads_as_numbers(tmp_path):
    file = write(
        tmp_path / "f.csv", {" text ": ["a", "b"], "label ": ["x", "y"], "0": ["p", "q"], "on": ["r", "s"], "1.5": ["t", "u"]}
    )
    assert read(file) == [("a", "x"), ("b", "y")]
    for name, labels in ((" label", "xy"), (0, "pq"), (True, "rs"), (1.5, "tu"), ("0", "pq")):
        assert [label for _, label in read(file, label_column=name)] == list(labels)
    assert "prepare.label_column = 1: no such column" in refusal(file, label_column=1)


# ---- kinds and packing


PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


@pytest.mark.parametrize(("suffix", "packed"), [*((suffix, ".gz") for suffix in ANY_TEXT), *((".csv", packed) for packed in PACK)])
def test_every_kind_of_file_may_be_packed_and_is_refused_where_it_was_cut_short(tmp_path, suffix, packed):
    whole = PACK[packed](write(tmp_path / f"f{suffix}", columns(FRUIT * 50)).read_bytes())
    assert read(put(tmp_path / f"F{suffix.upper()}{packed}", whole)) == FRUIT * 50
    assert "cannot be read as" in refusal(put(tmp_path / f"F{suffix}{packed}", whole[:-9]))


def test_json_is_an_array_or_lines(tmp_path):
    rows = [{"text": text, "label": label} for text, label in FRUIT]
    assert read(put(tmp_path / "f.json", json.dumps(rows, indent=1))) == FRUIT
    assert read(put(tmp_path / "f.json", "\n".join(map(json.dumps, rows)))) == FRUIT
    assert "element 2 of the array is no object" in refusal(put(tmp_path / "f.json", '[{"text": "a", "label": 0}, 3]'))
    remedy = "; each line must hold a whole object, as `jq -c .` writes it, or the file one array of them"
    for several in ({"data": rows}, rows[0]):
        for name in ("f.json", "f.jsonl"):
            said = refusal(put(tmp_path / name, "\n".join([json.dumps(several, indent=1)] * 2)))
            assert "line 1: " in said
            assert said.endswith(remedy)


@pytest.mark.parametrize(("name", "content"), [("f.csv", ""), ("f.tsv", "\n\n"), ("f.jsonl", ""), ("f.json", "[]")])
def test_an_empty_file_is_called_empty(tmp_path, name, content):
    assert "is empty" in refusal(put(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "f.csv",
            b"PK\x03\x04 a book",
            "cannot be read as csv: it is a workbook (.xlsx, .ods, .xls) or a zip, not text; save it as csv",
        ),
        ("f.csv", b"\xd0\xcf\x11\xe0\xa1", "it is a workbook (.xlsx, .ods, .xls) or a zip"),
        ("f.jsonl", b"PK\x03\x04", "it is a workbook (.xlsx, .ods, .xls) or a zip"),
        ("f.ods", b"PK\x03\x04", "no reader for it; possible: .csv"),
        ("f.xls", b"\xd0\xcf\x11\xe0", "save a table as csv or xlsx"),
    ],
)
def test_a_workbook_under_another_name_is_refused_without_talk_of_encodings(tmp_path, name, content, message):
    said = refusal(put(tmp_path / name, content))
    assert message in said
    assert "UTF-8" not in said


def test_fasttexts_lines(tmp_path):
    lines = "__label__good an apple\n__label__good a pear\r\n\n__label__bad\ta stone \n__label__bad a nail\n"
    assert read(put(tmp_path / "f.txt", lines)) == FRUIT
    assert read(put(tmp_path / "d/train.txt", lines)) == FRUIT
    put(tmp_path / "ft/train.ft.txt.bz2", bz2.compress(lines.encode()))
    put(tmp_path / "ft/test.ft.txt.bz2", bz2.compress(b"__label__good a plum\n"))
    assert counts(tmp_path / "ft") == [4, 1]
    assert "line 2 does not begin with __label__" in refusal(put(tmp_path / "f.txt", "__label__x a\nb\n"))
    assert "row 1, column label: 2 labels (x, y)" in refusal(put(tmp_path / "f.txt", "__label__x __label__y a\n"))


def test_a_workbook_of_one_sheet(tmp_path, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["text", "label", None], ["a", 1.0], [None, None], ["b", 0, None], ["c", None], [3, True]):
        book.active.append(row)
    book.create_sheet("empty")
    book.save(tmp_path / "f.xlsx")
    assert read(tmp_path / "f.xlsx") == [("a", "1"), ("b", "0"), ("c", None), ("3", "True")]
    book.active.append(["text", "label", None])  # pasted from another sheet
    book.save(tmp_path / "f.xlsx")
    assert len(read(tmp_path / "f.xlsx")) == 4
    book.active.delete_rows(book.active.max_row)
    book.save(tmp_path / "f.xlsx")
    book["empty"].append(["x"])
    book.save(tmp_path / "two.xlsx")
    assert "2 sheets have content (Sheet, empty)" in refusal(tmp_path / "two.xlsx")
    book.active.append(["d", 1, "beyond"])
    del book["empty"]
    book.save(tmp_path / "wide.xlsx")
    assert "row 5 has a cell beyond the 2 columns of the header" in refusal(tmp_path / "wide.xlsx")
    assert "not a workbook" in refusal(put(tmp_path / "no.xlsx", "text,label\n"))
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    assert "openpyxl is not installed; pip install -r requirements-excel.txt" in refusal(tmp_path / "f.xlsx")


# ---- encodings


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".txt"])
def test_a_byte_order_mark_gives_the_encoding(tmp_path, suffix, encoding):
    text = {
        ".csv": "text,label\nçà,x\n",
        ".jsonl": '{"text": "çà", "label": "x"}\n',
        ".json": '[{"text": "çà", "label": "x"}]',
        ".txt": "__label__x çà\n",
    }[suffix]
    assert read(put(tmp_path / f"f{suffix}", text.encode(encoding))) == [("çà", "x")]


def test_without_a_mark_the_setting_gives_the_encoding(tmp_path):
    file = put(tmp_path / "f.csv", "text,label\n“so” — 5 €,x\n".encode("cp1252"))
    assert read(file, encoding="cp1252") == [("“so” — 5 €", "x")]
    said = refusal(file)
    assert "line 2, byte 12 of the file, 0x93, is not utf-8; it is likely cp1252" in said
    assert "save it as UTF-8 or name its encoding in prepare.encoding" in said
    for encoding in ("utf-16-le", "utf-16-be"):
        file = put(tmp_path / "f.csv", "text,label\nça,x\n".encode(encoding))
        assert f"it is likely {encoding}" in refusal(file)
        assert read(file, encoding=encoding) == [("ça", "x")]
    damaged = put(tmp_path / "f.csv", b"text,label\n" + "éàüöß,x\n".encode() * 20 + b"\xff,x\n")
    assert "line 22, byte 272 of the file, 0xff, is not utf-8; most of it is utf-8, so it is likely damaged" in refusal(damaged)


# ---- labels


def class_labels(file: Path, rows: dict, names: list[str], many: bool = False) -> Path:
    import datasets

    label = datasets.ClassLabel(names=names)
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.Sequence(label) if many else label})
    datasets.Dataset.from_dict(rows, features).to_parquet(file)
    return file


def test_class_labels_in_parquet_have_their_names_and_minus_1_is_missing(tmp_path):
    file = class_labels(tmp_path / "f.parquet", {"text": list("abc"), "label": [-1, 1, 0]}, ["neg", "pos"])
    assert pq.read_table(file)["label"].to_pylist() == [-1, 1, 0]
    assert read(file) == [("a", None), ("b", "pos"), ("c", "neg")]
    many = class_labels(tmp_path / "g.parquet", {"text": list("abc"), "label": [[1], [0], []]}, ["neg", "pos"], many=True)
    assert read(many) == [("a", "pos"), ("b", "neg"), ("c", None)]


def test_notes_on_class_labels_that_cannot_be_read_are_refused(tmp_path):
    file = class_labels(tmp_path / "f.parquet", {"text": ["a"], "label": [0]}, ["neg", "pos"])
    table = pq.read_table(file).replace_schema_metadata({"huggingface": '{"info": {"features": {"label": {"_type": "Later"}}}}'})
    pq.write_table(table, file)
    assert "cannot be read as parquet: its notes on class labels cannot be read" in refusal(file)


def test_a_list_of_one_label_is_that_label_and_of_several_is_refused(tmp_path):
    assert read(write(tmp_path / "f.jsonl", {"text": ["a", "b", "c"], "label": [["x"], [1], []]})) == [
        ("a", "x"),
        ("b", "1"),
        ("c", None),
    ]
    said = refusal(write(tmp_path / "f.jsonl", {"text": ["a", "b"], "label": [["x"], ["x", "y"]]}))
    assert "row 2, column label: 2 labels (x, y); set labels.kind to multi where texts have several labels, " in said


def test_rows_without_a_label_are_left_out_of_the_pool_counted_and_printed(tmp_path, monkeypatch, capsys):
    fruit(tmp_path / "d/test.csv")
    write(tmp_path / "d/train.jsonl", {"text": ["a", "b", "c", "d"], "label": ["good", None, " ", "bad"]})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["pool"] == [("a", "good"), ("d", "bad")]
    assert json.loads(Path("data/prepare.json").read_text())["pool_unlabelled"] == 2
    assert "prepare: pool: 4 rows read, good: 1, bad: 1; dropped 0 empty, 2 unlabelled ('b'), 0 dup" in capsys.readouterr().out


def test_minus_1_that_the_holdout_lacks_is_reported_and_missing_on_request(tmp_path, monkeypatch, capsys):
    write(tmp_path / "d/train.csv", {"text": list("abcd"), "label": ["-1", "1", "0", "-1"]})
    write(tmp_path / "d/test.csv", {"text": list("xy"), "label": ["1", "0"]})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["classes"] == ["-1", "0", "1"]
    hint = "label -1 is a class, although the others count from 0; if it means a missing label, add it to prepare.missing_labels"
    assert hint in capsys.readouterr().out
    for asked in (-1, "-1"):
        made = run_prepare(tmp_path, monkeypatch, dataset="d", missing_labels=[asked])
        assert (made["pool"], made["classes"]) == ([("b", "1"), ("c", "0")], ["0", "1"])
        assert "2 unlabelled ('a')" in capsys.readouterr().out
    write(tmp_path / "d/test.csv", {"text": list("xyz"), "label": ["1", "0", "-1"]})
    run_prepare(tmp_path, monkeypatch, dataset="d")
    assert "-1 is a class" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("train", "test", "classes"),
    [
        (["0.0", "1.0"], ["0", "1"], ["0", "1"]),
        (["False", "True"], ["false", "true"], ["False", "True"]),
        (["0.0", "1.0"], ["0.0", "1.0"], ["0.0", "1.0"]),  # one spelling stays as it is
        (["true", "false"], ["true", "false"], ["false", "true"]),
        (["1.0", "a"], ["1.0", "a"], ["1.0", "a"]),
        (["1.1", "1.10"], ["1.1", "1.10"], ["1.1", "1.10"]),
        (["007", "7"], ["7", "007"], ["007", "7"]),
    ],
)
def test_numbers_and_bools_in_two_spellings_are_one_class(tmp_path, monkeypatch, train, test, classes):
    write(tmp_path / "d/train.csv", {"text": list("abcd"), "label": train * 2})
    write(tmp_path / "d/test.csv", {"text": list("xy"), "label": test})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["classes"] == classes


def test_labels_that_look_the_same_are_one_class_and_others_are_told_of(tmp_path, monkeypatch, capsys):
    labels = ["d\u00e9g\u00e2t", "de\u0301ga\u0302t", "d\u00e9g\u00e2t\u200b", "re\u0301el", "\u200b", "facture"]
    write(tmp_path / "d/train.csv", {"text": list("abcdef"), "label": labels})
    write(tmp_path / "d/test.csv", {"text": ["x"], "label": ["\ufeffd\u00e9g\u00e2t"]})
    made = run_prepare(tmp_path, monkeypatch, dataset="d")
    assert made["classes"] == ["d\u00e9g\u00e2t", "facture", "re\u0301el"]  # one spelling stays as it is
    assert [label for _, label in made["pool"]] == ["d\u00e9g\u00e2t"] * 3 + ["re\u0301el", "facture"]
    said = capsys.readouterr().out
    assert "labels in two spellings are one class: 'de\\u0301ga\\u0302t' is d\u00e9g\u00e2t, " in said
    write(tmp_path / "d/train.csv", {"text": list("abcd"), "label": ["\uff50os", "pos", "0", "0\u00ad"]})
    write(tmp_path / "d/test.csv", {"text": ["x"], "label": ["0"]})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["classes"] == ["0", "pos", "\uff50os"]
    assert "labels pos, \uff50os are 2 classes; if they mean one, spell them alike" in capsys.readouterr().out


def test_equal_texts_with_one_label_in_two_spellings_are_duplicates(tmp_path, monkeypatch):
    write(tmp_path / "d/train.csv", {"text": ["a", "a", "b"], "label": ["0", "0.0", "1"]})
    write(tmp_path / "d/test.csv", {"text": ["x"], "label": ["1"]})
    assert run_prepare(tmp_path, monkeypatch, dataset="d")["pool"] == [("a", "0"), ("b", "1")]


def test_labels_that_look_like_slips_are_reported_and_stay_classes(tmp_path, monkeypatch, capsys):
    labels = ["Pos", "pos", "POS", "neg", "NULL", "N/A"]
    write(tmp_path / "d/train.csv", {"text": list("abcdef"), "label": labels})
    write(tmp_path / "d/test.csv", {"text": ["x"], "label": ["neg"]})
    assert set(run_prepare(tmp_path, monkeypatch, dataset="d")["classes"]) == set(labels)
    said = capsys.readouterr().out
    assert "prepare: labels POS, Pos, pos are 3 classes; if they mean one, spell them alike in the source\n" in said
    for label in ("NULL", "N/A"):
        assert f"prepare: label {label} is a class; if it means a missing label, add it to prepare.missing_labels\n" in said
    made = run_prepare(tmp_path, monkeypatch, dataset="d", missing_labels=["N/A", "NULL"])
    assert made["classes"] == ["POS", "Pos", "neg", "pos"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["joy", "fear", "joy,fear", "love"], "label joy,fear looks"),
        (["joy", "fear", "fear; joy", "joy;fear"], "2 labels, such as fear; joy, look"),
        (["joy|fear", "fear|love", "love|joy"], "3 labels, such as fear|love, look"),  # none stands alone
        (["['joy', 'fear']", "['joy']", "love"], "label ['joy', 'fear'] looks"),
        (['["joy", "fear"]', "joy", "fear"], 'label ["joy", "fear"] looks'),
        (["2,27", "2", "27", "3"], "label 2,27 looks"),
        (["[0, 1, 1]", "[1, 0, 0]"], "2 labels, such as [0, 1, 1], look"),
    ],
)
def test_cells_that_look_like_several_labels_are_reported_and_stay_classes(tmp_path, monkeypatch, capsys, labels, said):
    write(tmp_path / "d/train.csv", {"text": [f"text {number}" for number in range(len(labels))], "label": labels})
    write(tmp_path / "d/test.csv", {"text": ["another"], "label": [labels[0]]})
    assert set(run_prepare(tmp_path, monkeypatch, dataset="d")["classes"]) == set(labels)
    told = [line for line in capsys.readouterr().out.splitlines() if "several labels of one text" in line]
    assert told == [
        f"prepare: {said} like several labels of one text; each cell counts as one class: set labels.kind "
        "to multi where texts have several labels, else keep the main one, or join them into one name"
    ]


def test_names_with_commas_are_one_label(tmp_path, monkeypatch, capsys):
    labels = ["Berlin, Germany", "Bonn, Germany", "news|sport", "yes;", "a,a", "[draft]", "[a] b, c"]
    write(tmp_path / "d/train.csv", {"text": [f"text {number}" for number in range(len(labels))], "label": labels})
    write(tmp_path / "d/test.csv", {"text": ["another"], "label": [labels[0]]})
    run_prepare(tmp_path, monkeypatch, dataset="d")
    assert "several labels" not in capsys.readouterr().out


def test_a_class_that_only_the_holdout_has_is_reported_and_counts_in_the_measures(tmp_path, monkeypatch, capsys):
    write(tmp_path / "d/train.csv", columns(FRUIT))
    write(tmp_path / "d/test.csv", columns([("a plum", "good"), ("a bolt", "bad"), ("a fog", "strange")]))
    made = run_prepare(tmp_path, monkeypatch, dataset="d")
    assert made["classes"] == ["bad", "good", "strange"]
    assert made["holdout"][-1] == ("a fog", "strange")
    said = "prepare: the holdout has classes that the pool lacks: strange; no model can learn them, so 1 of its 3 rows count as "
    assert said in capsys.readouterr().out
    bad, good = 0, 1
    perfect_else = np.eye(3, dtype=np.float32)[[good, bad, good]]
    assert measures.macro_f1(perfect_else, np.load("data/source_holdout_labels.npy")) == pytest.approx((1 + 2 / 3 + 0) / 3)


@pytest.mark.slow
def test_a_class_that_only_the_holdout_has_reaches_the_report(in_process):
    rows = [json.loads(line) for line in Path("corpus.jsonl").read_text().splitlines()]
    put(Path("d/train.jsonl"), "".join(json.dumps(row) + "\n" for row in rows[:90]))
    odd = [{**row, "label": "odd"} for row in rows[90:95]]
    put(Path("d/test.jsonl"), "".join(json.dumps(row) + "\n" for row in [*odd, *rows[95:]]))
    in_process.change({"prepare": {"dataset": "d"}, "rounds": {}, "stages": ["stage1"], "random_at": ["stage1"], "arms": []})
    for stage in ("prepare", "collect_answers", "embed", "name_classes", "map", "reduce", "cluster", "select_stage1"):
        in_process.call(stage)
    for stage in ("buy_labels stage1", "train_stageN stage1", "train_random stage1", "train_full", "calibrate", "report"):
        in_process.call(*stage.split())
    measured = json.loads(Path("metrics/summary.json").read_text())
    assert measured["false_negatives_odd"] == 5
    assert measured["false_positives_odd"] == 0
    assert json.loads(Path("metrics/full/pool.json").read_text())["accuracy"] <= 25 / 30


def test_rare_classes_stay_in_the_pool_if_asked_for(tmp_path, monkeypatch, capsys):
    texts = [f"text {number}" for number in range(8)]  # of which 1, 2, 3, 5 go to the holdout at a share of 0.3
    write(tmp_path / "f.csv", {"text": texts, "label": ["a", "rare", "a", "b", "a", "b", "a", "b"]})
    asked = {"dataset": "f.csv", "holdout_share": 0.3, "holdout_seed": 0}
    assert ("text 1", "rare") in run_prepare(tmp_path, monkeypatch, **asked)["holdout"]
    made = run_prepare(tmp_path, monkeypatch, **asked, rare_below=2)
    assert made["holdout"] == [("text 2", "a"), ("text 3", "b"), ("text 5", "b")]
    assert ("text 1", "rare") in made["pool"]
    assert "prepare: classes with fewer than 2 rows stay in the pool: rare\n" in capsys.readouterr().out


# ---- what prepare prints


def test_prepare_prints_files_columns_classes_and_an_example_of_each_kind_dropped(tmp_path, monkeypatch, capsys):
    train = [
        ("A fig", "good"),
        ("a fig", "good"),
        ("so so", "good"),
        ("so so", "bad"),
        ("a nut", "bad"),
        (" ", "bad"),
        ("a bolt", "bad"),
    ]
    write(tmp_path / "d/train.tsv", {"Review": [text for text, _ in train], "label": [label for _, label in train]})
    write(tmp_path / "d/Test.csv", {"text": ["a nut"], "label": ["bad"]})
    run_prepare(tmp_path, monkeypatch, dataset="d", empty_texts="drop")
    assert capsys.readouterr().out.splitlines() == [
        "prepare: pool from train.tsv, columns Review (text), label",
        "prepare: holdout from test (Test.csv), columns text, label",
        "prepare: pool: 7 rows read, bad: 4, good: 3; dropped 1 empty (' ', bad), 0 unlabelled, 1 duplicates ('a fig', good), "
        "2 with two labels ('so so', good)",
        "prepare: holdout: 1 rows read, bad: 1; dropped 0 empty, 0 unlabelled, 0 duplicates, 0 with two labels",
        "prepare: 1 texts of the holdout dropped from the pool ('a nut', bad), and 0 other rows of its groups",
        "prepare: 2 rows in the pool, 1 in the holdout; pool good: 1, bad: 1; holdout bad: 1",
        "prepare: each text has one label",
    ]


def test_a_refusal_in_the_copy_of_an_experiment_mentions_files_that_git_ignores(tmp_path, monkeypatch):
    folder = tmp_path / ".dvc/tmp/exps/tmp1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    said = refusal("data/my.csv")
    assert f"no such file or folder; looked for it in {folder}/data, a copy of the project for one experiment" in said
    monkeypatch.setattr(hub_sets, "_load", lambda *_, **__: {}[0])  # a hub that fails
    assert f"(none in {folder} has this name, a copy of the project for one experiment" in refusal("data/my")


# ---- settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoding": "utf-9"}, "prepare.encoding = 'utf-9': is no encoding that Python knows; possible: auto, utf-8"),
        ({"encoding": "base64"}, "is no encoding that Python knows"),
        ({"splits": ["train", "train"]}, "must not repeat a value"),
        ({"splits": []}, "prepare.splits"),
        ({"label_column": ""}, "prepare.label_column = '': must be a name, or auto"),
        ({"label_column": [1]}, "prepare.label_column = [1]: must be a name, or auto"),
        ({"split_column": float("nan")}, "prepare.split_column = nan: must be a name, or auto"),
        ({"rare_below": -1}, "prepare.rare_below = -1"),
        ({"missing_labels": -1}, "prepare.missing_labels = -1"),
    ],
)
def test_an_impossible_setting_is_refused(changes, message):
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    with pytest.raises(Refused) as refused:
        rules.checked(loaded | {"prepare": loaded["prepare"] | changes})
    assert message in str(refused.value)


def test_the_settings_of_files_are_accepted():
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    changes = {
        "config": "emotion", "encoding": "utf-16", "splits": ["train", "dev"], "split_column": "none", "rare_below": 5,
        "text_column": 0, "label_column": True, "group_column": 1.5, "missing_labels": [-1, "NULL"],
    }  # fmt: skip
    assert rules.checked(loaded | {"prepare": loaded["prepare"] | changes}).prepare.model_dump() == loaded["prepare"] | changes


# ---- hub


def test_a_config_is_refused_if_the_source_has_none(tmp_path):
    said = "prepare.config = emotion: only hub data sets, and folders whose README.md defines configs, have configs; set it to none"
    assert said in refusal(fruit(tmp_path / "f.csv"), config="emotion")
    assert said in refusal(tmp_path, config="emotion")
    assert "prepare.config = emotion: bbc_news has no configs; set it to none" in refusal("bbc_news", config="emotion")
