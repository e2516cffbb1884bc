"""make add: texts that came later, at the end of the data set, which keeps its answers, holdout and rounds; make drift."""

import csv
import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.commands import add, drift
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.new_texts import reading
from stages.core.people import appending
from stages.core.people.records import asked, journal
from stages.core.sources import files
from tests.support.people import PEOPLE
from tests.support.processes import Hold
from tests.support.project import ROOT, InProcess

NEW = ["a good film", 'the "end", he said;\tfine', "two\nlines", "two\r\nmore", "ünïcode | bar", " '=1+1", "sep=;"]


def texts_of(file: Path, encoding: str = "auto", column: str = "text") -> list[str]:
    return list(files.read_file(file, encoding).values(column))


@pytest.mark.parametrize(
    ("name", "encoding", "before"),
    [
        ("plain.csv", "auto", "text,label\none,pos\ntwo,\n"),
        ("unended.csv", "auto", "text,label\none,pos\ntwo,"),
        ("header.csv", "auto", "id,text"),
        ("single.csv", "auto", "text\none, two\nthree\n".replace(",", "")),
        ("excel.csv", "auto", '\ufeffid;text;label\r\n1;"one; two";pos\r\n2;two;\r\n'),
        ("declared.csv", "auto", "sep=|\r\ntext|label\r\none|pos\r\n"),
        ("windows.csv", "cp1252", "text,label\r\nTür,pos"),
        ("spaced.csv", "auto", 'text, label\n"one, two", "pos"\n'),
        ("repeated.csv", "auto", "text,,,label\none,a,b,pos\n"),
        ("quoted.tsv", "auto", 'label\ttext\npos\t"one ""two"""\n'),
        ("unquoted.tsv", "auto", 'label\ttext\npos\t"one" and "two\nneg\tthree'),
        ("lines.jsonl", "auto", '{"text": "one", "label": 1}\n\n{"label": "pos", "text": "two"}'),
        ("marked.ndjson", "auto", '\ufeff{"text": "one"}\r\n'),
        ("windows.jsonl", "cp1252", '{"text": "Tür"}\n'),
        ("lines.json", "auto", '{"text": "one"}\n'),
    ],
)
def test_rows_go_to_the_end_of_every_kind_of_file_in_its_own_way(tmp_path, name, encoding, before):
    file = tmp_path / name
    file.write_bytes(before.encode("utf-8" if encoding == "auto" else encoding))
    old, data = texts_of(file, encoding), file.read_bytes()
    file.chmod(0o600)
    rows = [{"text": text, "label": "neg" if place else None} for place, text in enumerate(NEW)]
    appending.replace(file, appending.grown(file, encoding, rows))
    assert file.read_bytes().startswith(data)
    assert file.stat().st_mode & 0o777 == 0o600
    wanted = [text.lstrip(" ") if name.startswith("spaced") else text for text in NEW]
    found = texts_of(file, encoding)
    if name.startswith("unquoted"):  # which has no way to write a line end: the key is the same
        assert list(map(keys.key, found)) == list(map(keys.key, [*old, *wanted]))
    else:
        assert found == [*old, *wanted]
    if "label" in before.splitlines()[0]:
        assert texts_of(file, encoding, "label")[-len(NEW) :] == [None if "json" in name else "", *["neg"] * (len(NEW) - 1)]
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    assert file.read_bytes().endswith(newline)
    assert (newline == b"\r\n") == (b"\r\n" in file.read_bytes().replace(b"two\r\nmore", b""))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("windows.csv", "text\nTür\n".encode("cp1252"), "charmap.* codec can't encode"),
        ("wide.tsv", "text\tlabel\none\tpos\n".encode("utf-16"), "would not read back"),
        ("array.json", b'[{"text": "one"}]', "line 1 is no object"),
        ("broken.csv", b"text,label\none\n", "line 2 has 1 cells, the header 2"),
    ],
)
def test_a_file_to_which_nothing_can_be_appended_is_refused(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=rf"{name}: the texts cannot be appended, .*{message}.*; texts can be appended to csv, tsv"):
        appending.grown(tmp_path / name, "cp1252" if "windows" in name else "auto", [{"text": "Жук"}])


def write_table(file: str, rows: list[tuple], delimiter: str = ",", encoding: str = "utf-8") -> None:
    with open(file, "w", newline="", encoding=encoding) as out:
        csv.writer(out, delimiter=delimiter).writerows(rows)


def contents(folder: str = "labels") -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in Path(folder).rglob("*.csv")}


