"""Files between stages: complete or absent, the same bytes for the same content, and never unpickled."""

import json
import os
import pickle
import re
import stat
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from stages.core.base import artifacts, paths, seeding, tensor_files
from stages.core.base.errors import Refused

MATRIX = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
ANY = (None, None)


class Payload:
    """Unpickling it writes a file."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "x.npy"


def test_what_a_live_writer_has_not_finished_stays_and_what_a_killed_one_left_goes(tmp_path):
    """Two embeds may write one shard of a shared GLEANER_CACHE at once."""
    file = tmp_path / "out.csv"
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with artifacts.whole(tmp_path / "out.csv.gz") as packed, artifacts.whole(file) as part:
        packed.write_text("packed")
        part.write_text("mine")
        dead, alive = (part.with_name(part.name.replace(str(os.getpid()), str(pid))) for pid in (gone.pid, os.getppid()))
        elsewhere = part.with_name(part.name.replace(f"-{os.getpid()}.", f"x-{gone.pid}."))
        for other in (dead, alive, elsewhere):
            other.write_text("another's")
        with artifacts.whole(file) as again:
            again.write_text("mine")
        assert (dead.exists(), alive.exists(), elsewhere.exists(), packed.exists()) == (False, True, True, True)
        part.write_text("mine")
    assert file.read_text() == "mine"
    assert (tmp_path / "out.csv.gz").read_text() == "packed"


def refusal(call, *arguments, **named):
    """The message of a refusal, which must name the file and both commands that mend it."""
    with pytest.raises(Refused) as refused:
        call(*arguments, **named)
    text = str(refused.value)
    assert "x.npy" in text or "x.json" in text
    assert "`dvc repro`" in text
    assert "`dvc checkout --force`" in text
    return text


def load(file, dtype=np.float32, shape=ANY, **named):
    return artifacts.load(file, dtype, shape, **named)


def test_a_saved_array_is_loaded_as_it_was(file):
    artifacts.save(file, MATRIX)
    loaded = load(file, shape=(3, 2))
    assert loaded.tolist() == MATRIX.tolist()
    assert loaded.dtype == np.float32


def test_a_folder_that_is_missing_is_made(tmp_path):
    artifacts.save(tmp_path / "a" / "b" / "x.npy", MATRIX)
    assert load(tmp_path / "a" / "b" / "x.npy").shape == (3, 2)


def test_a_loaded_array_cannot_be_changed(file):
    artifacts.save(file, MATRIX)
    with pytest.raises(ValueError, match="read-only"):
        load(file)[0, 0] = 9


def test_the_same_array_gives_the_same_bytes_however_it_lies_in_memory(tmp_path):
    for name, array in {"rows": MATRIX, "columns": np.asfortranarray(MATRIX), "again": MATRIX.copy()}.items():
        artifacts.save(tmp_path / name, array)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "columns").read_bytes() == (tmp_path / "again").read_bytes()


def test_tensors_come_back_as_they_were_however_they_lay_in_memory(tmp_path):
    by_columns = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    tensors = {"a": by_columns, "b": by_columns.T, "c": by_columns[:, ::2]}
    tensor_files.save(tmp_path / "a.safetensors", tensors, safetensors.numpy.save_file)
    found = tensor_files.load(tmp_path / "a.safetensors", safetensors.numpy.load_file)
    assert [found[name].tolist() for name in "abc"] == [[[0, 1, 2], [3, 4, 5]], [[0, 3], [1, 4], [2, 5]], [[0, 2], [3, 5]]]


def test_an_array_without_rows_is_loaded(file):
    artifacts.save(file, np.empty((0, 3), np.float32))
    assert load(file).shape == (0, 3)


def test_text_on_the_plots_page_is_no_markup_and_looks_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"x": 0.5, "text": "a < b </script><!--", "false_negatives_<script>": 1}]
    artifacts.save_plot("map", rows)
    written = (tmp_path / "data/plots/map.json").read_text(encoding="utf-8")
    assert re.findall("<.", written) == ["<\u200b"] * 4
    assert json.loads(written.replace("\u200b", "")) == rows


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("array", "expected", "message"),
    [
        (MATRIX.astype(np.float64), {}, "expected float32, found float64"),
        (MATRIX.astype(">f4"), {}, "expected float32, found >f4"),  # another byte order
        (MATRIX, {"shape": (4, None)}, "expected shape (4, 'any'), found (3, 2)"),
        (MATRIX, {"shape": (None,)}, "expected shape ('any',), found (3, 2)"),
        (np.array([[1, NAN]], np.float32), {}, "some values are not finite"),
        (np.array([[1, INF]], np.float32), {}, "some values are not finite"),
        (np.array([[1, -INF]], np.float32), {}, "some values are not finite"),
        (np.array([[NAN, INF]], np.float32), {"nan": True}, "some values are not finite"),
    ],
)
def test_an_array_of_another_dtype_shape_or_with_values_that_are_not_finite_is_refused(file, array, expected, message):
    artifacts.save(file, array)
    assert message in refusal(load, file, **expected)


def test_nan_is_accepted_where_it_marks_labelled_rows(file):
    artifacts.save(file, np.array([[1, NAN]], dtype=np.float32))
    assert np.isnan(load(file, nan=True)).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("values", "within", "said"),
    [
        ([0, -1, 2], (0, 5), "found -1, possible: 0 to 4"),
        ([0, 5, 2], (0, 5), "found 5, possible: 0 to 4"),
        ([-2, -1, 1], (-1, 2), "found -2, possible: -1 to 1"),
        ([3, -1], (0, None), "found -1, possible: 0 or more"),
    ],
)
def test_an_integer_out_of_range_is_refused(file, values, within, said):
    artifacts.save(file, np.array(values, np.int16))
    assert said in refusal(load, file, np.int16, (None,), within=within)


def test_integers_in_their_range_are_loaded(file):
    artifacts.save(file, np.array([-1, 0, 4], np.int16))
    for within in ((-1, 5), (-1, None), None):
        assert load(file, np.int16, (None,), within=within).tolist() == [-1, 0, 4]
    artifacts.save(file, np.empty((3, 0), np.int16))
    assert load(file, np.int16, within=(0, 1)).shape == (3, 0)


#                       seed 0     seed 1
@pytest.mark.parametrize(
    ("labelled", "said"),
    [
        ([[0, 1, 2], [2, -1, 0]], "found -1, possible: 0 to 8"),
        ([[0, 1, 2], [2, 9, 0]], "found 9, possible: 0 to 8"),
        ([[0, 1, 2], [2, 7, 2]], "row 2 appears 2 times for seed number 2, possible: once"),
    ],
)
def test_labelled_rows_outside_the_pool_or_repeated_are_refused(file, labelled, said):
    artifacts.save(file, np.array(labelled))
    assert said in refusal(artifacts.load_labelled, file, 2, pool_rows=9)


def test_labelled_rows_may_repeat_across_seeds_and_may_be_none(file):
    artifacts.save(file, np.array([[0, 8, 2], [2, 7, 0]]))
    assert artifacts.load_labelled(file, 2, pool_rows=9).tolist() == [[0, 8, 2], [2, 7, 0]]
    assert "expected shape (3, 'any'), found (2, 3)" in refusal(artifacts.load_labelled, file, 3, pool_rows=9)
    artifacts.save(file, np.empty((2, 0), np.int64))
    assert artifacts.load_labelled(file, None, pool_rows=9).shape == (2, 0)


@pytest.mark.parametrize(
    ("clusters", "rows", "said"),
    [
        ([0, 1, -1, 1], None, "data/clusters.npy: found -1, possible: 0 or more"),
        ([0, 1, 3, 1], None, "data/clusters.npy: bucket 2 has no row, but bucket 3 has; possible: every number up to the largest"),
        ([1, 1, 2, 2], None, "data/clusters.npy: bucket 0 has no row, but bucket 2 has"),
        ([0, 1, 1, 1], 5, "data/clusters.npy: expected shape (5,), found (4,)"),
    ],
)
def test_buckets_that_lack_a_number_or_a_row_are_refused(tmp_path, monkeypatch, clusters, rows, said):
    monkeypatch.chdir(tmp_path)
    artifacts.save(paths.CLUSTERS, np.array(clusters, np.int32))
    with pytest.raises(Refused) as refused:
        artifacts.load_clusters(rows)
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith(artifacts.MEND)


def test_buckets_are_loaded_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifacts.save(paths.CLUSTERS, np.array([2, 0, 1, 2], np.int32))
    assert artifacts.load_clusters().tolist() == artifacts.load_clusters(4).tolist() == [2, 0, 1, 2]


def test_a_missing_file_is_refused(tmp_path):
    for call, name in ((load, "x.npy"), (artifacts.load_json, "x.json"), (artifacts.texts, "x.jsonl")):
        assert f"{name} is missing" in refusal(call, tmp_path / name)


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda whole, kept=kept: whole[:kept] for kept in (0, 5, 60, 128, -1)),
        lambda whole: whole + b"\0",  # bytes beyond its end
        lambda whole: whole.replace(b"(3, 2), }", b"(3, 2, } "),  # a broken header
    ],
)
def test_a_damaged_array_is_refused(file, damage):
    artifacts.save(file, MATRIX)
    file.write_bytes(damage(file.read_bytes()))
    assert "is not a complete npy file" in refusal(load, file)


def test_an_array_of_pickled_objects_is_refused_and_not_unpickled(file, tmp_path):
    np.save(file, np.array([Payload(tmp_path / "ran")], dtype=object), allow_pickle=True)
    assert "is not a complete npy file" in refusal(load, file, np.object_, (None,))
    assert not (tmp_path / "ran").exists()
    np.load(file, allow_pickle=True)
    assert (tmp_path / "ran").exists()  # the payload works


def test_a_pickle_called_npy_is_refused_and_not_unpickled(file, tmp_path):
    file.write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    assert "is not a complete npy file" in refusal(load, file)
    assert not (tmp_path / "ran").exists()


def test_objects_are_not_saved_as_arrays(file):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        artifacts.save(file, np.array([object()]))


def test_an_npz_called_npy_is_refused(file):
    with file.open("wb") as opened:
        np.savez(opened, MATRIX)
    assert "is not a complete npy file" in refusal(load, file)


def test_a_failed_save_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    file = tmp_path / "x.jsonl"
    artifacts.save_jsonl(file, [{"text": "old"}])

    def rows():
        yield {"text": "new"}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        artifacts.save_jsonl(file, rows())
    assert list(artifacts.load_jsonl(file)) == [{"text": "old"}]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("save", "content"), [(artifacts.save, np.array([object()])), (artifacts.save_json, {1, 2}), (artifacts.save_jsonl, [{1, 2}])]
)
def test_content_that_cannot_be_written_leaves_no_file(tmp_path, save, content):
    with pytest.raises((TypeError, ValueError)):
        save(tmp_path / "x", content)
    assert list(tmp_path.iterdir()) == []


def fill(path, array):
    with artifacts.filling(path, np.float32, array.shape) as out:
        out[:] = array


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_the_umask_decides_who_may_read_a_file(tmp_path, umask, mode):
    usual = os.umask(umask)
    try:
        artifacts.save(tmp_path / "array", MATRIX)
        fill(tmp_path / "filled", MATRIX)
        artifacts.save_json(tmp_path / "json", {})
        artifacts.save_jsonl(tmp_path / "jsonl", [{}])
        tensor_files.save(tmp_path / "numpy", {"a": MATRIX}, safetensors.numpy.save_file)
        tensor_files.save(tmp_path / "torch", {"a": torch.zeros(2)}, safetensors.torch.save_file)
        artifacts.save_json(tmp_path / "json", {"once": "more"})
    finally:
        os.umask(usual)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["array", "filled", "json", "jsonl", "numpy", "torch"], mode)


TEXTS = ["é ß 語", "a\nb\tc", 'a "quoted" \\ one', "a\u2028b\x85c\rd", ""]


def test_texts_come_back_as_they_were_one_row_a_line(tmp_path):
    artifacts.save_jsonl(tmp_path / "x.jsonl", ({"text": text, "label": "a"} for text in TEXTS))
    assert artifacts.texts(tmp_path / "x.jsonl") == TEXTS
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == len(TEXTS)


def test_json_comes_back_as_it_was(tmp_path):
    content = {"é": [1, 2.5, None, "語"]}
    artifacts.save_json(tmp_path / "x.json", content)
    assert artifacts.load_json(tmp_path / "x.json") == content


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b'"\xc3"'])
def test_a_broken_json_file_is_refused(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    assert "is not a complete json file" in refusal(artifacts.load_json, tmp_path / "x.json")


@pytest.mark.parametrize("line", [b'{"text": "ha', '{"text": "é'.encode()[:-1]])
def test_a_broken_line_of_jsonl_is_refused_by_its_number(tmp_path, line):
    (tmp_path / "x.jsonl").write_bytes(b'{"text": "whole"}\n' + line)
    assert "x.jsonl, line 2: " in refusal(artifacts.texts, tmp_path / "x.jsonl")


def draws(seeds, purpose):
    return [rng.integers(1000, size=4).tolist() for rng in seeding.rngs(seeds, purpose)]


def test_draws_depend_on_seed_and_purpose_and_not_on_the_seeds_beside_it():
    assert draws([0, 7], "select") == draws([0, 7], "select")
    first, second = draws([0, 1], "select")
    assert first != second
    assert first != draws([0, 1], "train")[0]
    assert draws([3, 5, 7], "select")[1] == draws([5], "select")[0]
