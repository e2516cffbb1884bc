"""make add: texts that came later, at the end of the data set, which keeps its answers, holdout and rounds; make drift."""

from pathlib import Path

import pytest

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people import appending
from stages.core.sources import files

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
