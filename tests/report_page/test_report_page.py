"""report.html: its contents, that no text escapes from it, and that it stays small. test_report_shown opens it in a browser."""

import base64
import json
import re
import shutil
import zlib

import numpy as np
import pytest

from stages.core.base import artifacts
from stages.core.report_page import build, mistakes, picks, points, render, shortened
from stages.core.rows import results, score_summary
from stages.core.rows.score_summary import ScoreSummary
from tests.support.project import InProcess

pytestmark = pytest.mark.slow

NAN = np.nan
EVIL = "</script><img src=x onerror=alert(1)> <!--<script> {{contents}} \u2028 &amp;"


def contents_of(html: str) -> dict:
    """The contents of the page as a browser reads them: up to the first end of the script element."""
    return json.loads(html.split('<script type="application/json" id="contents">')[1].split("</script>")[0])


# ---- texts


def test_a_long_text_is_cut_and_marked_and_a_short_one_is_not():
    assert [shortened.cut(text, 5) for text in ("12345", "123456", "1234 6")] == ["12345", "12345…", "1234…"]


def test_texts_are_cut_shorter_until_they_fit():
    long = ["x" * 200, "y" * 20]
    assert shortened.fitting(long, 100, 1_000, shortened.plain_size) == (["x" * 100 + "…", "y" * 20], 100)
    cut, length = shortened.fitting(long, 100, 80, shortened.plain_size)
    assert (cut, shortened.plain_size(cut) <= 80) == (["x" * length + "…", "y" * 20], True)
    assert 35 < length < 50
    assert shortened.fitting(long, 100, 1, shortened.plain_size)[1] == shortened.SHORTEST


def test_bytes_are_counted_as_on_the_page():
    texts = ["<b>", "é", 'a "quote"']
    page_bytes = len(render.as_script(texts).encode())
    assert page_bytes <= shortened.plain_size(texts) <= page_bytes + 10


# ---- names of buckets


def test_a_bucket_is_named_by_the_words_that_set_it_apart():
    pool = ["the ball and the goal", "a goal, a ball", "the bank and the rate", "the rate of the bank"]
    assert points.telling_words(pool, np.array([0, 0, 1, 1]), 2) == [["ball", "goal"], ["bank", "rate"]]


def test_a_bucket_without_words_has_no_name():
    assert points.telling_words(["1 2 3", "word here"], np.array([0, 1]), 3) == [[], ["word"], []]
    assert points.telling_words(["1", "2"], np.array([0, 1]), 2) == [[], []]


# ---- predictions before a round

SCORES = np.array([[0.2, NAN, 0.9], [0.4, NAN, NAN]], np.float32)  # [seeds, pool]
PREDICTED = np.array([[1, -1, 0], [1, -1, -1]], np.int16)


def test_the_summary_is_a_mean_over_the_seeds_in_which_a_row_was_open():
    np.testing.assert_allclose(score_summary.mean_where_known(SCORES), [0.3, NAN, 0.9], rtol=1e-6)
    assert score_summary.most_frequent(PREDICTED, 2).tolist() == [1, -1, 0]


def test_rows_on_the_map_have_the_first_stage_that_picked_them():
    columns = points.points(
        np.array([0, 2]),
        np.array([[0, 1], [0.5, 0]], np.float32),
        ["zero", "one", "two"],
        np.array([0, 1, -1]),
        np.array([1, 0, 0], np.int32),
        ScoreSummary(np.array([0.3, NAN, NAN], np.float32), np.array([1, 0, -1], np.int16), SCORES[:, :0], PREDICTED[:, :0]),
        [np.array([[1], [2]]), np.array([[2], [1]])],  # stages, each [seeds, rows]
    )
    packed = columns.pop("texts")
    assert json.loads(zlib.decompress(base64.b64decode(packed))) == ["zero", "two"]
    assert columns == {
        "row": [0, 2], "x": [0, 5000], "y": [10000, 0], "bucket": [1, 0], "class": [0, -1], "labels": None,
        "predicted": [1, -1], "score": [0.3, None], "picked": [-1, 0], "seeds": [0, 2], "cut_at": 300,
    }  # fmt: skip


def test_a_row_of_several_labels_has_them_all_and_the_colour_of_the_rarest():
    answers = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [-1, -1, -1]], np.int8)
    columns = points.points(
        np.arange(4), np.zeros((4, 2), np.float32), list("abcd"), answers, np.zeros(4, np.int32), None, [np.zeros((1, 0), int)]
    )
    assert (columns["class"], columns["labels"]) == ([1, 0, 3, -1], ["0;1", "0", "", -1])


# ---- picked rows


def test_a_changed_prediction_counts_for_the_nearest_picked_row():
    pool, holdout = np.eye(3, dtype=np.float32), np.array([[2, 0, 1], [0, 1, 0], [3, 1, 0], [0, 0, 1]], np.float32)
    old, new = np.array([[0, 0, 0, 0]]), np.array([[1, 0, 1, 1]])  # rows 0, 2 and 3 change
    assert picks.changed_predictions(np.array([[2, 0]]), old, new, pool, holdout).tolist() == [[1, 2]]
    assert picks.changed_predictions(np.array([[2, 0]]), old, old, pool, holdout).tolist() == [[0, 0]]
    assert picks.changed_predictions(np.zeros((1, 0), np.int64), old, new, pool, holdout).shape == (1, 0)


