"""make predict: every file format, own columns and order kept, complete or not at all, and no text predicted twice."""

import bz2
import csv
import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gleaner
from stages.commands import predict
from stages.core.base.errors import Refused
from stages.core.new_texts import checkpoint, reading
from stages.core.prediction import ensemble, record, scripts
from stages.core.sources import files
from tests.support.project import InProcess

TEXTS = ["a good film", "a dull, dull plot", "", 'the "end" was fine', "bad\nmusic", "great scene; lovely actor"]


@pytest.fixture(autouse=True)
def project(with_model) -> InProcess:
    return with_model


@pytest.fixture
def expected() -> list[tuple]:
    """Label and probability of each of TEXTS, by gleaner.load."""
    model = gleaner.load()
    probabilities = model.predict_proba(TEXTS)
    best = zip(model.classes_[probabilities.argmax(1)], probabilities.max(1))
    return [(label, pytest.approx(p, abs=2e-6)) if text else (None, None) for text, (label, p) in zip(TEXTS, best)]


class Sizes(list):
    """Numbers of texts in each call of the model, which fails after `stop_after` calls."""

    stop_after: int | None = None


@pytest.fixture
def predicted(monkeypatch) -> Sizes:
    sizes, probabilities = Sizes(), ensemble.Ensemble.probabilities

    def counted(self, texts, title=""):
        if len(sizes) == sizes.stop_after:
            raise MemoryError
        sizes.append(len(texts))
        return probabilities(self, texts, title)

    monkeypatch.setattr(ensemble.Ensemble, "probabilities", counted)
    return sizes


def refusal(*words: str) -> str:
    with pytest.raises(Refused) as refused:
        predict.main(*words)
    return str(refused.value)


