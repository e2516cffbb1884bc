"""`make find`: rows with words, like a text, or surest of a class, which are told apart from those that the strategy chose."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.commands import find
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.people import finding
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked
from stages.core.report_page import build
from stages.core.rows import rounds
from tests.report_page.test_report_page import contents_of
from tests.support.people import next_open

pytestmark = pytest.mark.slow

FILE = Path("labels/stage1.csv")


def said(capsys) -> str:
    """The line about what was found."""
    return next(line for line in capsys.readouterr().out.splitlines() if "rows added, of" in line)


def found_in(stage: str = "stage1") -> list[asked.Row]:
    return [row for row in asked.read(stage) if row.found]


def test_rows_like_a_text_are_added_nearest_first_and_marked(first, capsys):
    header, *lines = csv.reader(FILE.read_text(encoding="utf-8-sig").splitlines())
    noted = [[*header, "my notes"], *([*line, "seen"] for line in reversed(lines))]  # sorted by hand, with a column of one's own
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(noted)
    find.main(like=" awful\nawful awful ", most="5")
    assert said(capsys) == "labels/stage1.csv: 5 rows added, of 88 unasked rows by likeness to 'awful awful awful'"
    assert [row.found for row in found_in()] == ["like: awful awful awful"] * 5
    now = list(csv.reader(FILE.read_text(encoding="utf-8-sig").splitlines()))
    assert [line[: len(header) + 1] for line in now[: len(noted)]] == noted

    state = Labelling()
    one = state.texts[state.pool_keys()[7]]
    nearest, of = finding.best(state, "like", one.text.upper(), state.pool_keys(), 5)  # its own vector: case changes no key
    assert next(iter(nearest)) == one.key
    assert of.startswith(f"{len(state.pool_keys())} unasked rows by likeness to")
    vectors = np.load(paths.EMBEDDINGS, allow_pickle=False)
    encoded, stored = (finding._unit(each[None])[0] for each in (finding._vectors(one.text, 0)[0], vectors[one.row]))
    assert encoded @ stored > 0.99  # another text gets the vector that embed would give it
    find.main(like="a very long text that no cell should hold whole", most="999")
    assert said(capsys).startswith("labels/stage1.csv: 83 rows added, of 83 unasked rows by likeness to")
    assert found_in()[-1].found == "like: a very long text that no cell should hol…"
    find.main(like="film")
    assert "0 rows added, of 0 unasked rows" in said(capsys)


def test_the_surest_rows_of_a_class_come_from_the_names_and_then_from_the_newest_models(first, capsys):
    with pytest.raises(
        Refused, match=r"^CLASS=pos: there is no model of these classes yet; label a round, or describe the classes"
    ):
        find.main(of_class="pos")
    first.change(
        {"train": {"names": "auto"}, "labels": {"describe": {"neg": "bad poor awful dull", "pos": "good fine great lovely"}}}
    )
    first.call("name_classes")
    find.main(of_class="pos", most="3")
    assert said(capsys).endswith("3 rows added, of 88 unasked rows by how sure the model of the classes' names is of pos")
    first.answer_all("stage1")
    first.repro("train_stage1")
    models = rounds.models("stage1")
    shutil.copytree(models, rounds.models("stage2"))  # as if a class was added after these were trained
    about = rounds.models("stage2") / "0" / paths.CLASSIFIER
    artifacts.save_json(about, artifacts.load_json(about) | {"classes": 1})
    find.main(of_class="pos", most="4")
    assert said(capsys).endswith("4 rows added, of 85 unasked rows by how sure the model of stage1 is of pos")
    assert [row.found for row in found_in()] == ["class: pos"] * 7

    state, row_of = Labelling(), {key: row for row, key in enumerate(Labelling().pool_keys())}
    sure = finding._probabilities((models / "0",), 1)[:, 1]
    left = [sure[row_of[key]] for key in finding.unasked(state)]
    assert min(sure[row_of[row.key]] for row in found_in()[3:]) >= max(left)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"^make find takes one of WORDS=, LIKE= and CLASS=, given: none; such as make find WORDS="),
        ({"words": "a", "like": "b"}, r"given: WORDS= and LIKE=; "),
        ({"words": "a", "like": "b", "of_class": "c"}, r"given: WORDS= and LIKE= and CLASS="),
        ({"words": " "}, "^WORDS= is empty; possible: words of a rare class"),
        ({"like": "\n"}, "^LIKE= is empty; possible: a text"),
        ({"like": "\udcff"}, "^LIKE= holds half a character; possible: text in UTF-8"),
        ({"of_class": "poss"}, r"^CLASS=poss: no such class; possible: neg, pos; did you mean pos\?"),
        ({"like": "dull", "stage": "stage3"}, "^STAGE=stage3: nothing was asked there yet; possible: stage1; make ask first"),
        ({"like": "dull", "stage": "holdout"}, "^STAGE=holdout: nothing was asked there yet; possible: stage1"),
        ({"words": "dull", "most": "none"}, "^MOST=none: possible: a number"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_in_one_line(first, given, message):
    before = FILE.read_bytes()
    with pytest.raises(Refused, match=message) as refused:
        find.main(**given)
    assert "\n" not in str(refused.value)
    assert FILE.read_bytes() == before


def test_words_are_found_in_any_unicode_form_and_in_scripts_without_blanks(first):
    state = Labelling()
    keys_ = state.pool_keys()[:3]
    for key, text in zip(keys_, ("我要退款", "a cafe\u0301", "refunded, or unrefunded")):
        state.texts[key] = replace(state.texts[key], text=text)
    found = {word: list(finding.best(state, "words", word, keys_, 5)[0]) for word in ("退款", "CAFÉ", "refund", "funded")}
    assert found == {"退款": keys_[:1], "CAFÉ": keys_[1:2], "refund": keys_[2:], "funded": []}


def test_without_vectors_of_these_texts_it_says_what_to_do(first):
    paths.EMBEDDINGS.with_suffix(".json").unlink()
    with pytest.raises(Refused, match=r"data/embeddings/pool.json .*dvc repro"):
        find.main(like="dull")
    find.main("dull")  # words need none
    assert found_in()


def test_the_holdout_is_never_found_and_never_takes_what_was_found(first, capsys):
    held = next_open(Labelling(), "holdout")
    with pytest.raises(Refused, match=r"^LIKE=.*: this text is in the holdout, which measures the model; use other words$"):
        find.main(like=held.text)
    find.main(like=f"{held.text} film", most="30")
    find.main(held.text, most="30")
    found = {row.key for row in found_in()}
    assert len(found) > 30
    assert not found & set(asked.keys("holdout"))
    first.change({"prepare": {"holdout_rows": 25}, "random_at": ["stage1"]})
    first.answer_all("stage1")
    first.ask()
    state = Labelling()
    assert len(asked.keys("holdout")) == 25
    assert not found & set(asked.keys("holdout"))
    # The random arm is a draw from the whole pool: it neither seeks nor shuns what was found.
    [order, *_] = rounds.random_orders(state.settings.seeds, len(state.pool_keys()))
    assert asked.keys("random") == [state.pool_keys()[row] for row in order[: len(asked.keys("random"))]]
    assert [row for name in ("holdout", "random") for row in asked.read(name) if row.found] == []


def test_rows_of_a_group_of_the_holdout_are_not_found(first):
    state = Labelling()
    one, held = state.texts[state.pool_keys()[0]], next_open(state, "holdout")
    for text in (one, held):
        state.texts[text.key] = type(text)(**vars(text) | {"group": "g"})
    assert one.key not in finding.unasked(state)


def test_the_report_tells_found_labels_apart(first):
    find.main("awful dull", most="4")
    state = Labelling()
    found = {row.key for row in found_in()}
    answered = first.answer_all("stage1") - 1
    state.answer("anna", min(found), "")  # one is taken back
    first.answer_all("holdout")
    first.repro()
    rows = artifacts.load_json(paths.PEOPLE)["found"]
    assert {name: {state.pool_keys()[row] for row in those} for name, those in rows.items()} == {"stage1": found}
    assert f"Found by hand, beside the rows that the strategy chose: 3 of the {answered} labels of stage1." in first.summary()
    page = contents_of(build.PATH.read_text(encoding="utf-8"))
    assert page["people"]["found"] == rows  # the table of picked rows has a column for it
    assert set(rows["stage1"]) <= {row["row"] for row in page["picked"]["stages"][0]["rows"]}
    state.answer("anna", min(found), "neg")
    first.repro()
    assert "4 of the 16 labels of stage1. They are no fair sample" in first.summary()


def test_a_text_kept_out_of_labels_is_kept_out_of_the_mark_too(project):
    project.change({"labels": {"keep_text": False}})
    project.ask()
    find.main(like=Labelling().texts[Labelling().pool_keys()[3]].text)
    assert {row.found for row in found_in()} == {"like"}
    assert not any(one in FILE.read_text(encoding="utf-8-sig") for one in project.truth)