def test_a_row_that_two_seeds_picked_is_listed_once():
    summary = ScoreSummary(None, None, np.array([[NAN, 0.2], [NAN, 0.4]], np.float32), np.array([[-1, 1], [-1, 1]], np.int16))
    rows = picks.of_stage(np.array([[5], [5]]), np.array([[0], [0]]), summary, slice(1, 2), np.array([[3], [4]]), np.arange(9))
    assert rows == [{"row": 5, "seeds": 2, "bucket": 5, "score": 0.3, "predicted": 1, "label": 0, "changed": 7}]


def test_rows_that_do_not_fit_on_the_page_are_counted(monkeypatch):
    monkeypatch.setattr(picks, "MOST_ROWS", 3)
    stages = [{"stage": name, "rows": [{"row": row} for row in range(2)]} for name in ("stage1", "stage2")]
    found = picks.with_texts(stages, ["zero", "one"])
    assert [(len(stage["rows"]), stage["all"]) for stage in found["stages"]] == [(2, 2), (1, 2)]
    assert (found["left_out"], found["texts"]) == (1, {"0": "zero", "1": "one"})


# ---- mistakes

ACTUAL = np.array([0, 0, 1, 1])
PROBABILITIES = np.array(
    [[[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.8, 0.2]], [[0.7, 0.3], [0.3, 0.7], [0.1, 0.9], [0.4, 0.6]]], np.float32
)


def test_mistakes_come_surest_first_with_the_rows_behind_each_cell():
    found = mistakes.mistakes(PROBABILITIES, ACTUAL, list("abcd"), np.array([0, 1, 1, 1]))
    assert (found["counts"], found["mistakes"], found["pairs"]) == ([[1, 1], [1, 1]], 2, [[0, 1, 1], [1, 0, 1]])
    assert [(row["text"], row["sure"], row["agree"], row["doubtful"]) for row in found["rows"]] == [
        ("b", 0.7, 2, True), ("d", 0.6, 1, False), ("a", 0.8, 2, False), ("c", 0.9, 2, False),
    ]  # fmt: skip


def test_classes_with_fewest_labels_come_first():
    rows = mistakes.by_class(PROBABILITIES, ACTUAL, np.array([[0, 0, 1], [0, 0, 1]]), np.array([0, 1, 1, -1]))
    assert [(row["class"], row["labels"], row["pool"], row["recall"]) for row in rows] == [(1, 1.0, 2, 0.75), (0, 2.0, 1, 0.5)]


def test_rows_to_check_again_lack_a_class_or_contradict_a_sure_prediction():
    columns = ("row", "score", "predicted", "label")
    values = [(1, 0.9, 1, 0), (2, 0.1, 1, 0), (3, 0.1, 0, 0), (4, None, None, -3)]
    rows = [dict(zip(columns, each)) for each in values]
    assert [row["row"] for row in mistakes.check_again([{"stage": "stage2", "rows": rows}])] == [4, 2, 1]


# ---- the page of a tiny project


