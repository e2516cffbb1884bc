"""Broken files and settings by the thousand: each is read as it was meant or refused, and nothing else ever happens."""

import json
import os
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
from stages.core.base import artifacts, params
from stages.core.sources import cleaning, tables
from stages.core.base.errors import Refused
from tests.test_sources import pairs, section, write

ROOT = Path(__file__).parent.parent
SECONDS_EACH = 10
# Over 2,000 cases in all; FUZZ=20 runs twenty times as many.
TIMES = int(os.environ.get("FUZZ", "1"))
WHOLE, TYPES, DAMAGED, PARQUET, NAMES, SETTINGS, PARAMS, NPY, ARTIFACTS = (
    TIMES * count for count in (60, 250, 200, 150, 100, 300, 200, 400, 80)
)
PIECES = [
    "good film", "bad", "", " ", "\t", "\n", "\r\n", "\r", '"', '""', "'", ",", ";", "\\", "\\n", "\0", "\x1a", "\x85",
    "\u2028", "\ufeff", "\u200b", "é", "e\u0301", "ß", "İ", "😀", "👩‍👩‍👧", "🇨🇭", "שלום", "مرحبا", "\u202eabc", "漢字", "𝒳",
    "\uffff", "\U0010ffff", "NA", "nan", "null", "None", "true", "1", "1.0", "-1", "1e5", "=1+1", "<b>", "#", "{}", "[1]",
    "x" * 5_000,
]  # fmt: skip
LABELS = ["pos", "neg", "0", "1", "2", "😀", "a,b", 'a"b', "a\nb", "١", "-1", "1.0", "NaN", "x" * 300]


def seeded(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311


@contextmanager
def time_limit(case):
    def late(*_):
        pytest.fail(f"{case} took over {SECONDS_EACH} seconds")  # no Exception, so nothing on the way catches it

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
            said = str(refusal)
        except Exception as error:
            raise AssertionError(f"{case}: {type(error).__name__}: {str(error)[:300]}") from error
    assert len(said) < 20_000, case
    return None


def text_of(rng: random.Random) -> str:
    if rng.random() < 0.005:
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
                content[at:at] = rng.choice(
                    [b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b",", b"\n", b"\r", b"{", b"]"]
                )
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
    rng = seeded(f"whole {suffix}")
    for case in range(WHOLE):
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
    None, True, False, 0, 1, -1, 2**63, 10**400, 0.0, 1.0, -0.0, 0.5, 1e300, 1e-300, float("nan"), float("inf"), "", "a", "😀",
    "\ud83d", "\udc00\ud800", "\0", [], ["a"], {}, {"text": "a"}, [[[]]],
]  # fmt: skip


def expected(value):
    """What a json value means as a cell; KeyError where it means nothing."""
    if isinstance(value, list | dict) or (isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise KeyError
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and abs(value) < 1e400 and value == int(value) else str(value)


def test_jsonl_rows_of_every_type_are_read_or_refused_as_they_should_be(tmp_path):
    rng = seeded("types")
    file = tmp_path / "f.jsonl"
    for case in range(TYPES):
        choice = VALUES if rng.random() < 0.5 else [value for value in VALUES if not isinstance(value, list | dict)]
        rows = [
            {key: rng.choice(choice) for key in ("text", "label", "more") if rng.random() < 0.95}
            for _ in range(rng.randrange(1, 6))
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
        assert [(row["text"], row["label"] or "") for row in read[0]] == [
            (text, (label or "").strip()) for text, label in wanted
        ], case
        check_prepared(case, read[0], rng)


@pytest.mark.parametrize("suffix", sources.READERS)
def test_damaged_files_are_read_or_refused(tmp_path, suffix):
    rng = seeded(f"damaged {suffix}")
    columns = {"text": ["a good film", 'ü, "b"\nc', "😀", "שלום", ""], "label": ["1", "0", "1", "0", "1"], "group": list("aabbc")}
    whole = write(tmp_path / f"f{suffix}", columns).read_bytes()
    for case in range(DAMAGED):
        (tmp_path / f"f{suffix}").write_bytes(mutated(rng, whole))
        read = outcome((case, suffix), sources.read, section(tmp_path / f"f{suffix}"))
        if read:
            for row in read[0]:
                assert row.keys() in ({"text", "label"}, {"text", "label", "group"}), case
                assert all(value is None or isinstance(value, str) for value in row.values()), case
            check_prepared((case, suffix), read[0], rng)


KINDS = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.decimal128(5, 2), pa.date32(),
    pa.date64(), pa.timestamp("ns"), pa.timestamp("s", "UTC"), pa.time64("us"), pa.duration("s"), pa.binary(), pa.binary(3),
    pa.string(), pa.large_string(), pa.string_view(), pa.list_(pa.int8()), pa.struct([("a", pa.int8())]),
    pa.map_(pa.string(), pa.int8()), pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int8(), pa.int64()), pa.uuid(),
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
    rng = seeded("parquet")
    for case in range(PARQUET):
        kinds = rng.choices(KINDS, k=2)
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


def test_wild_names_of_data_sets_and_columns_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "_load", lambda *_: {}[0])  # a hub that fails
    rng = seeded("names")
    file = write(tmp_path / "f.csv", {"text": ["a"], "label": ["1"]})
    pieces = [
        *PIECES,
        "/",
        "//",
        "..",
        "~",
        "~root",
        "/dev/zero",
        "/dev/fd/0",
        "\ud800",
        ".csv",
        "train.csv",
        "hf://",
        "C:\\",
        "f" * 300,
    ]
    for case in range(NAMES):
        name = "".join(rng.choices(pieces, k=rng.randrange(1, 4))) or "?"
        assert outcome((case, name), sources.read, section(name)) is None
        columns = {key: rng.choice(["auto", name]) for key in ("text_column", "label_column", "group_column")}
        read = outcome((case, columns), sources.read, section(file, **columns))
        assert read is None or set(columns.values()) == {"auto"}


