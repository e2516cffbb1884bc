"""Broken files and settings by the thousand: each is read as it was meant or refused, and nothing else ever happens."""

import json
import random
import signal
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stages import prepare as prepare_stage
from stages.core import artifacts, cleaning, settings, sources
from stages.core.errors import Refused
from tests.test_sources import pairs, section, write

ROOT = Path(__file__).parent.parent
SECONDS_EACH = 5
PIECES = [
    "good film", "bad", "", " ", "\t", "\n", "\r\n", "\r", '"', '""', "'", ",", ";", "\\", "\\n", "\0", "\x1a", "\x85", "\u2028",
    "\ufeff", "\u200b", "é", "e\u0301", "ß", "İ", "😀", "👩‍👩‍👧", "🇨🇭", "שלום", "مرحبا", "\u202eabc", "漢字", "𝒳", "\uffff", "\U0010ffff",
    "NA", "nan", "null", "None", "true", "1", "1.0", "-1", "1e5", "=1+1", "<b>", "#", "{}", "[1]", "x" * 5_000,
]  # fmt: skip
LABELS = ["pos", "neg", "0", "1", "2", "😀", "a,b", 'a"b', "a\nb", "١", "-1", "1.0", "NaN", "x" * 300]


@contextmanager
def time_limit(case):
    def late(*_):
        raise AssertionError(f"{case} took over {SECONDS_EACH} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS_EACH)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(case, function, *arguments):
    """What the function returns, or None where it refuses. Anything else fails with the case's name."""
    with time_limit(case):
        try:
            return function(*arguments)
        except Refused as refusal:
            assert len(str(refusal)) < 20_000, case
            return None
        except Exception as error:
            raise AssertionError(f"{case}: {type(error).__name__}: {str(error)[:300]}") from error


def text_of(rng: random.Random) -> str:
    if rng.random() < 0.01:
        return rng.choice("x😀,ש") * 100_000
    return "".join(rng.choices(PIECES, k=rng.randrange(5)))


def mutated(rng: random.Random, content: bytes) -> bytes:
    """A few bytes changed, lost, repeated or put in."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(content) + 1)
        until = min(len(content), at + rng.choice([1, 1, 4, 50]))
        match rng.randrange(6):
            case 0:
                content[at:until] = rng.randbytes(until - at)
            case 1:
                del content[at:until]
            case 2:
                content[at:at] = content[at:until] * rng.choice([1, 2, 10])
            case 3:
                content[at:at] = rng.choice([b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b",", b"\n", b"\r", b"{", b"]"])
            case 4:
                del content[at:]
            case 5:
                content[at:until] = bytes(byte ^ (1 << rng.randrange(8)) for byte in content[at:until])
    return bytes(content)


def prepared(rows, rng: random.Random):
    """The rest of the stage, from rows to pool, holdout and classes."""
    asked = SimpleNamespace(dataset="f", normalise=rng.random() < 0.5, empty_texts=rng.choice(["refuse", "drop"]))
    pool, holdout = cleaning.split(prepare_stage._clean(rows, asked, "pool"), rng.choice([0.1, 0.3, 0.5, 0.9, 1e-300]), seed=0)
    return pool, holdout, cleaning.classes(pool, holdout)


def check_prepared(case, rows, rng):
    made = outcome(case, prepared, rows, rng)
    if made:
        pool, holdout, classes = made
        assert pool, case
        assert {row["label"] for row in pool} == {row["label"] for row in holdout} == set(classes), case
        assert not {row["text"] for row in pool} & {row["text"] for row in holdout}, case
        json.dumps(pool + holdout, ensure_ascii=False).encode()


@pytest.mark.parametrize("suffix", sources.READERS)
def test_whole_files_of_wild_texts_give_exactly_their_rows(tmp_path, suffix):
    rng = random.Random(f"whole {suffix}")
    for case in range(CASES["whole"]):
        count = rng.randrange(12)
        texts = [text_of(rng) for _ in range(count)]
        labels = [rng.choice(LABELS) for _ in range(count)]
        columns = {"text": texts, "label": labels, "other": [text_of(rng) for _ in range(count)]}
        if rng.random() < 0.3:
            columns["group"] = [rng.choice("abcdefgh") for _ in range(count)]
        columns = dict(rng.sample(sorted(columns.items()), len(columns)))
        file = write(tmp_path / f"f{suffix}", columns)
        with time_limit(case):
            if suffix == ".jsonl" and not count:
                assert outcome(case, sources.read, section(file)) is None  # an empty jsonl has no columns
                continue
            rows, _ = sources.read(section(file))
        assert pairs(rows) == list(zip(texts, labels)), case
        assert [row.get("group") for row in rows] == columns.get("group", [None] * count), case
        check_prepared(case, rows, rng)


VALUES = [
    None, True, False, 0, 1, -1, 2**63, 10**400, 0.0, 1.0, -0.0, 0.5, 1e300, 1e-300, float("nan"), float("inf"), "", "a", "😀", "\ud83d",
    "\udc00\ud800", "\0", [], ["a"], {}, {"text": "a"}, [[[]]],
]  # fmt: skip


def expected(value):
    """What a json value means as a cell; KeyError where it means nothing."""
    if isinstance(value, list | dict) or (isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise KeyError
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and abs(value) < 1e400 and value == int(value) else str(value)


def test_jsonl_rows_of_every_type_are_read_or_refused_as_they_should_be(tmp_path):
    rng = random.Random("types")
    file = tmp_path / "f.jsonl"
    for case in range(CASES["types"]):
        choice = VALUES if rng.random() < 0.5 else [value for value in VALUES if not isinstance(value, list | dict)]
        rows = [
            {key: rng.choice(choice) for key in ("text", "label", "more") if rng.random() < 0.95} for _ in range(rng.randrange(1, 6))
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        read = outcome(case, sources.read, section(file))
        try:
            wanted = [(expected(row.get("text")), expected(row.get("label"))) for row in rows]
        except KeyError:
            assert read is None, case
            continue
        if read is None:
            assert any(not any(key in row for row in rows) for key in ("text", "label")), case
            continue
        assert [(row["text"], row["label"] or "") for row in read[0]] == [(text, (label or "").strip()) for text, label in wanted], case
        check_prepared(case, read[0], rng)


@pytest.mark.parametrize("suffix", sources.READERS)
def test_damaged_files_are_read_or_refused(tmp_path, suffix):
    rng = random.Random(f"damaged {suffix}")
    columns = {"text": ["a good film", "ü, \"b\"\nc", "😀", "שלום", ""], "label": ["1", "0", "1", "0", "1"], "group": list("aabbc")}
    whole = write(tmp_path / f"f{suffix}", columns).read_bytes()
    for case in range(CASES["damaged"]):
        (tmp_path / f"f{suffix}").write_bytes(mutated(rng, whole))
        read = outcome((case, suffix), sources.read, section(tmp_path / f"f{suffix}"))
        if read:
            for row in read[0]:
                assert row.keys() in ({"text", "label"}, {"text", "label", "group"}), case
                assert all(value is None or isinstance(value, str) for value in row.values()), case
            check_prepared((case, suffix), read[0], rng)


PARQUET = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.decimal128(5, 2), pa.date32(), pa.date64(),
    pa.timestamp("ns"), pa.timestamp("s", "UTC"), pa.time64("us"), pa.duration("s"), pa.binary(), pa.binary(3), pa.string(), pa.large_string(),
    pa.string_view(), pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.map_(pa.string(), pa.int8()),
    pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int8(), pa.int64()), pa.uuid(),
]  # fmt: skip


def array_of(rng: random.Random, kind: pa.DataType, length: int) -> pa.Array:
    """Random bits of a type, where pyarrow can cast to it, else gaps."""
    numbers = [rng.choice([None, 0, 1, 5, 100, 2**40, -(2**62)]) for _ in range(length)]
    for guess in (numbers, [str(n) for n in numbers], [b"%d" % (n or 0) for n in numbers], [[1]] * length, [{"a": 1}] * length):
        try:
            return pa.array(guess, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            try:
                return pa.array(guess).cast(kind)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                continue
    return pa.nulls(length, kind)


def test_parquet_columns_of_every_type_are_read_or_refused(tmp_path):
    rng = random.Random("parquet")
    for case in range(CASES["parquet"]):
        kinds = rng.choices(PARQUET, k=2)
        length = rng.randrange(4)
        names = rng.choice([["text", "label"], ["label", "text"], ["text", "text"], ["", "label"], ["text.a", "label"], ["0", "1"]])
        try:
            pq.write_table(pa.Table.from_arrays([array_of(rng, kind, length) for kind in kinds], names), tmp_path / "f.parquet")
        except pa.ArrowException:
            continue  # parquet has no such type
        read = outcome((case, kinds), sources.read, section(tmp_path / "f.parquet"))
        if read:
            assert len(read[0]) == length
            check_prepared((case, kinds), read[0], rng)


# ---- params.yaml

SHIPPED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SETTINGS = [
    (key, name) for key, part in SHIPPED.items() for name in (part if isinstance(part, dict) else [None])
]
WRONG = [
    "~", "''", "' '", "x", "0", "1", "-1", "2", "1.5", "1e3", "'1e-3'", "1e400", ".inf", "-.inf", ".nan", "true", "off", "'12'", "0x10", "0o7",
    "1_000", "1:30", "9" * 30, "9" * 5_000, "'" + "9" * 5_000 + "'", "-0.0", "[]", "{}", "[1]", "[[1]]", "{a: 1}", "{1: 2}", "[1, 1]", "[x, x]",
    "2024-01-01", "2024-13-45", "2024-01-01T99:99:99", "!!binary aGk=", "!!binary x", "!!set {a}", "!!int x", "!!float x", "!!bool x",
    "!!timestamp x", "!!python/object/apply:os.system ['touch ran']", "!!python/name:os.system", "!unknown x", "&a [*a]", "*nothing",
    "? [1]\n  : 2", "\"\\ud800\"", "\"\\0\"", "'😀'", "x" * 100_000, "[" * 2_000, "[" * 50 + "]" * 50, "{a: " * 50 + "1" + "}" * 50,
    "[&a [1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c,*c,*c,*c,*c],"
    " &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], &f [*e,*e,*e,*e,*e,*e,*e,*e,*e], &g [*f,*f,*f,*f,*f,*f,*f,*f,*f], *g, *g, *g]",
    "0x" + "f" * 5_000, "<<: *x", "{<<: {a: 1}}", "=", "|", ">\n    x", "@", "`", "%", "\t", "# gone",
]  # fmt: skip


def yaml_with(key: str, name: str | None, text: str) -> str:
    """params.yaml with one value replaced by a piece of YAML."""
    rest = {other: value for other, value in SHIPPED.items() if other != key}
    if name is None:
        return json.dumps(rest)[:-1] + f",\n {json.dumps(key)}: {text}\n}}" if "\n" not in text else f"{key}: {text}\n"
    inside = {other: value for other, value in SHIPPED[key].items() if other != name}
    return f"{json.dumps(rest)[:-1]},\n {key}: {json.dumps(inside)[:-1]}{', ' * bool(inside)}\n {name}: {text}\n}}}}"


@pytest.fixture
def params_yaml(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


def test_wrong_values_of_every_setting_are_read_or_refused(params_yaml):
    rng = random.Random("settings")
    cases = [(key, name, text) for key, name in SETTINGS for text in WRONG]
    for key, name, text in rng.sample(cases, min(CASES["settings"], len(cases))):
        params_yaml.write_text(yaml_with(key, name, text), encoding="utf-8")
        case = f"{key}.{name}: {text[:60]}"
        read = outcome(case, settings.read, key)
        assert not Path("ran").exists()
        if read and name and key != "rounds":
            value, given = getattr(getattr(read, key), name), yaml.safe_load(text)
            assert value == given or str(value) == str(given) or float(value) == float(given), case


def test_damaged_params_are_read_or_refused(params_yaml):
    rng = random.Random("damaged params")
    whole = yaml.safe_dump(SHIPPED, default_flow_style=True).encode()
    for case in range(CASES["damaged params"]):
        params_yaml.write_bytes(mutated(rng, whole))
        outcome(case, settings.read, "seeds", "prepare", "train")


# ---- artifacts


def npy(header: str, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    length = len(header.encode("latin-1", "replace"))
    return b"\x93NUMPY" + version + length.to_bytes(2 if version == b"\x01\x00" else 4, "little") + header.encode("latin-1", "replace") + data


SHAPES = ["(3, 2)", "(2, 3)", "(6,)", "()", "(0, 2)", "(3, 0)", "(3, -2)", "(-3, -2)", "(3.0, 2)", "(True, 6)", "('3', 2)", "3", "(3, 2", "(3, 2))",
          "(300, 2)", "(2**9, 2)", "(1, 2)", "(9223372036854775807, 2)", f"({10**40}, 2)", "(4294967296, 4294967296)", "[3, 2]", "None"]  # fmt: skip
DESCRS = ["'<f4'", "'>f4'", "'<f8'", "'<i4'", "'|O'", "'O'", "'<U3'", "'|V4'", "'<M8[s]'", "[('a', '<f4')]", "[('a', 'O')]", "('<f4', (2,))", "'f4,O'",
          "'<f4'*3", "'x'", "4", "None", "__import__('os').system('touch ran')", "'|S0'", "'<c8'", "'?'"]  # fmt: skip


def test_npy_headers_that_lie_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = random.Random("npy")
    values = np.arange(6, dtype=np.float32)
    for case in range(CASES["npy"]):
        shape, descr = (rng.choice(kinds) if rng.random() < 0.5 else kinds[0] for kinds in (SHAPES, DESCRS))
        fortran = rng.choice(["False", "False", "True", "1", "None"])
        header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}" + rng.choice(["", "", "}", "\n", "(", " " * 20_000])
        data = rng.choice([values.tobytes(), values.tobytes(), values.tobytes()[:-1], values.tobytes() + b"\0", b"", bytes(4_000)])
        Path("x.npy").write_bytes(npy(header, data, rng.choice([b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"])))
        loaded = outcome((case, header[:150]), artifacts.load, Path("x.npy"), np.float32, (None, 2))
        assert not Path("ran").exists()
        if loaded is not None:
            assert loaded.nbytes == len(data), (case, header)
            assert loaded.shape == (3, 2) or not loaded.size, (case, header)
            if loaded.size and data == values.tobytes():
                assert sorted(loaded.ravel()) == values.tolist(), (case, header)


def test_damaged_artifacts_are_read_or_refused(tmp_path):
    rng = random.Random("artifacts")
    values = np.arange(60, dtype=np.float32).reshape(30, 2)
    artifacts.save(tmp_path / "x.npy", values)
    rows = [{"text": f"text {i} 😀", "label": "a"} for i in range(5)]
    artifacts.save_jsonl(tmp_path / "x.jsonl", rows)
    artifacts.save_json(tmp_path / "x.json", {"rows": rows})
    readers = {
        "x.npy": lambda file: artifacts.load(file, np.float32, (30, 2)),
        "x.jsonl": artifacts.texts,
        "x.json": artifacts.load_json,
    }
    for name, reader in readers.items():
        whole = (tmp_path / name).read_bytes()
        for case in range(CASES["artifacts"]):
            (tmp_path / name).write_bytes(mutated(rng, whole))
            read = outcome((case, name), reader, tmp_path / name)
            if name == "x.npy" and read is not None:
                assert read.shape == (30, 2)
                assert read.nbytes == (tmp_path / name).stat().st_size - 128
            if name == "x.jsonl" and read is not None:
                assert all(isinstance(text, str) for text in read)


import os
SCALE = int(os.environ.get("FUZZ", "1"))
CASES = {key: count * SCALE for key, count in {"whole": 60, "types": 200, "damaged": 200, "parquet": 150, "settings": 600, "damaged params": 250, "npy": 400, "artifacts": 100}.items()}
