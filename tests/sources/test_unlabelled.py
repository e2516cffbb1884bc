"""A pool and a holdout from rows with few or no labels."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from stages import inputs, prepare
from stages.commands import check
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.people.records import asked
from stages.core.people.records.asked import Row
from stages.core.sources import cleaning
from tests.support.project import ROOT


def rows(*texts, **groups):
    return [{"text": text, "label": None, **({"group": groups[text]} if groups else {})} for text in texts]


MANY = rows(*(f"text {i}" for i in range(1_000)))


def texts(side):
    return [row["text"] for row in side]


def test_texts_of_one_key_are_one_row_and_take_the_label_that_one_of_them_has():
    given = [
        {"text": "A film", "label": None},
        {"text": "a  FILM", "label": "pos"},
        {"text": "plot", "label": "pos"},
        {"text": "Plot", "label": "neg"},
        {"text": "end", "label": None},
    ]
    kept, duplicates, disputed = cleaning.one_per_text(given, labelled=False)
    assert [(row["text"], row["label"]) for row in kept] == [("A film", "pos"), ("plot", None), ("end", None)]
    assert texts(duplicates) == ["a  FILM", "Plot"]
    assert texts(disputed) == ["plot"]


def test_the_drawn_rows_depend_on_the_seed_and_not_on_their_order():
    pool, holdout, aside = cleaning.drawn(MANY, 100, seed=0)
    assert (len(pool), len(holdout), aside) == (900, 100, [])
    assert set(texts(cleaning.drawn(MANY[::-1], 100, seed=0)[1])) == set(texts(holdout))
    assert len(set(texts(cleaning.drawn(MANY, 100, seed=1)[1])) & set(texts(holdout))) < 30
    assert set(texts(cleaning.drawn(MANY, 50, seed=0)[1])) < set(texts(holdout))
    assert np.abs(np.mean([int(text.split()[1]) for text in texts(holdout)]) - 499.5) < 87  # three standard errors: from all over


def test_a_holdout_of_no_rows_is_empty():
    assert cleaning.drawn(MANY, 0, seed=0) == (MANY, [], [])


def test_a_holdout_that_was_asked_stays_and_new_rows_do_not_enter_it():
    fixed = {keys.key(f"text {i}") for i in (3, 5)}
    pool, holdout, _ = cleaning.drawn(MANY, 100, seed=0, fixed=fixed)
    assert texts(holdout) == ["text 3", "text 5"]
    assert len(pool) == 998


def test_groups_lie_on_one_side_and_rows_that_join_a_held_group_later_are_left_out():
    given = rows("a", "b", "c", "d", a="x", b="x", c="y", d="y")
    pool, holdout, aside = cleaning.drawn(given, 1, seed=0)
    assert (len(pool), len(holdout), aside) == (2, 2, [])
    assert len({row["group"] for row in holdout}) == 1
    fixed = [keys.key("a")]
    pool, holdout, aside = cleaning.drawn(given, 1, seed=0, fixed=fixed)
    assert (texts(pool), texts(holdout), texts(aside)) == (["c", "d"], ["a"], ["b"])


def test_a_group_that_is_too_large_for_the_holdout_goes_to_the_pool():
    given = [{"text": f"text {i}", "label": None, "group": "A" if i < 90 else f"B{i}"} for i in range(120)]
    for seed in range(5):
        pool, holdout, aside = cleaning.drawn(given, 20, seed)
        assert (len(pool), len(holdout), aside) == (100, 20, [])
        assert "A" not in {row["group"] for row in holdout}
    with pytest.raises(Refused, match=r"none is left for the holdout; raise it, bring more rows, or set prepare.group_column to"):
        cleaning.drawn(given[:90], 20, seed=0)


def test_a_holdout_of_all_rows_is_refused():
    with pytest.raises(Refused, match=r"prepare.holdout_rows = 4: of 4 rows 4 fall to the holdout, and none is left for the pool"):
        cleaning.drawn(rows("a", "b", "c", "d"), 4, seed=0)


def labelled(*labels):
    return [{"text": str(i), "label": label} for i, label in enumerate(labels)]


def test_classes_are_the_named_ones_in_their_order_or_those_of_the_source():
    assert cleaning.named_classes(["z", "a"], labelled("a", None), []) == ["z", "a"]
    assert cleaning.named_classes([], labelled("z", None, "a"), labelled("m")) == ["a", "m", "z"]
    with pytest.raises(
        Refused, match=r"labels.classes lacks Pos, a label of the source \(1 such\); possible: pos, neg; did you mean pos"
    ):
        cleaning.named_classes(["pos", "neg"], labelled("Pos", None), [])
    with pytest.raises(Refused, match=r"labels.classes = \[\]: the source has 0 classes, .* name them, such as"):
        cleaning.named_classes([], labelled(None, None), [])


# ---- the stage


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A function that writes the source, rows of a jsonl, and runs prepare with some settings of it."""
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content |= {"arms": [], "random_at": []}
    content["train_final"]["arms"] = ["bucketed"]

    def run(source: list[dict], classes=("neg", "pos"), rename=None, **changes):
        Path("f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in source))
        content["prepare"] |= {"dataset": "f.jsonl", "holdout_rows": 2} | changes
        content["labels"] |= {"from": "people", "classes": list(classes), "rename": rename or {}}
        Path("params.yaml").write_text(yaml.safe_dump(content))
        prepare.main()
        return artifacts.texts(paths.POOL), artifacts.texts(paths.HOLDOUT)

    return run


def test_texts_without_a_label_column_are_split_and_all_wait_for_labels(project, capsys):
    pool, holdout = project([{"text": f"Text {i} "} for i in range(6)])
    assert sorted(pool + holdout) == [f"Text {i} " for i in range(6)]
    assert len(holdout) == 2
    assert np.load(paths.SOURCE_LABELS).tolist() == [-1] * 4
    assert np.load(paths.SOURCE_HOLDOUT_LABELS).tolist() == [-1] * 2
    assert artifacts.load_json(paths.CLASSES) == ["neg", "pos"]
    said = capsys.readouterr().out
    assert "prepare: holdout of 2 rows, drawn at random, to be labelled first; 0 rows of their groups left out" in said
    assert "prepare: 4 rows in the pool, 2 in the holdout; pool none labelled; holdout none labelled" in said


def test_labels_of_the_source_are_kept_under_their_new_name(project):
    source = [{"text": f"text {i}", "label": label} for i, label in enumerate(["good", "", "neg", None, "pos"])]
    pool, _ = project(source, rename={"good": "pos"}, holdout_rows=0)
    assert pool == [f"text {i}" for i in range(5)]
    assert np.load(paths.SOURCE_LABELS).tolist() == [1, -1, 0, -1, 1]


def test_labels_of_the_source_mean_the_class_that_looks_the_same(project):
    source = [{"text": f"text {i}", "label": "de\u0301ga\u0302t"} for i in range(4)]
    project(source, classes=["d\u00e9g\u00e2t", "pos"], holdout_rows=0)
    assert artifacts.load_json(paths.CLASSES) == ["d\u00e9g\u00e2t", "pos"]
    assert np.load(paths.SOURCE_LABELS).tolist() == [0] * 4


def test_a_named_label_column_that_is_missing_is_refused(project):
    with pytest.raises(Refused, match=r"prepare.label_column = sort: no such column"):
        project([{"text": "a"}, {"text": "b"}], label_column="sort", holdout_rows=0)


def test_make_check_says_that_texts_without_labels_can_be_used(project, capsys):
    project([{"text": f"text {i}"} for i in range(400)])
    check.main("f.jsonl")
    assert "f.jsonl can be used, and nothing was written: set prepare.dataset to it" in capsys.readouterr().out


def test_a_holdout_that_was_asked_is_that_of_its_file(project, capsys):
    source = [{"text": f"text {i}"} for i in range(6)]
    asked.add("holdout", [Row(keys.key("TEXT 1"), "text 1")])
    pool, holdout = project(source)
    assert holdout == ["text 1"]
    assert len(pool) == 5
    assert "holdout of 1 rows, those of labels/holdout.csv" in capsys.readouterr().out


def test_the_keys_of_the_holdout_file_are_recorded_and_its_answers_are_not(project):
    project([{"text": f"text {i}"} for i in range(6)])
    Path("data/encoder").mkdir()

    def told():
        inputs.main()
        return artifacts.load_json(Path("data/inputs/prepare.json"))["labels.from"]["sha256"]

    before = told()
    asked.add("holdout", [Row(keys.key("a")), Row(keys.key("b"))])
    after = told()
    assert before != after
    asked.add("holdout", [Row(keys.key("a"), "a", label="pos")])
    assert told() == after