@pytest.fixture(scope="module")
def project(clustered, tmp_path_factory) -> InProcess:
    """A tiny project with two stages and markup in some texts, up to the report."""
    folder = tmp_path_factory.mktemp("page") / "a projéct"
    shutil.copytree(clustered.folder, folder)
    project = InProcess(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        for row in rows[::4]:
            row["text"] += EVIL
        rows += [rows[0], rows[1] | {"label": rows[2]["label"]}]
        (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        rounds = {"stage2": {"after": "stage1", "m": 2}}
        project.change({"arms": [], "rounds": rounds, "random_at": ["stage1", "stage2"]})
        for stage in ("prepare", "collect_answers", "embed", "name_classes", "map", "reduce", "cluster"):
            project.call(stage)
        project.label_in_stages()
        for stage in ("stage1", "stage2"):
            project.call("train_random", stage)
        for stage in ("train_full", "calibrate", "report"):
            project.call(stage)
    return project


@pytest.fixture
def reported(project, monkeypatch) -> tuple[InProcess, str]:
    """The project, in which this process is, and its page."""
    monkeypatch.chdir(project.folder)
    return project, build.PATH.read_text(encoding="utf-8")


def test_no_text_ends_its_script_element(reported):
    _, html = reported
    assert any(EVIL in text for text in contents_of(html)["picked"]["texts"].values())
    assert EVIL not in html
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert "onerror" not in outside
    assert (
        html.count("</script>")
        == html.count("<script>\n") + html.count('<script type="application/json"')
        == 1 + len(render.SCRIPTS)
    )


def test_the_page_loads_no_other_file(reported):
    _, html = reported
    assert re.findall(r"<(?:link|img|iframe|script src)\b", re.sub(r"<script.*?</script>", "", html, flags=re.S)) == []
    assert "default-src 'none'" in html


def test_the_same_results_give_the_same_bytes(reported):
    project, html = reported
    build.PATH.unlink()
    project.call("report")
    assert build.PATH.read_text(encoding="utf-8") == html


def test_the_answer_comes_first_on_the_page_and_in_the_tables(reported):
    project, html = reported
    first = (project.folder / "data/summary.md").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(
        rf"With 20 labels \d\.\d\d, random rows \d\.\d\d, all {artifacts.pool_rows()} labels \d\.\d\d \(accuracy\); [a-z ]+\.",
        first,
    )
    assert f"<h1>{first}</h1>" in html
    assert contents_of(html)["answer"]["sentence"] == first


def test_map_picks_and_errors_agree(reported):
    found = contents_of(reported[1])
    rows = len(found["map"]["row"])
    assert rows == found["map"]["pool"] == artifacts.pool_rows()
    for column in ("x", "y", "bucket", "class", "predicted", "score", "picked", "seeds"):
        assert len(found["map"][column]) == rows
    picked = {row["row"] for stage in found["picked"]["stages"] for row in stage["rows"]}
    assert picked == {row for row, stage in zip(found["map"]["row"], found["map"]["picked"]) if stage >= 0}
    assert [sum(row["seeds"] for row in stage["rows"]) for stage in found["picked"]["stages"]] == [24, 16]  # 2 seeds
    assert sum(map(sum, found["errors"]["counts"])) == 119 - rows


def test_dropped_rows_are_counted_and_listed(reported):
    made = contents_of(reported[1])["made"]
    assert [[row["what"], row["text"].endswith(EVIL)] for row in made["dropped"]] == [
        ["pool duplicates", True], ["pool with two labels", False], ["pool with two labels", False],
    ]  # fmt: skip
    assert dict(made["counts"])["pool with two labels"] == "2"


def test_every_setting_that_the_report_reads_is_shown(reported):
    shown = dict(contents_of(reported[1])["made"]["settings"])
    assert (shown["rounds.stage2.m"], shown["cluster.clusters"], shown["map.method"]) == ("2", "4", "pca")
    assert [name for name in shown if name.startswith("machine")] == []


def test_changed_predictions_add_up_to_the_holdout_rows_that_changed(reported):
    rows = artifacts.pool_rows()
    old, new = (results.load("bucketed", stage, rows, 119 - rows, 2).probabilities.argmax(2) for stage in ("stage1", "stage2"))
    [_, stage2] = contents_of(reported[1])["picked"]["stages"]
    assert sum(row["changed"] for row in stage2["rows"]) == (old != new).sum()


def test_a_removed_round_leaves_nothing(reported):
    project, _ = reported
    score_summary.load("stage2", artifacts.pool_rows(), 2, 2).save("stage9")
    score_summary.forget_all_but(["stage2"])
    assert sorted(path.name for path in (project.folder / "data/map").glob("*/")) == ["stage2"]


def random_texts(rows: int, characters: int, rng: np.random.Generator) -> list[str]:
    """Texts of three-byte characters, which hardly deflate."""
    letters = rng.integers(0x4E00, 0x9000, size=rows * characters, dtype=np.uint32).tobytes().decode("utf-32-le")
    return [letters[at : at + characters] for at in range(0, len(letters), characters)]


@pytest.mark.parametrize("scale", [0.05, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_page_of_100_000_rows_stays_under_6_mb(reported, monkeypatch, scale):
    for module in (points, picks, mistakes):
        monkeypatch.setattr(module, "BUDGET", int(module.BUDGET * scale))
    rng, rows = np.random.default_rng(0), int(20_000 * scale)
    pool, order = random_texts(rows, 310, rng), rng.permutation(rows)
    contents = contents_of(reported[1])
    before = len(render.page(contents).encode())
    summary = ScoreSummary(rng.random(rows).astype(np.float32), rng.integers(20, size=rows).astype(np.int16), None, None)
    places = rng.random((rows, 2)).astype(np.float32)
    buckets, some = (order % 50).astype(np.int32), int(9_000 * scale)
    contents["map"] |= points.points(np.arange(rows), places, pool, order % 20, buckets, summary, [order[None, : rows // 7]])
    contents["map"]["row"] = [row + 80_000 for row in contents["map"]["row"]]  # a sample of 100,000 has row numbers as long
    picked = [{"row": row, "seeds": 1, "bucket": 49, "score": 0.123} for row in range(int(600 * scale))]
    contents["picked"] = picks.with_texts([{"stage": "stage1", "rows": picked}], random_texts(len(picked), 5_100, rng))
    probabilities = rng.random((1, some, 20)).astype(np.float32)
    contents["errors"] |= mistakes.mistakes(probabilities, order[:some] % 20, pool[:some], None)
    assert 2_700_000 * scale < len(render.page(contents).encode()) - before < 5_700_000 * scale
    assert 40 < contents["map"]["cut_at"] < 300 < contents["picked"]["cut_at"] < 5_000
