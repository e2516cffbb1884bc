"""Broken files and settings: each is read as it was meant or refused, and nothing else ever happens.

A fixed sample always runs; `-m exhaustive` runs thousands of cases, FUZZ=20 twenty times as many.
"""

import functools
import itertools
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
from stages.core.base import artifacts, keys, params, plugins
from stages.core.base.errors import Refused
from stages.core.rows.labels import CONFLICT
from stages.core.settings import rules
from stages.core.sources import cleaning, hub_sets, splits
from tests.support.project import ROOT
from tests.support.sources import ANY_TEXT, pairs, section, write

SECONDS_OF_WORK, SECONDS_OF_WAITING = 10, 60  # limits for one case: processor time, and real time on a busy machine
TIMES = int(os.environ.get("FUZZ", "1"))


def cases(sample: int, everything: int):
    """Runs a test with so many random cases: a sample, or all of them."""
    return pytest.mark.parametrize("count", [sample, pytest.param(TIMES * everything, marks=pytest.mark.exhaustive)])


PIECES = [
    "good film", "bad", "", " ", "\t", "\n", "\r\n", "\r", '"', '""', "'", ",", ";", "\\", "\\n", "\0", "\x1a", "\x85",
    "\u2028", "\ufeff", "\u200b", "é", "e\u0301", "ß", "İ", "😀", "👩‍👩‍👧", "🇨🇭", "שלום", "مرحبا", "\u202eabc", "漢字", "𝒳",
    "\uffff", "\U0010ffff", "NA", "nan", "null", "None", "true", "1", "1.0", "-1", "1e5", "=1+1", "<b>", "#", "{}", "[1]",
    "x" * 300,
]  # fmt: skip
LABELS = ["pos", "neg", "0", "1", "2", "😀", "a,b", 'a"b', "a\nb", "١", "-1", "1.0", "NaN", "x" * 300]