def put(name: str, content: str | bytes) -> str:
    """Write a file; gives its name."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def as_csv(texts=TEXTS, delimiter=",", **columns) -> str:
    out = io.StringIO()
    rows = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL if delimiter == "\t" else csv.QUOTE_MINIMAL)
    rows.writerow(["number", "text", *columns])
    rows.writerows([number, text, *values] for number, (text, *values) in enumerate(zip(texts, *columns.values())))
    return out.getvalue()


def as_jsonl(texts=TEXTS) -> str:
    return "".join(json.dumps({"number": number, "text": text}) + "\n" for number, text in enumerate(texts))


def as_parquet(texts=TEXTS) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"number": pa.array(range(len(texts)), pa.int16()), "text": texts}), out)
    return out.getvalue()


KINDS = {
    "new.csv": as_csv,
    "new.tsv": lambda: as_csv(delimiter="\t"),
    "semicolons.csv": lambda: as_csv(delimiter=";"),
    "new.jsonl": as_jsonl,
    "new.ndjson": as_jsonl,
    "lines.json": as_jsonl,
    "array.json": lambda: json.dumps([json.loads(line) for line in as_jsonl().splitlines()]),
    "new.parquet": as_parquet,
    "new.csv.gz": lambda: gzip.compress(as_csv().encode()),
    "new.jsonl.bz2": lambda: bz2.compress(as_jsonl().encode()),
    "marked.csv": lambda: as_csv().encode("utf-8-sig"),
    "windows.csv": lambda: as_csv().encode("utf-16"),
}


def rows_of(name: str) -> list[dict]:
    """The rows of a file, every cell as in JSON."""
    unpacked = {".gz": gzip.open, ".bz2": bz2.open}.get(Path(name).suffix, open)(name, "rb").read()
    if ".parquet" in name:
        return pq.read_table(io.BytesIO(unpacked)).to_pylist()
    text = unpacked.decode()
    if ".csv" in name or ".tsv" in name:
        found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if ".tsv" in name else ","))
        return [
            row | {"number": int(row["number"]), "predicted": row["predicted"] or None,
                   "probability": float(row["probability"]) if row["probability"] else None} for row in found
        ]  # fmt: skip
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("name", KINDS)
def test_every_format_is_read_and_its_rows_keep_their_order_and_get_the_labels_of_python(name, expected):
    predict.main(put(name, KINDS[name]()), "labelled.jsonl")
    rows = rows_of("labelled.jsonl")
    assert [(int(row["number"]), row["text"]) for row in rows] == list(enumerate(TEXTS))
    assert [(row["predicted"], row["probability"]) for row in rows] == expected
    assert sorted(file.name for file in Path().glob("*labelled*")) == ["labelled.jsonl"]


@pytest.mark.parametrize("out", ["x.csv", "x.tsv", "x.parquet", "x.csv.gz", "x.jsonl.bz2", "x.ndjson"])
def test_every_format_is_written(out, expected):
    predict.main(put("new.csv", as_csv()), out)
    assert [row["text"] for row in rows_of(out)] == TEXTS
    assert [(row["predicted"], row["probability"]) for row in rows_of(out)] == expected


def test_no_cell_of_a_table_is_a_formula_and_lines_of_json_stay_as_they_are():
    rows = [{"text": '=HYPERLINK("x")', "at": "nice;=1+1", "degrees": "-5", "number": -5}]
    put("new.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    predict.main("new.jsonl", "labelled.csv")
    [row] = rows_of("labelled.csv")
    assert [row[name] for name in rows[0]] == ['\'=HYPERLINK("x")', "nice;'=1+1", "-5", -5]
    predict.main("new.jsonl", "labelled.jsonl")
    assert [{name: row[name] for name in rows[0]} for row in rows_of("labelled.jsonl")] == rows


def test_parquet_keeps_its_types():
    predict.main(put("new.parquet", as_parquet()), "labelled.parquet")
    schema = pq.read_schema("labelled.parquet")
    assert [(field.name, str(field.type)) for field in schema] == [
        ("number", "int16"), ("text", "string"), ("predicted", "string"), ("probability", "float"),
    ]  # fmt: skip


def test_blank_lines_are_rows_without_a_text():
    texts = ["a good film", "", "bad music"]
    predict.main(put("new.txt", "\n".join(texts)), "labelled.jsonl")
    assert [row["text"] for row in rows_of("labelled.jsonl")] == texts
    assert rows_of("labelled.jsonl")[1]["predicted"] is None


def test_fasttext_lines_keep_their_own_labels():
    predict.main(put("new.txt", "__label__pos a good film\n"), "labelled.jsonl")
    [row] = rows_of("labelled.jsonl")
    assert (row["text"], row["label"], row["predicted"]) == ("a good film", ["pos"], row["predicted"])


def test_the_files_of_a_folder_are_one_table():
    Path("shards").mkdir()
    for part in range(2):
        put(f"shards/new-{part}.csv", as_csv(TEXTS[3 * part : 3 * part + 3]))
    predict.main("shards", "labelled.csv")
    assert [row["text"] for row in rows_of("labelled.csv")] == TEXTS


def test_a_workbook_is_read():
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["text", "stars"], ["a good film", 5], ["a dull plot", 1]):
        book.active.append(row)
    book.save("new.xlsx")
    predict.main("new.xlsx", "labelled.jsonl")
    assert [(row["text"], row["stars"]) for row in rows_of("labelled.jsonl")] == [("a good film", 5), ("a dull plot", 1)]


def test_each_adds_the_probability_of_every_class():
    predict.main("--each", put("new.jsonl", as_jsonl()), "labelled.jsonl")
    found = [row for row in rows_of("labelled.jsonl") if row["text"]]
    assert list(found[0]) == ["number", "text", "predicted", "probability", "probability_neg", "probability_pos"]
    for row in found:
        assert row["probability_neg"] + row["probability_pos"] == pytest.approx(1, abs=1e-5)
        assert row[f"probability_{row['predicted']}"] == row["probability"] >= 0.5


def test_rows_below_the_threshold_stay_open_and_keep_their_probability():
    predict.main(put("new.jsonl", as_jsonl()), "all.jsonl")
    found = sorted({row["probability"] for row in rows_of("all.jsonl") if row["text"]})
    at = sum(found[len(found) // 2 - 1 :][:2]) / 2  # between two rows, since they are written rounded
    predict.main("--abstain", f"{at:.9f}", "new.jsonl", "some.jsonl")
    both = [(a, b) for a, b in zip(rows_of("all.jsonl"), rows_of("some.jsonl")) if a["text"]]
    assert {b["predicted"] is None for _, b in both} == {True, False}
    for before, after in both:
        assert after["probability"] == before["probability"]
        assert after["predicted"] == (before["predicted"] if before["probability"] >= at else None)


def test_the_text_column_asked_for_comes_before_that_of_params():
    put("new.jsonl", '{"text": "a", "body": "b", "title": "c"}\n')
    source = reading.of_path(Path("new.jsonl"), "auto")
    for setting, asked, column in (("auto", None, "text"), ("body", None, "body"), ("body", "title", "title")):
        assert reading.inspect(source, setting, asked).text_column == column


def test_a_single_column_holds_the_texts_whatever_its_name():
    predict.main(put("new.csv", "opinion\na good film\n"), "labelled.jsonl")
    assert [row["opinion"] for row in rows_of("labelled.jsonl")] == ["a good film"]
    predict.main(put("series.csv", "0\na good film\n"), "labelled.jsonl")  # as pandas writes a Series
    assert [row["0"] for row in rows_of("labelled.jsonl")] == ["a good film"]


def test_columns_without_a_name_are_kept_by_their_place():
    predict.main(put("new.csv", ",text,\n1,a good film,x\n"), "labelled.jsonl")
    [row] = rows_of("labelled.jsonl")
    assert [row[name] for name in ("column 1", "text", "column 3")] == ["1", "a good film", "x"]


def test_rows_that_repeat_the_header_are_left_out_as_in_prepare(capsys):
    put("new.csv", "number,text\n1,good\nnumber,text\n2,bad\n")
    Path("d").mkdir()
    for number in range(2):
        Path(f"d/part{number}.csv").write_text(Path("new.csv").read_text())
    predict.main("new.csv", "labelled.jsonl")
    assert [row["text"] for row in rows_of("labelled.jsonl")] == ["good", "bad"]
    assert "predict: new.csv: 1 rows that repeat the first line are left out\n" in capsys.readouterr().err
    predict.main("d", "labelled.jsonl")
    assert [row["text"] for row in rows_of("labelled.jsonl")] == ["good", "bad"] * 2
    assert "predict: d: 1 rows that repeat the first line are left out\n" in capsys.readouterr().err


def test_a_long_file_is_labelled_in_chunks(monkeypatch, predicted):
    texts = [f"a {'good' if number % 2 else 'bad'} film {'and' * 20} number {number}\nin two lines" for number in range(50)]
    predict.main(put("new.csv", as_csv(texts, delimiter=";")), "whole.jsonl")
    monkeypatch.setattr(reading, "CHUNK_ROWS", 7)
    predicted.clear()
    predict.main("new.csv", "parts.jsonl")
    assert predicted == [7] * 7 + [1]
    assert [row["text"] for row in rows_of("parts.jsonl")] == texts
    assert [row["predicted"] for row in rows_of("parts.jsonl")] == [row["predicted"] for row in rows_of("whole.jsonl")]


def test_a_long_first_row_is_complete():
    predict.main(put("new.csv", as_csv(["good " * 50_000, "bad"], delimiter="|")), "labelled.jsonl")
    assert [row["text"] for row in rows_of("labelled.jsonl")] == ["good " * 50_000, "bad"]


LONG_TSV = "id\ttext\n" + "".join(f"{number}\t{'a good film ' * 10}\n" for number in range(40_000))  # 5 MB


@pytest.mark.parametrize(
    ("end", "quotes"),
    [('a\t"bad\nb\tfilm"\n', "part of the text: as quoting they would join rows"), ('a\t"bad film\n', "part of the text")],
)
def test_all_of_a_tsv_decides_how_it_is_quoted_as_in_prepare(end, quotes):
    [table] = files.read(Path(put("new.tsv", LONG_TSV + end)), "prepare.dataset")[0].values()
    source = reading.of_path(Path("new.tsv"), "auto")
    rows = list(source.rows())
    assert rows == list(table.rows())
    assert rows[-1]["text"] in ('film"', '"bad film')
    assert source.notes == table.notes == [f"quotes are read as {quotes}"]


def test_a_long_table_is_read_in_little_memory(monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_ROWS", 100)
    put("new.csv", as_csv(['a "good" film, ' * 200] * 3_000))  # 10 MB
    tracemalloc.start()
    try:
        assert reading.inspect(reading.of_path(Path("new.csv"), "auto"), "auto", None).count == 3_000
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


# ---- stopped and continued


@pytest.fixture
def stopped(monkeypatch, predicted) -> list[int]:
    """A run over 20 rows in chunks of 4 that was stopped in its third chunk; the sizes of the chunks predicted from now on."""
    monkeypatch.setattr(reading, "CHUNK_ROWS", 4)
    put("new.jsonl", as_jsonl([f"a {'good' if number % 3 else 'bad'} film" for number in range(20)]))
    predict.main("new.jsonl", "at once.jsonl")
    predicted.clear()
    predicted.stop_after = 2
    with pytest.raises(MemoryError):
        predict.main("new.jsonl", "labelled.jsonl")
    assert [file.name for file in Path().glob("*labelled*")] == ["labelled.jsonl.part"]
    predicted.clear()
    predicted.stop_after = None
    return predicted


def same() -> bool:
    return Path("labelled.jsonl").read_bytes() == Path("at once.jsonl").read_bytes()


def test_a_stopped_run_continues_and_ends_with_the_same_bytes(stopped, capsys):
    predict.main("new.jsonl", "labelled.jsonl")
    assert stopped == [4, 4, 4]
    assert "an earlier run labelled 8 of 20 rows; continuing from there" in capsys.readouterr().err
    assert same()
    assert not Path("labelled.jsonl.part").exists()


def test_an_incomplete_row_of_the_checkpoint_is_predicted_again(stopped):
    part = Path("labelled.jsonl.part")
    part.write_bytes(part.read_bytes()[:-3])
    predict.main("new.jsonl", "labelled.jsonl")
    assert stopped == [4, 4, 4, 4]
    assert same()


def test_a_stopped_run_continues_with_another_threshold(stopped):
    predict.main("--abstain", "0.5", "new.jsonl", "labelled.jsonl")
    assert stopped == [4, 4, 4]


@pytest.mark.parametrize("change", ["model", "texts", "each"])
def test_another_model_other_texts_or_other_columns_start_again(stopped, change, capsys):
    words = ["new.jsonl", "labelled.jsonl"]
    if change == "model":
        about = record.load(record.FOLDER)
        replace(about, members=dict([about.members.popitem()])).save(record.FOLDER)
    elif change == "texts":
        put("new.jsonl", as_jsonl(["a good film"] * 20))
    else:
        words.insert(0, "--each")
    predict.main(*words)
    assert stopped[-5:] == [4] * 5
    assert "labelled.jsonl.part is of another model or of other texts: labelling starts again" in capsys.readouterr().err


def test_a_file_of_the_users_own_with_the_checkpoints_name_stays():
    put("labelled.csv.part", "my own")
    message = refusal(put("new.csv", as_csv()), "labelled.csv")
    assert message == "labelled.csv.part is in the way, and is not a checkpoint that `make predict` left; move it"
    assert Path("labelled.csv.part").read_text() == "my own"


def test_two_runs_cannot_write_the_same_file():
    put("new.csv", as_csv())
    with checkpoint.Checkpoint(Path("labelled.csv.part"), {}, np.dtype("f4")):
        assert refusal("new.csv", "labelled.csv").startswith("labelled.csv.part is in use: another run writes the same file")
    assert not Path("labelled.csv").exists()


# ---- pipes and single texts


def piped(text: str | bytes, *words: str, monkeypatch) -> None:
    data = io.BufferedReader(io.BytesIO(text if isinstance(text, bytes) else text.encode()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    predict.main("-", *words)


def test_a_pipe_of_lines_or_of_objects_gives_lines_of_json(monkeypatch, capfd):
    piped("a good film\n\nbad music", monkeypatch=monkeypatch)
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["text"] for row in found] == ["a good film", "", "bad music"]
    piped('{"id": 7, "text": "bad music"}\n', monkeypatch=monkeypatch)
    [row] = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert (row["id"], row["predicted"], row["probability"]) == (7, found[2]["predicted"], found[2]["probability"])


@pytest.mark.parametrize("name", ["new.jsonl", "array.json"])
@pytest.mark.parametrize("before", ["", "\n \n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_from_a_pipe_is_read_as_the_file_would_be(monkeypatch, capfd, name, before, encoding):
    content = before + KINDS[name]().replace("}, {", "},\n{")
    predict.main(put(name, content.encode(encoding)))
    from_file = capfd.readouterr().out
    piped(content.encode(encoding), monkeypatch=monkeypatch)
    assert capfd.readouterr().out == from_file


@pytest.mark.parametrize("lines", [["", "bad music"], ["[spoiler] a good film", "bad"], ["[ ] watch {it}"], ["\ufeffgood", "bad"]])
def test_a_pipe_of_texts_is_not_taken_for_json(monkeypatch, capfd, lines):
    piped("\n".join(lines), monkeypatch=monkeypatch)
    assert [json.loads(line)["text"] for line in capfd.readouterr().out.splitlines()] == [line.lstrip("\ufeff") for line in lines]


def test_a_pipe_can_be_written_to_a_file(monkeypatch):
    piped("a good film\n", "labelled.csv", monkeypatch=monkeypatch)
    assert Path("labelled.csv").read_text().startswith("text,predicted,probability\na good film,")
    assert sorted(file.name for file in Path().glob("*labelled*")) == ["labelled.csv"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "standard input holds no row, so there is nothing to label"),
        ('{"text": "a"}\nplain\n', "standard input: line 2: "),
        (b"caf\xe9\n", "standard input: 'utf-8' codec can't decode byte 0xe9"),
        ("good film".encode("utf-16-le"), "standard input: every second byte is 0; it is likely utf-16-le; name its encoding"),
        ('[{"text": "a"}, 3]', "standard input: element 2 of the array is no object"),
        ("[]", "standard input holds no row"),
        ('{\n"text": "a"\n}\n', "standard input: line 1: Expecting"),
        (b"PK\x03\x04", "standard input: it is a workbook (.xlsx, .ods, .xls) or a zip, not text"),
        ('{"id": 1, "about": 2}\n', "standard input: none of its columns is called text"),
    ],
)
def test_a_pipe_that_cannot_be_labelled_is_refused(monkeypatch, data, message):
    with pytest.raises(Refused) as refused:
        piped(data, monkeypatch=monkeypatch)
    assert str(refused.value).startswith(message)


def test_a_single_text_gives_one_line(capsys, expected):
    predict.main("a good film")
    label, probability = capsys.readouterr().out.split()
    assert (label, float(probability)) == (expected[0][0], pytest.approx(expected[0][1].expected, abs=1e-4))


def test_without_out_a_file_goes_to_the_terminal(capfd):
    predict.main(put("new.csv", as_csv()))
    assert [json.loads(line)["text"] for line in capfd.readouterr().out.splitlines()] == TEXTS


# ---- what is refused


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("new.csv", "", "new.csv cannot be read as csv: the file is empty"),
        ("new.csv", "the tyre is flat\nthe bell is broken\n", "new.csv: none of its columns is called text, sentence, review, "
         "content, document: the first line looks like a row, not like names; put a line of names above it"),
        ("new.csv", b"PK\x03\x04\xff", "new.csv cannot be read as csv: it is a workbook (.xlsx, .ods, .xls) or a zip, not text"),
        ("new.jsonl", '{\n"text": "a"\n}\n', "new.jsonl cannot be read as jsonl: line 1: Expecting"),
        ("new.csv", "text,stars\n", "new.csv holds no row, so there is nothing to label"),
        ("new.jsonl", "\n\n", "new.jsonl holds no row"),
        ("new.csv", "id,body\n1,good\n", "new.csv: none of its columns is called text, sentence, review, content, document; "
         "name the text column by TEXT=, possible: id, body"),
        ("new.csv", "text,text\na,b\n", "new.csv: 2 columns are called text; rename one"),
        ("new.csv", "text,predicted\na,b\n", "new.csv already has a column predicted"),
        ("new.csv", 'text,id\n"a,1\n', "new.csv cannot be read as csv: line 2: unexpected end of data"),
        ("new.csv", b"text\ncaf\xe9\n", "new.csv cannot be read: line 2, byte 9 of the file, 0xe9, is not utf-8"),
        ("new.jsonl", '{"text": "a"}\n{"text": ["b"]}\n', "new.jsonl, row 2, column text: found a list, possible: text"),
        ("new.jsonl", '{"text": "a"}\n{"text"\n', "new.jsonl cannot be read as jsonl: line 2: "),
        ("new.csv.gz", gzip.compress(b"text\na\n" * 99, mtime=0)[:-9], "new.csv.gz cannot be read as csv: "),
        ("new.parquet", b"PAR1", "new.parquet cannot be read as parquet: "),
        ("new.doc", "text", "new.doc: no reader for it; possible: csv, tsv, jsonl"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_before_any_prediction_and_leaves_nothing(name, content, message):
    before = sorted(Path().iterdir())
    assert refusal(put(name, content), "labelled.csv").startswith(message)
    assert sorted(Path().iterdir()) == sorted([*before, Path(name)])


def test_a_missing_column_is_refused_with_the_possible_ones():
    put("new.csv", as_csv())
    assert refusal("--text", "body", "new.csv", "labelled.csv") == (
        "new.csv: no column is called body; name the text column by TEXT=, possible: number, text"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.csv", "out.csv"], "IN = missing.csv: no such file or folder; looked for it in "),
        (["new.csv", "out.docx"], "OUT = out.docx: it cannot be written as .docx; possible: .csv, .tsv, .jsonl, .ndjson, .parquet"),
        (["new.csv", "out.parquet.gz"], "OUT = out.parquet.gz: it cannot be written as .parquet"),
        (["new.csv", "data"], "OUT = data: it cannot be written as a file without a suffix"),
        (["new.csv", "./new.csv"], "OUT = new.csv is IN, or lies in it"),
        (["new.csv", "linked.csv"], "OUT = linked.csv is IN, or lies in it"),
        (["data", "data/out.csv"], "OUT = data/out.csv is IN, or lies in it"),
        (["a good film", "out.csv"], "'a good film' is not a file, so it is read as a text: leave out OUT"),
        (["", "out.csv"], "IN is empty"),
        (["new.csv", "out.csv", "more"], "unrecognized arguments: more; usage: "),
        (["--abstain", "1.5", "new.csv"], "--abstain 1.5, possible: 0 or more and below 1"),
        (["--abstain", "much", "new.csv"], "argument --abstain: invalid float value: 'much'"),
    ],
)
def test_wrong_words_on_the_command_line_are_refused(words, message):
    put("new.csv", as_csv())
    Path("linked.csv").hardlink_to("new.csv")
    assert refusal(*words).startswith(message)
    assert Path("new.csv").read_bytes() == as_csv().encode()


def test_a_missing_model_is_refused_before_anything_is_read():
    (record.FOLDER / "model.json").unlink()
    assert refusal("a good film").startswith("data/model/model.json is missing, so there is no model yet; run `dvc repro`")


def test_texts_in_another_script_or_of_unknown_words_are_labelled_with_a_warning(capsys):
    predict.main(put("new.csv", as_csv(["хороший фильм", "скучный фильм, so dull"])), "labelled.csv")
    assert [row["predicted"] is None for row in rows_of("labelled.csv")] == [False, False]
    assert "80% of the letters of these texts are CYRILLIC, which the model hardly saw" in capsys.readouterr().err
    predict.main(put("new.csv", as_csv(["unheard words of Latin letters"])), "labelled.csv")
    assert "the tokenizer of encoder does not know 100% of the tokens of these texts: do not trust" in capsys.readouterr().err
    predict.main(put("new.csv", as_csv(["good film", "12 34"])), "labelled.csv")
    assert "trust" not in capsys.readouterr().err


def test_only_letters_decide_the_script():
    assert scripts.shares(["a1, b", "вг!", "中"]) == {"LATIN": 0.4, "CYRILLIC": 0.4, "CJK": 0.2}
    assert scripts.shares(["12", ""]) == {}
    assert scripts.shares([]) == {}
    assert scripts.warning(["абв g"], {"LATIN": 0.98, "CYRILLIC": 0.02}) is None


def test_a_class_that_no_row_was_given_is_named(capsys):
    predict.main(put("new.csv", as_csv(["good great lovely fine film"])), "labelled.csv")
    assert "predict: no row was given neg" in capsys.readouterr().err


def test_a_column_that_appears_late_is_kept_or_refused(monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_ROWS", 1)
    lines = '{"text": "a good film"}\n{"text": "bad", "more": 1}\n'
    predict.main(put("new.jsonl", lines), "labelled.csv")  # a file is read twice
    assert Path("labelled.csv").read_text().startswith("text,more,predicted,probability\n")
    with pytest.raises(Refused, match="a row has more, which earlier rows lacked"):
        piped(lines, "piped.csv", monkeypatch=monkeypatch)
    assert not Path("piped.csv").exists()


@pytest.mark.faults
def test_a_full_disk_is_refused_and_leaves_the_old_file(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("mounting needs root")
    try:
        out = small / "labelled.csv"
        out.write_text("of before")
        message = refusal(put("new.csv", as_csv(["a good film, " * 100] * 200)), str(out))
        assert message == f"{out} cannot be written: No space left on device; mend that and {predict.AGAIN}"
        assert out.read_text() == "of before"
        assert [file.name for file in small.iterdir() if file.name != "labelled.csv.part"] == ["labelled.csv"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 8))])
def test_a_table_of_odd_texts_is_read_as_it_was_written(delimiter, seed):
    rng = np.random.default_rng(seed)
    pieces = ["good", "bad, very", 'a "quoted" word', "two\nlines", "x;y", "a|b", " ", "", "\u00e4\u00f6", '"', "tab\there"]
    texts = [" ".join(rng.choice(pieces, size=rng.integers(1, 6))) for _ in range(60)]
    name = put("new.tsv" if delimiter == "\t" else "new.csv", as_csv(["one, two; three", *texts], delimiter=delimiter))
    source = reading.of_path(Path(name), "auto")
    for _ in range(2):  # inspected, then labelled
        assert [row["text"] for row in source.rows()] == ["one, two; three", *texts]