# ---- params.yaml

SHIPPED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
# A few lines of aliases that stand for a list of 9 to the power of 9 numbers.
BOMB = "[&a1 [1], " + ", ".join(f"&a{n + 1} [" + ", ".join([f"*a{n}"] * 9) + "]" for n in range(1, 10)) + "]"
WRONG = [
    "~", "''", "' '", "x", "0", "1", "-1", "2", "1.5", "1e3", "'1e-3'", "1e400", ".inf", "-.inf", ".nan", "true", "off",
    "'12'", "0x10", "0o7", "1_000", "1:30", "9" * 30, "9" * 5_000, "'" + "9" * 5_000 + "'", "-0.0", "[]", "{}", "[1]",
    "[[1]]", "{a: 1}", "{1: 2}", "[1, 1]", "[x, x]", "2024-01-01", "2024-13-45", "2024-01-01T99:99:99", "!!binary aGk=",
    "!!binary x", "!!set {a}", "!!int x", "!!float x", "!!bool x", "!!timestamp x",
    "!!python/object/apply:os.system ['touch ran']", "!!python/name:os.system", "!unknown x", "&a [*a]", "*nothing",
    "? [1]\n  : 2", "\"\\ud800\"", "\"\\0\"", "'😀'", "x" * 100_000, "[" * 1_200, "[" * 50 + "]" * 50,
    "{a: " * 50 + "1" + "}" * 50, BOMB, "0x" + "f" * 5_000, "<<: *x", "{<<: {a: 1}}", "=", "|", ">\n    x", "@", "`", "%",
    "\t", "# gone",
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
    rng = seeded("settings")
    names = [(key, name) for key, part in SHIPPED.items() for name in (part if isinstance(part, dict) else [None])]
    cases = [(key, name, text) for key, name in names for text in WRONG]
    for key, name, text in rng.sample(cases, min(SETTINGS, len(cases))):
        params_yaml.write_text(yaml_with(key, name, text), encoding="utf-8")
        case = f"{key}.{name}: {text[:60]}"
        read = outcome(case, settings.read, key)
        assert not Path("ran").exists()
        if read and name and key != "rounds":
            value, given = getattr(getattr(read, key), name), yaml.safe_load(text)
            assert value == (given.decode() if isinstance(given, bytes) else type(value)(given)), case


def test_damaged_params_are_read_or_refused(params_yaml):
    rng = seeded("damaged params")
    whole = yaml.safe_dump(SHIPPED, default_flow_style=True).encode()
    for case in range(PARAMS):
        params_yaml.write_bytes(mutated(rng, whole))
        outcome(case, settings.read, "seeds", "prepare", "train")


# ---- artifacts


def npy(header: str, data: bytes, version: int) -> bytes:
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data


SHAPES = [
    "(3, 2)", "(2, 3)", "(6,)", "()", "(0, 2)", "(3, 0)", "(3, -2)", "(-3, -2)", "(3.0, 2)", "(True, 6)", "('3', 2)", "3",
    "(3, 2", "(3, 2))", "(300, 2)", "(2**9, 2)", "(1, 2)", "(9223372036854775807, 2)", f"({10**40}, 2)",
    "(4294967296, 4294967296)", "[3, 2]", "None",
]  # fmt: skip
DESCRS = [
    "'<f4'", "'>f4'", "'<f8'", "'<i4'", "'|O'", "'O'", "'<U3'", "'|V4'", "'<M8[s]'", "[('a', '<f4')]", "[('a', 'O')]",
    "('<f4', (2,))", "'f4,O'", "'<f4'*3", "'x'", "4", "None", "__import__('os').system('touch ran')", "'|S0'", "'<c8'", "'?'",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_npy_headers_that_lie_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = seeded("npy")
    values = np.arange(6, dtype=np.float32)
    for case in range(NPY):
        shape, descr = (rng.choice(kinds) if rng.random() < 0.5 else kinds[0] for kinds in (SHAPES, DESCRS))
        fortran = rng.choice(["False", "False", "True", "1", "None"])
        header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}" + rng.choice(
            ["", "", "}", "\n", "(", " " * 20_000]
        )
        data = rng.choice([values.tobytes(), values.tobytes(), values.tobytes()[:-1], values.tobytes() + b"\0", b"", bytes(4_000)])
        Path("x.npy").write_bytes(npy(header, data, rng.choice([1, 1, 2, 3, 9])))
        loaded = outcome((case, header[:150]), artifacts.load, Path("x.npy"), np.float32, (None, 2))
        assert not Path("ran").exists()
        if loaded is not None:
            assert loaded.nbytes == len(data), (case, header)
            assert loaded.shape == (3, 2) or not loaded.size, (case, header)
            if loaded.size and data == values.tobytes():
                assert sorted(loaded.ravel()) == values.tolist(), (case, header)