def seeded(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311


@contextmanager
def time_limit(case):
    def late(*_):
        pytest.fail(f"{case} took too long")  # no Exception, so nothing on the way catches it

    signals = (signal.SIGALRM, signal.SIGPROF)
    before = [signal.signal(number, late) for number in signals]
    signal.setitimer(signal.ITIMER_REAL, SECONDS_OF_WAITING)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_OF_WORK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in zip(signals, before):
            signal.signal(number, handler)


def outcome(case, function, *arguments):
    """What the function returns, or None where it refuses. Anything else fails with the case's name."""
    with time_limit(case):
        try:
            return function(*arguments)
        except Refused as refusal:
            message = str(refusal)
        except Exception as error:
            raise AssertionError(f"{case}: {type(error).__name__}: {str(error)[:300]}") from error
    assert len(message) < 20_000, case
    return None


def text_of(rng: random.Random) -> str:
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


def prepared(rows, share, rng: random.Random):
    """The rest of the stage, from rows to the clean ones, pool, holdout, classes and counts."""
    asked = SimpleNamespace(dataset="f", empty_texts=rng.choice(["refuse", "drop"]))
    clean = prepare_stage._clean(rows, asked, "pool", dropped := {})
    pool, holdout = cleaning.split(clean, share, seed=0)
    return clean, pool, holdout, cleaning.classes(pool, holdout), sum(map(len, dropped.values()))


def check_prepared(case, rows, rng):
    share = rng.choice([0.1, 0.3, 0.5, 0.9, 1e-300])
    made = outcome(case, prepared, rows, share, rng)
    if made:
        clean, pool, holdout, classes, dropped = made
        assert pool, case
        assert holdout, case
        assert len(clean) + dropped == len(rows), case
        if not cleaning.too_large(clean, share * len(clean)):
            assert holdout == [row for row in clean if keys.chance(cleaning.unit(row), 0) < share], case
        assert not {cleaning.unit(row) for row in pool} & {cleaning.unit(row) for row in holdout}, case
        assert len(pool) + len(holdout) == len(clean) == len({keys.key(row["text"]) for row in clean}), case
        assert {row["label"] for row in clean} == set(classes), case
        assert len(set(classes)) == len(classes) > 1, case
        json.dumps(pool + holdout, ensure_ascii=False).encode()


@pytest.mark.parametrize("suffix", ANY_TEXT)
@cases(4, 20)
def test_whole_files_of_wild_texts_give_exactly_their_rows(tmp_path, suffix, count):
    rng = seeded(f"whole {suffix}")
    for case in range(count):
        length = rng.randrange(12)
        texts = [text_of(rng) for _ in range(length)]
        labels = [rng.choice(LABELS) for _ in range(length)]
        columns = {"text": texts, "label": labels, "other": [text_of(rng) for _ in range(length)]}
        if rng.random() < 0.3:
            columns["group"] = [rng.choice("abcdefgh") for _ in range(length)]
        columns = dict(rng.sample(sorted(columns.items()), len(columns)))
        file = write(tmp_path / f"f{suffix}", columns)
        with time_limit(case):
            if "json" in suffix and not length:
                assert outcome(case, splits.read, section(file)) is None  # an empty one has no columns
                continue
            rows, _ = splits.read(section(file))
        assert pairs(rows) == list(zip(texts, labels)), case
        assert [row.get("group") for row in rows] == columns.get("group", [None] * length), case
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


def expected_label(value):
    """A label may stand alone in a list."""
    return expected(value[0] if value else None) if isinstance(value, list) and len(value) < 2 else expected(value)


@cases(20, 100)
def test_jsonl_rows_of_every_type_are_read_or_refused_as_they_should_be(tmp_path, count):
    rng = seeded("types")
    file = tmp_path / "f.jsonl"
    for case in range(count):
        choice = VALUES if rng.random() < 0.5 else [value for value in VALUES if not isinstance(value, list | dict)]
        rows = [
            {key: rng.choice(choice) for key in ("text", "label", "more") if rng.random() < 0.95}
            for _ in range(rng.randrange(1, 6))
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        read = outcome(case, splits.read, section(file))
        try:
            wanted = [(expected(row.get("text")), expected_label(row.get("label"))) for row in rows]
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


@pytest.mark.parametrize("suffix", ANY_TEXT)
@cases(8, 60)
def test_damaged_files_are_read_or_refused(tmp_path, suffix, count):
    rng = seeded(f"damaged {suffix}")
    columns = {"text": ["a good film", 'ü, "b"\nc', "😀", "שלום", ""], "label": ["1", "0", "1", "0", "1"], "group": list("aabbc")}
    whole = write(tmp_path / f"f{suffix}", columns).read_bytes()
    for case in range(count):
        (tmp_path / f"f{suffix}").write_bytes(mutated(rng, whole))
        read = outcome((case, suffix), splits.read, section(tmp_path / f"f{suffix}"))
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


@cases(12, 60)
def test_parquet_columns_of_every_type_are_read_or_refused(tmp_path, count):
    rng = seeded("parquet")
    for case in range(count):
        kinds = rng.choices(KINDS, k=2)
        length = rng.randrange(4)
        names = rng.choice([["text", "label"], ["label", "text"], ["text", "text"], ["", "label"], ["text.a", "label"], ["0", "1"]])
        try:
            pq.write_table(pa.Table.from_arrays([array_of(rng, kind, length) for kind in kinds], names), tmp_path / "f.parquet")
        except pa.ArrowException:
            continue  # parquet has no such type
        read = outcome((case, kinds), splits.read, section(tmp_path / "f.parquet"))
        if read:
            assert len(read[0]) == length
            check_prepared((case, kinds), read[0], rng)


@cases(10, 60)
def test_wild_names_of_data_sets_and_columns_are_refused(tmp_path, monkeypatch, count):
    alone = tmp_path / "all/alone/out/here"  # "../.." holds nothing that could be read
    alone.mkdir(parents=True)
    monkeypatch.chdir(alone)
    monkeypatch.setattr(hub_sets, "_load", lambda *_: {}[0])  # a hub that fails
    rng = seeded("names")
    file = write(tmp_path / "f.csv", {"text": ["a"], "label": ["1"]})
    paths = ["/", "//", "..", "~", "~root", "/dev/zero", "/dev/fd/0", "\ud800", ".csv", "train.csv", "hf://", "C:\\", "f" * 300]
    pieces = [*PIECES, *paths]
    for case in range(count):
        name = "".join(rng.choices(pieces, k=rng.randrange(1, 4))) or "?"
        assert outcome((case, name), splits.read, section(name)) is None
        columns = {key: rng.choice(["auto", name]) for key in ("text_column", "label_column", "group_column")}
        read = outcome((case, columns), splits.read, section(file, **columns))
        assert read is None or set(columns.values()) == {"auto"}


HEAD = """---
configs:
- {{config_name: other, data_files: other.csv}}
- config_name: {}
  data_dir: {}
  default: {}
  data_files:
  - split: {}
    path: {}
---
"""
USUAL_HEAD = ("usual", ".", "true", "train", "f.csv")


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_the_head_of_a_readme_is_followed_or_refused_and_runs_nothing(tmp_path, monkeypatch, every):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "d/f.csv", {"text": ["a"], "label": ["1"]})
    paths = ["/", "..", "../d/f.csv", "~/f.csv", "**", "'*'", "'[f'", "hf://d/f.csv", "f" * 300]
    values = [*USUAL_HEAD, *NO_YAML, *WRONG, BOMB, *paths]
    for place, value in list(itertools.product(range(len(USUAL_HEAD)), values))[::every]:
        words = [value if place == at else word for at, word in enumerate(USUAL_HEAD)]
        (tmp_path / "d/README.md").write_text(HEAD.format(*words), encoding="utf-8")
        read = outcome((place, value[:60]), splits.read, section("d"))
        assert read in (None, ([{"text": "a", "label": "1"}], None)), (place, value[:60])
    (tmp_path / "d/README.md").write_text(HEAD.format(*USUAL_HEAD), encoding="utf-8")
    assert outcome("usual", splits.read, section("d"))
    assert not Path("ran").exists()


# ---- params.yaml

SHIPPED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
# A few lines of aliases that stand for a list of 9 to the power of 9 numbers.
BOMB = "[&a1 [1], " + ", ".join(f"&a{n + 1} [" + ", ".join([f"*a{n}"] * 9) + "]" for n in range(1, 10)) + "]"
NO_YAML = [
    "9" * 5_000, "2024-13-45", "2024-01-01T99:99:99", "!!binary x", "!!int x", "!!float x", "!!bool x", "!!timestamp x",
    "!!python/object/apply:os.system ['touch ran']", "!!python/name:os.system", "!unknown x", "*nothing", "{? [1] : 2}",
    "[" * 500, "<<: *x", "=", "@", "`", "%", "\"\\ud800\"",
]  # fmt: skip
WRONG = [
    "~", "''", "' '", "x", "0", "1", "-1", "2", "1.5", "1e3", "'1e-3'", "1e400", ".inf", "-.inf", ".nan", "true", "off",
    "'12'", "0x10", "0o7", "1_000", "1:30", "9" * 30, "'" + "9" * 5_000 + "'", "-0.0", "[]", "{}", "[1]", "[[1]]", "{a: 1}",
    "{1: 2}", "[1, 1]", "[x, x]", "2024-01-01", "!!binary aGk=", "!!set {a}", "&a [*a]", "\"\\0\"", "'😀'",
    "x" * 100_000, "[" * 50 + "]" * 50, "{a: " * 50 + "1" + "}" * 50, "0x" + "f" * 5_000, "{<<: {a: 1}}", "|",
    ">\n    x", "# gone", "\t",
]  # fmt: skip
PLACES = [
    (key, *rest) for key, part in SHIPPED.items() for rest in ([()] if not isinstance(part, dict) else [(name,) for name in part])
] + [("train", "early_stopping", "patience"), ("rounds", "stage2", "after"), ("rounds", "stage2", "m"), ("unknown",)]


@pytest.fixture
def params_yaml(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


def loaded(params_yaml: Path, text: str):
    """A value in params.yaml, in a list, or None where the file cannot be read."""
    params_yaml.write_text(f"train:\n  epochs: {text}\n", encoding="utf-8")
    read = outcome(text[:60], params.load)
    return None if read is None else [read["train"]["epochs"]]


def replaced(section: dict, place: tuple[str, ...], value) -> dict:
    """A section with the value of one setting, at any depth, changed."""
    return {**section, place[0]: replaced(section[place[0]], place[1:], value) if place[1:] else value}


@pytest.mark.parametrize("text", NO_YAML, ids=lambda text: text[:20])
def test_a_value_that_is_no_yaml_is_refused_and_runs_nothing(params_yaml, text):
    assert loaded(params_yaml, text) is None
    assert not Path("ran").exists()


@pytest.mark.parametrize("every", [31, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_wrong_values_of_every_setting_are_refused_or_kept_as_they_are(params_yaml, monkeypatch, every):
    monkeypatch.setattr(plugins, "names", functools.cache(plugins.names))  # no file comes or goes meanwhile
    values = {text: loaded(params_yaml, text) for text in WRONG}
    for place, (text, [value]) in list(itertools.product(PLACES, values.items()))[::every]:
        case = f"{'.'.join(place)}: {text[:60]}"
        read = outcome(case, rules.checked, replaced(SHIPPED, place, value))
        if read:  # stages read the file themselves, so it must contain what was checked
            taken = functools.reduce(lambda part, word: part[word], place, read.model_dump())
            assert type(taken) is type(value) or (type(taken), type(value)) == (float, int), case
            assert taken == type(taken)(value), case


@pytest.mark.exhaustive  # test_values_that_once_crashed has one such list
@pytest.mark.exhaustive  # one such list is among test_values_that_once_crashed
@pytest.mark.parametrize("place", [("seeds",), ("embed",)])
def test_lists_of_lists_without_end_are_refused_in_few_words(params_yaml, place):
    assert outcome(place, rules.checked, replaced(SHIPPED, place, *loaded(params_yaml, BOMB))) is None


@cases(2, 20)
def test_damaged_params_are_read_or_refused(params_yaml, count):
    rng = seeded("damaged params")
    whole = yaml.safe_dump(SHIPPED, default_flow_style=True).encode()
    for case in range(count):
        params_yaml.write_bytes(mutated(rng, whole))
        if outcome(case, rules.check_file, "report"):
            assert vars(params.read("seeds", "prepare", "train")).keys() == {"seeds", "prepare", "train"}


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
@cases(40, 200)
def test_npy_headers_that_lie_are_refused(tmp_path, monkeypatch, count):
    monkeypatch.chdir(tmp_path)
    rng = seeded("npy")
    values = np.arange(6, dtype=np.float32)
    for case in range(count):
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
@cases(8, 30)
def test_damaged_artifacts_are_read_or_refused(tmp_path, count):
    rng = seeded("artifacts")
    values = np.arange(60, dtype=np.float32).reshape(30, 2)
    artifacts.save(tmp_path / "x.npy", values)
    rows = [{"text": f"text {i} 😀", "label": "a"} for i in range(5)]
    artifacts.save_jsonl(tmp_path / "x.jsonl", rows)
    artifacts.save_json(tmp_path / "x.json", {"rows": rows})
    artifacts.save(tmp_path / "answers.npy", np.arange(30) % 2)
    readers = {
        "answers.npy": lambda file: artifacts.load(file, np.int64, (None,), within=(CONFLICT, 2)),
        "x.npy": lambda file: artifacts.load(file, np.float32, (30, 2)),
        "x.jsonl": artifacts.texts,
        "x.json": artifacts.load_json,
    }
    for name, reader in readers.items():
        whole = (tmp_path / name).read_bytes()
        for case in range(count):
            (tmp_path / name).write_bytes(mutated(rng, whole))
            read = outcome((case, name), reader, tmp_path / name)
            if name == "x.npy" and read is not None:
                assert read.shape == (30, 2)
                assert read.nbytes == (tmp_path / name).stat().st_size - 128
            if name == "answers.npy" and read is not None:
                assert set(read.tolist()) <= {-3, -2, -1, 0, 1}
            if name == "x.jsonl" and read is not None:
                assert all(isinstance(text, str) for text in read)


# ---- bugs that the cases above found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.csv", b"", r"the file is empty"),
        ("f.jsonl", b"\n\n", r"f.jsonl is empty"),
        ("f.parquet", b"", r"cannot be read as parquet"),
        # pandas made numbers of these names
        ("f.jsonl", b'{"0": "a", "1": "b"}\n', r"name one of 0, 1"),
    ],
)
def test_files_that_once_crashed(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=message):
        splits.read(section(tmp_path / name))


def test_a_date_that_no_calendar_has_is_refused(tmp_path):
    pq.write_table(
        pa.table({"text": ["a", "b"], "label": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())}), tmp_path / "f.parquet"
    )
    with pytest.raises(Refused, match=r"f, row 1, column label: found a date, possible: text or a number"):
        splits.read(section(tmp_path / "f.parquet"))
    pq.write_table(pa.table({"text": ["a"], "label": pa.array([2**31 - 1], pa.int32()).cast(pa.date32())}), tmp_path / "f.parquet")
    with pytest.raises(Refused, match=r"f, row 1, column label: .*must have magnitude"):
        splits.read(section(tmp_path / "f.parquet"))


def test_a_class_name_of_thousands_of_digits_is_a_word():
    rows = [{"text": "a", "label": "9" * 5_000}, {"text": "b", "label": "1"}]
    assert cleaning.classes(rows, []) == ["1", "9" * 5_000]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!python/object/apply:os.system ['touch ran']", "cannot be read as YAML: could not determine a constructor"),
        ("-0x" + "f" * 5_000, r"train.epochs = a number of thousands of digits: must be"),
        (BOMB, r"^params.yaml: train.epochs = .{150,300}must be a valid integer"),
    ],
)
def test_values_that_once_crashed(params_yaml, value, message):
    shipped = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert shipped.count("  epochs: 5 ") == 1  # train's
    params_yaml.write_text(shipped.replace("  epochs: 5 ", f"  epochs: {value} "), encoding="utf-8")
    with pytest.raises(Refused, match=message):
        rules.check_file("report")
    assert not Path("ran").exists()
