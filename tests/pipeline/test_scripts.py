"""Texts and class names in Chinese, Arabic, Hindi and several scripts at once pass through the whole pipeline unharmed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.core.base import artifacts, keys, paths
from tests.support.project import IGNORED, ROOT, TINY, TO_BUCKETS, InProcess
from tests.support.tiny import tiny_encoder

# In the order of their code points, which is that of classes.json.
CLASSES = ["تقييم سلبي", "तटस्थ", "好评 👍"]
# Words by class, then words of no class. With a joiner that is not to be seen inside the Persian one, and vowels that are
# characters of their own in the Hindi ones.
WORDS = {
    "تقييم سلبي": ["سيئ", "ممل", "ضعيف", "плохо"],
    "तटस्थ": ["ठीक", "साधारण", "औसत", "normal"],
    "好评 👍": ["好看", "精彩", "感人", "très"],
}
FILLERS = ["电影", "导演", "الفيلم", "می‌خواهم", "फ़िल्म", "निर्देशक", "film", "фильм", "映画", "영화"]


def texts() -> dict[str, str]:
    """Text -> class: 96 texts, each of several scripts, with blanks around them."""
    rng = np.random.default_rng(0)
    made = {}
    for number in range(96):
        name = CLASSES[number % 3]
        words = [*rng.choice(FILLERS, size=int(rng.integers(2, 6))), *rng.choice(WORDS[name], size=2)]
        text = "。".join([" ".join(words), f"{number}\u2028{number}"])  # a line's end to some, but not to json
        made[f"\u3000{text} \n"] = name
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> InProcess:
    """Such texts through all stages of this process."""
    project = InProcess(tmp_path_factory.mktemp("scripts") / "项目 مشروع")
    project.folder.mkdir()
    shutil.copy(ROOT / "params.yaml", project.folder)
    rows = [{"text": text, "label": f" {name}"} for text, name in texts().items()]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (project.folder / "数据.jsonl").write_text(lines, encoding="utf-8")
    tiny_encoder(project.folder / "مشفر", words=[*FILLERS, *(word for words in WORDS.values() for word in words), "。"])
    project.change(TINY)
    project.change({
        "prepare": {"dataset": "数据.jsonl"}, "embed": {"model": "مشفر"}, "train": {"trainer": "probe", "folds": 2}, "arms": [],
        "rounds": {"stage2": {"after": "stage1", "m": 2}}, "stages": ["stage1", "stage2"], "random_at": ["stage1", "stage2"],
    })  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        for stage in TO_BUCKETS:
            project.call(stage)
        project.label_in_stages()
        for stage in ("stage1", "stage2"):
            project.call("train_random", stage)
        project.call("train_full")
        project.call("calibrate")
        project.call("report")
    return project


@pytest.fixture(autouse=True)
def inside(project, monkeypatch) -> None:
    monkeypatch.chdir(project.folder)


def pool() -> list[str]:
    return artifacts.texts(paths.POOL)


def test_texts_stay_as_the_source_has_them():
    assert sorted(pool() + artifacts.texts(paths.HOLDOUT)) == sorted(texts())


def test_every_text_has_its_class():
    assert artifacts.load_json(paths.CLASSES) == CLASSES
    expected = texts()
    for file, labels in ((paths.POOL, paths.ANSWERS), (paths.HOLDOUT, paths.HOLDOUT_LABELS)):
        assert [CLASSES[number] for number in np.load(labels)] == [expected[text] for text in artifacts.texts(file)]


def test_rows_that_were_chosen_can_be_read_by_a_person():
    for stage, rows in (("stage1", 12), ("stage2", 8)):
        selected = list(artifacts.load_jsonl(Path(f"data/{stage}/selected.jsonl")))
        assert len(selected) == 2 * rows  # of two seeds
        assert [row["text"] for row in selected] == [pool()[row["row"]] for row in selected]
    assert "电影" in Path("data/stage1/selected.jsonl").read_text(encoding="utf-8")  # and not \u7535\u5f71


def test_measures_name_the_classes():
    measured = artifacts.load_json(Path("metrics/summary.json"))
    assert [key for key in measured if key.startswith("false_")] == [
        f"false_{what}_{name}" for what in ("negatives", "positives") for name in CLASSES
    ]
    assert artifacts.load_json(Path("metrics/full/pool.json"))["accuracy"] > 0.9  # each word is seen for what it is


def test_plots_hold_texts_and_classes_as_they_are():
    confusion = artifacts.load_json(paths.PLOTS / "confusion.json")
    assert {row["actual"] for row in confusion} == {row["predicted"] for row in confusion} == set(CLASSES)
    assert {row["text"] for row in artifacts.load_json(paths.PLOTS / "bucket_map.json")} == {text[:80] for text in pool()}


@pytest.mark.dvc
def test_the_plots_page_shows_them(project):
    for name in ("stages", ".dvc"):
        shutil.copytree(ROOT / name, name, ignore=IGNORED)
    shutil.copy(ROOT / "dvc.yaml", ".")
    project.dvc("config", "core.no_scm", "true")
    project.dvc("plots", "show", "--quiet")
    page = Path("dvc_plots/index.html").read_text(encoding="utf-8").rpartition("<body>")[2]
    plots = [json.loads(script.split(";\n")[0]) for script in page.split("var spec = ")[1:]]
    values = [row for plot in plots if plot for row in plot["data"]["values"]]
    assert {row["actual"] for row in values if "actual" in row} == set(CLASSES)
    assert {row["text"] for row in values if "text" in row} == {text[:80] for text in pool()}


SAME = {
    "letters of double width": ("Ａ１　映画", "a1 映画"),
    "letters of half width": ("ﾃｽﾄ", "テスト"),
    "a vowel or dot by itself or not": ("फ\u093cिल्म", "\u095eिल्म"),
    "Arabic letters as they are printed": ("\ufefb", "لا"),
    "accents by themselves or not": ("tre\u0300s", "très"),
}


@pytest.mark.parametrize("what", SAME)
def test_a_key_is_the_same_however_a_text_is_written(what):
    one, two = SAME[what]
    assert one != two
    assert keys.key(one) == keys.key(two)


def test_keys_of_other_words_differ():
    words = ["好", "号", "किताब", "कताब", "كتاب", "كتب", "카", "가", "", "。"]
    assert len({keys.key(word) for word in words}) == len(words)