@pytest.mark.filterwarnings("ignore:Reading `.npy`")
def test_damaged_artifacts_are_read_or_refused(tmp_path):
    rng = seeded("artifacts")
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
        for case in range(ARTIFACTS):
            (tmp_path / name).write_bytes(mutated(rng, whole))
            read = outcome((case, name), reader, tmp_path / name)
            if name == "x.npy" and read is not None:
                assert read.shape == (30, 2)
                assert read.nbytes == (tmp_path / name).stat().st_size - 128
            if name == "x.jsonl" and read is not None:
                assert all(isinstance(text, str) for text in read)


# ---- what the cases above found, each by name


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.csv", b"", r"none of the usual names"),
        ("f.jsonl", b"\n\n", r"none of the usual names"),
        ("f.parquet", b"", r"cannot be read as parquet"),
        # pandas took the first column for row names and shifted the others
        ("f.csv", b"text,label\na,1,x\nb,0,x\n", r"line 2 has 3 cells, the header 2"),
        # pandas made numbers of these names
        ("f.jsonl", b'{"0": "a", "1": "b"}\n', r"name one of 0, 1"),
    ],
)
def test_files_that_once_ended_otherwise(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=message):
        sources.read(section(tmp_path / name))


def test_a_date_that_no_calendar_has_is_refused(tmp_path):
    pq.write_table(
        pa.table({"text": ["a", "b"], "label": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())}), tmp_path / "f.parquet"
    )
    with pytest.raises(Refused, match=r"f, row 1, column label: found a date, possible: text or a number"):
        sources.read(section(tmp_path / "f.parquet"))
    pq.write_table(pa.table({"text": ["a"], "label": pa.array([2**31 - 1], pa.int32()).cast(pa.date32())}), tmp_path / "f.parquet")
    with pytest.raises(Refused, match=r"f, row 1, column label: .*must have magnitude"):
        sources.read(section(tmp_path / "f.parquet"))


def test_a_share_too_small_to_be_turned_over_is_refused():
    rows = [{"text": f"text {i}", "label": "ab"[i % 2], "group": str(i)} for i in range(8)]
    with pytest.raises(Refused, match="wants at least 9 groups"):
        cleaning.split(rows, 5e-324, seed=0)


def test_a_class_named_by_thousands_of_digits_is_a_word():
    rows = [{"text": "a", "label": "9" * 5_000}, {"text": "b", "label": "1"}]
    assert cleaning.classes(rows, []) == ["1", "9" * 5_000]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!timestamp x", "cannot be read as YAML"),  # AttributeError inside PyYAML
        ("!!bool x", "cannot be read as YAML"),  # KeyError
        ("[" * 1_200, "cannot be read as YAML"),  # RecursionError
        ("!!python/object/apply:os.system ['touch ran']", "cannot be read as YAML: could not determine a constructor"),
        ("-0x" + "f" * 5_000, r"train.epochs = a number of thousands of digits: must be"),
        (BOMB, r"^params.yaml: train.epochs = .{150,300}must be a valid integer"),
    ],
)
def test_values_that_once_ended_otherwise(params_yaml, value, message):
    params_yaml.write_text(yaml_with("train", "epochs", value))
    with pytest.raises(Refused, match=message):
        settings.read("train")
    assert not Path("ran").exists()


def test_an_array_with_bytes_beyond_its_end_is_refused(tmp_path):
    artifacts.save(tmp_path / "x.npy", np.zeros((3, 2), np.float32))
    with (tmp_path / "x.npy").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(Refused, match="is no whole npy file"):
        artifacts.load(tmp_path / "x.npy", np.float32, (3, 2))