@pytest.mark.slow
def test_answers_holdout_and_rounds_stay_only_new_texts_are_encoded_and_the_next_round_asks_among_all(first, capsys):
    for name in ("holdout", "stage1"):
        first.answer_all(name)
    first.repro()
    assert "new texts" not in first.summary()
    held, pool = Path(paths.HOLDOUT).read_bytes(), artifacts.texts(paths.POOL)
    stage1, before, corpus = np.load("data/asked/stage1.npy"), contents(), Path("corpus.jsonl").read_bytes()
    bought = np.load("data/stage1/labels.npy")
    new = [f"sütten {number} music" for number in range(25)]
    rows = [("Title", " TEXT ", "label"), *(("t", text, "") for text in [*new, new[3].upper(), "  ", pool[4].upper(), pool[0]])]
    write_table("neü.csv", rows, ";", "cp1252")
    first.change({"prepare": {"encoding": "cp1252"}})  # which the data set has too: its letters are ASCII
    capsys.readouterr()
    add.main("neü.csv")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "neü.csv: 29 rows, texts in column  TEXT : 25 new, 2 already there, 1 repeated, 1 without a text"
    assert re.fullmatch(r".*corpus.jsonl: 25 texts added, columns text", lines[1])
    grown = Path("corpus.jsonl").read_bytes()
    assert grown.startswith(corpus)
    assert [json.loads(line) for line in grown[len(corpus) :].splitlines()] == [{"text": text} for text in new]
    after = contents()
    assert {file: after[file] for file in before} == before
    [added] = after.keys() - before.keys()
    lines, _ = journal.lines(added)
    assert [(line.key, line.label, line.others) for line in lines] == [(keys.key(text), "", {"file": "neü.csv"}) for text in new]
    add.main("neü.csv")
    assert "0 new, 27 already there" in capsys.readouterr().out
    assert (Path("corpus.jsonl").read_bytes(), contents()) == (grown, after)

    first.change({"rounds": {"stage2": {"after": "stage1", "m": 24}, "stage3": {"after": "stage2", "m": 1}}})
    first.repro()
    printed = capsys.readouterr().out
    assert "data/embeddings/pool.npy: 125 texts, 25 encoded now" in printed
    assert "data/embeddings/holdout.npy: 20 texts, 0 encoded now" in printed
    assert Path(paths.HOLDOUT).read_bytes() == held
    assert artifacts.texts(paths.POOL) == [*pool, *new]  # rows keep their numbers
    assert np.array_equal(np.load("data/asked/stage1.npy"), stage1)
    assert np.array_equal(np.load("data/stage1/labels.npy"), bought)
    assert np.load("data/asked/added.npy").tolist() == list(range(len(pool), len(pool) + len(new)))
    assert re.search(r"\d+ of 25 new (ones|texts)? ?lie farther from their neighbours than 99% of the others", first.summary())
    assert "of 25 new" in Path("data/report.html").read_text(encoding="utf-8")
    first.ask()
    assert set(asked.keys("stage2")) & {line.key for line in lines}
    assert not set(asked.keys("holdout")) & {line.key for line in lines}

    capsys.readouterr()
    drift.main()
    assert re.search(
        r"of 25 new .*\n(- .*\n)*The model gives \d+ of 25 \(.*%\) no class a probability of 0.5 or more", capsys.readouterr().out
    )
    with pytest.raises(Refused, match=r"FILE=neü.csv: no text to compare: the pool holds all of the file"):
        drift.main("neü.csv")
    Path("later.txt").write_text("awful music\nwords unheard of\n" + pool[0] + "\n")
    capsys.readouterr()
    drift.main("later.txt")
    printed = capsys.readouterr().out
    assert "later.txt: 3 rows, texts in column text: 2 new, 1 already there" in printed
    assert "of 2 new " in printed
    assert Path("corpus.jsonl").read_bytes() == grown
    add.main("later.txt")
    first.call("prepare")
    first.call("embed")
    assert "data/embeddings/pool.npy: 127 texts, 0 encoded now" in capsys.readouterr().out  # drift encoded them


@pytest.fixture
def bare(tmp_path, monkeypatch) -> InProcess:
    """A people's project of a csv file, from which nothing was made yet, and a file of three new texts, one of them labelled."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    project = InProcess(tmp_path)
    project.change(PEOPLE | {"prepare": {"dataset": "old.csv", "holdout_rows": 3}, "train_final": {"arms": []}})
    write_table(
        "old.csv", [("text", "label", "id"), *((f"text {number}", ("neg", "pos")[number % 2], number) for number in range(12))]
    )
    write_table(
        "new.csv", [("id", "label", "text"), ("a", "pos", "one"), ("b", "", "two, three"), ("c", "", "TEXT  3"), ("d", "", "four")]
    )
    return project


def test_pool_and_holdout_of_the_data_set_stay_apart_and_labels_are_kept(bare, capsys):
    old = Path("old.csv").read_bytes()
    bare.call("prepare")
    held, pool = Path(paths.HOLDOUT).read_bytes(), artifacts.texts(paths.POOL)
    add.main("new.csv")
    assert Path("old.csv").read_bytes() == old + b'one,pos,a\n"two, three",,b\nfour,,d\n'.replace(b"\n", b"\r\n")
    assert "columns text, label, id" in capsys.readouterr().out
    assert len(asked.keys("holdout")) == 3  # every row has a label, so nobody was asked: it is written down, and not drawn again
    bare.call("prepare")
    assert Path(paths.HOLDOUT).read_bytes() == held
    assert artifacts.texts(paths.POOL) == [*pool, "one", "two, three", "four"]
    assert [line.label for line in journal.lines(asked.ADDED)[0]] == ["pos", "", ""]

    Path("split").mkdir()
    write_table("split/train.tsv", [("label", "text"), ("pos", "a"), ("neg", "b")], "\t")
    write_table("split/test.tsv", [("label", "text"), ("pos", "ONE"), ("neg", "d")], "\t")
    bare.change({"prepare": {"dataset": "split"}})
    add.main("new.csv")
    assert "3 new, 1 already there" in capsys.readouterr().out
    assert texts_of(Path("split/train.tsv")) == ["a", "b", "two, three", "TEXT  3", "four"]
    write_table(
        "one.csv",
        [("split", "body", "label"), ("train", "a", "pos"), ("train", "b", "neg"), ("test", "c", "pos"), ("test", "d", "neg")],
    )
    write_table("new.csv", [("split", "body"), ("test", "C"), ("test", "e")])
    bare.change({"prepare": {"dataset": "one.csv", "text_column": "body"}})
    add.main("new.csv", "body")
    assert Path("one.csv").read_text().splitlines()[-2:] == ["test,d,neg", "train,e,"]


def test_what_cannot_be_added_is_refused_and_changes_nothing(bare, capsys):
    for name, rows in (("empty.csv", []), ("headed.csv", [("text",)]), ("two.csv", [("a", "b"), ("c d", "e f")])):
        write_table(name, rows)
    write_table("wrong.csv", [("text", "label"), ("fine", "pos"), ("bad", "Pos")])
    Path("numbers.jsonl").write_text('{"text": {"a": 1}}')
    Path("classes/pos").mkdir(parents=True)
    Path("classes/neg").mkdir()
    for file in ("classes/pos/1.txt", "classes/neg/1.txt"):
        Path(file).write_text("a text")
    Path("old.csv.gz").write_bytes(gzip.compress(Path("old.csv").read_bytes()))
    Path("array.json").write_text('[{"text": "a"}, {"text": "b"}]')
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    for words, message in (
        ((), "FILE=: no such file; possible: csv, .*FILE=new.csv"),
        (("none.csv",), "FILE=none.csv: no such file"),
        (("empty.csv",), "empty.csv cannot be read as csv: the file is empty"),
        (("headed.csv",), "headed.csv holds no row"),
        (("two.csv",), "two.csv: none of its columns is called text.*name the text column by TEXT=, possible: a, b"),
        (("two.csv", "c"), "two.csv: no column is called c"),
        (("wrong.csv",), r"wrong.csv, row 2: label = Pos, which is no class; possible: neg, pos.*nothing was added"),
        (("numbers.jsonl",), "row 1, column text: found a dict"),
    ):
        with pytest.raises(Refused, match=message):
            add.main(*words)
    for dataset in ("rotten_tomatoes", "classes", "old.csv.gz", "array.json"):
        bare.change({"prepare": {"dataset": dataset}})
        with pytest.raises(Refused, match=r"texts can be appended to csv, tsv and jsonl files; save the data set as such a file"):
            add.main("new.csv")
    bare.change({"prepare": {"dataset": "old.csv"}, "labels": {"from": "dataset"}})
    with pytest.raises(Refused, match=r"labels.from = dataset: the data set has the labels"):
        add.main("new.csv")
    with pytest.raises(Refused, match="there is no model yet"):
        drift.main("new.csv")
    Path("params.yaml").unlink()
    before.pop(Path("params.yaml"))
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file() and ".gleaner" not in file.parts} == before


def test_a_line_that_is_written_meanwhile_is_not_lost(bare, monkeypatch):
    read = reading.fresh

    def slowly(*words):
        with Path("old.csv").open("a") as file:
            file.write("mine,,\n")
        return read(*words)

    monkeypatch.setattr(reading, "fresh", slowly)
    with pytest.raises(Refused, match=r"old.csv changed while the texts were read; nothing was added: run the same again"):
        add.main("new.csv")
    assert texts_of(Path("old.csv"))[-1] == "mine"
    assert not asked.ADDED.exists()


@pytest.mark.faults
@pytest.mark.parametrize("point", [("open", "added.csv"), ("os.rename", "")])
def test_killed_at_any_point_the_data_set_is_the_old_one_and_the_next_run_adds_all(bare, tmp_path, point):
    Path("stages").symlink_to(ROOT / "stages")
    old, hold = Path("old.csv").read_bytes(), Hold(tmp_path, "stages add", *point)
    command = [sys.executable, "-m", "stages", "add", "new.csv", ""]
    process = subprocess.Popen(command, env=hold.environment(bare))
    hold.wait(process)
    process.kill()
    process.wait()
    hold.release()
    assert Path("old.csv").read_bytes() == old
    add.main("new.csv")
    assert texts_of(Path("old.csv"))[-4:] == ["text 11", "one", "two, three", "four"]
    add.main("new.csv")
    assert len(texts_of(Path("old.csv"))) == 15
    assert [file.name for file in Path().glob(".*.part")] == []
    assert {line.key for line in journal.lines(asked.ADDED)[0]} == set(map(keys.key, ["one", "two, three", "four"]))
