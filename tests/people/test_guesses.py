"""Guesses of a program: read line by line, measured on rows drawn at random, and taken for answers that never overrule a person."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages import collect_answers
from stages.commands import guesses, waiting
from stages.core import task
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.people import program_guesses
from stages.core.people.labelling import Labelling
from stages.core.people.records import asked, journal, second_copy
from tests.support.page import on_paper
from tests.support.people import OTHER
from tests.support.processes import Hold
from tests.support.project import ROOT, Project

POOL, HELD = [f"text {i}" for i in range(40)], [f"held {i}" for i in range(160)]
TRUTH = {text: ("neg", "pos")[i % 2] for i, text in enumerate([*POOL, *HELD])}
FILE, PROGRAM = "gpt x.jsonl", "program-gpt-x"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Project:
    """40 texts of a pool, the data set labels the last; 160 of a holdout, which people are asked for."""
    monkeypatch.chdir(tmp_path)
    project = on_paper(tmp_path)
    for path, labels, texts in ((paths.POOL, paths.SOURCE_LABELS, POOL), (paths.HOLDOUT, paths.SOURCE_HOLDOUT_LABELS, HELD)):
        artifacts.save_jsonl(path, ({"text": text} for text in texts))
        artifacts.save(labels, np.array([-1] * (len(texts) - 1) + [1 if texts is POOL else -1]))
    artifacts.save(paths.CLUSTERS, np.zeros(len(POOL), np.int32))
    asked.file_of("stage1").unlink()
    ask("stage1", POOL[:4])
    ask(asked.HOLDOUT, HELD)
    return project


def ask(name: str, texts: list[str]) -> None:
    asked.add(name, [asked.Row(keys.key(text), text) for text in texts])


def answer(texts: list[str], who: str = "anna", **other: str) -> None:
    """other   a label in place of the true one"""
    journal.append(who, [(keys.key(text), other.get("label", TRUTH[text])) for text in texts])


def guess(wrong: tuple[str, ...] = (), sure=lambda text: 0.9, file: str = FILE, texts=(*POOL, *HELD), **more) -> None:
    """Write guesses for all texts, of which those `wrong` are."""
    labels = {text: OTHER[TRUTH[text]] if text in wrong else TRUTH[text] for text in texts}
    lines = [{"text": text.upper(), "label": label, "from": "gpt x", "sure": sure(text)} | more for text, label in labels.items()]
    Path(file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def said(capsys, *words: str) -> str:
    capsys.readouterr()
    guesses.main(*words)
    return capsys.readouterr().out


def given(who: str = PROGRAM) -> dict[str, str]:
    text_of = {keys.key(text): text for text in TRUTH}
    return {text_of[key]: answer.label for key, answer in journal.answers_of(who).items()}


# ---- reading


def test_a_line_names_a_text_or_a_key_and_the_last_one_counts(tmp_path):
    file = tmp_path / "gpt-4.1.jsonl"
    lines = [
        '{"text": "a", "label": "pos", "sure": 0.5}',
        "",
        '{"text": " A", "label": " bad ", "sure": 0.931, "from": "gpt <b>", "why": "it says so"}',
        f'{{"key": "{keys.key("b")}", "label": "pos", "sure": 1}}',
        '{"text": "c", "label": "neg"}\r',
        '{"text": "c", "label": "?"}',
        '{"text": "d", "label": "pos", "sure": null}',
        '{"text": "e", "lab',  # it is being written
    ]
    file.write_bytes("\n".join(lines).encode("utf-8-sig"))
    found = program_guesses.read(file, ["neg", "pos"], {"bad": "worse", "worse": "neg"}, task.SINGLE)
    assert {key: str(each) for key, each in found.items()} == {
        keys.key("a"): "gpt <b>: neg, 93.1% sure",
        keys.key("b"): "gpt-4.1: pos, 100% sure",
        keys.key("d"): "gpt-4.1: pos",
    }
    file.write_text(lines[0])  # a program goes on writing while the page is open
    assert list(program_guesses.read(file, ["neg", "pos"], {}, task.SINGLE)) == [keys.key("a")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        *(
            (f'"text": "a", "label": "pos", "sure": {sure}', "sure must be ")
            for sure in ("1.01", "-0.1", "NaN", "1e999", "true", '"1"')
        ),
        ('"text": "a", "label": "Pos"', r"label = Pos, which is no class; possible: neg, pos, \?; did you mean pos\?"),
        ('"text": "a"', "label must be there"),
        ('"text": "a", "label": 1', "label must be a valid string, found '1'"),
        ('"label": "pos"', "has neither key nor text"),
        ('"text": "  ", "label": "pos"', "text must have at least 1 character"),
        ('"key": "t12", "label": "pos"', "key must match pattern .*found 't12'"),
        ('"text": "a", "label": "pos", "from": ["x"]', "from must be a valid string"),
        ('"text": "\\ud800", "label": "pos"', "it Invalid JSON"),
        ('"text": "a", "label": "pos"}, {', "it Invalid JSON"),
        ('"a":{' * 9999, "it Invalid JSON: recursion limit exceeded"),
    ],
)
def test_what_is_no_guess_is_refused_with_file_and_line(line, message):
    Path("g.jsonl").write_text(f'{{"text": "b", "label": "pos"}}\n\n{{{line}}}\n')
    with pytest.raises(Refused, match=rf"^g.jsonl, line 3:? {message}"):
        guesses.main("g.jsonl")
    Path("g.jsonl").write_bytes(b'{"text": "\xff", "label": "pos"}\n')
    with pytest.raises(Refused, match=r"^g.jsonl cannot be read: line 1, byte 11 of the file, 0xff, is not utf-8"):
        guesses.main("g.jsonl")


def test_bad_words_are_refused(project):
    for words, message in (
        (("",), "FILE= is empty, and so is labels.guesses"),
        (("no.jsonl",), "no.jsonl cannot be read: .*No such file"),
        ((FILE, "", "yes"), "TAKE=yes: possible: 1, or leave it out"),
        *(
            ((FILE, most), f"MOST_ERROR={most}: possible: a share above 0, 0.5 at most")
            for most in ("2%", "0", "0.6", "nan", "1e-3")
        ),
    ):
        with pytest.raises(Refused, match=message):
            guesses.main(*words)
    guess(texts=POOL[:1])
    Path(FILE).write_text(Path(FILE).read_text() + Path(FILE).read_text().replace("gpt x", "other").replace("TEXT 0", "TEXT 1"))
    with pytest.raises(Refused, match=r"gpt x.jsonl holds guesses of gpt x, other, possible: one program; write a file for each"):
        guesses.main(FILE)


def test_the_recipe_of_the_docs_writes_such_a_file(tmp_path, monkeypatch):
    Path("my_service.py").write_text("ask = lambda text: {'text 0': 'pos\\n', 'held 1': 'neg'}.get(text, 'no idea')\n")
    monkeypatch.syspath_prepend(tmp_path)
    recipe = (ROOT / "docs/labelling-more.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(recipe, {})  # noqa: S102
    found = program_guesses.read(Path("gpt-x.jsonl"), ["neg", "pos"], {}, task.SINGLE)
    assert {key: str(each) for key, each in found.items()} == {keys.key("text 0"): "gpt-x: pos", keys.key("held 1"): "gpt-x: neg"}


# ---- statistics


def test_the_bound_is_that_of_the_binomial_by_hand():
    for wrong, rows in ((0, 10), (0, 149), (1, 149), (3, 400)):
        bound, chance = guesses.most_wrong(wrong, rows), 1.0
        below = 0.0
        for number in range(wrong + 1):  # chance: rows over number
            below += chance * bound**number * (1 - bound) ** (rows - number)
            chance *= (rows - number) / (number + 1)
        assert below == pytest.approx(0.05, abs=1e-9)
    assert guesses.most_wrong(0, 148) > 0.02 > guesses.most_wrong(0, 149)
    assert guesses.most_wrong(5, 5) == 1


def test_thresholds_are_tried_from_the_surest_down_until_one_fails():
    sure = np.repeat([0.99, 0.9, 0.5], [149, 200, 300])
    right = np.ones(649, bool)
    assert guesses.threshold(sure, right, 0.02)[0] == 0
    right[150:180] = False  # 30 of 349 at 0.9; all the rest is right
    least, words = guesses.threshold(sure, right, 0.02)
    assert (least, words) == (
        0.91,
        "of guesses with sure >= 0.91, 0 of 149 are wrong, at most 1.99% may be: these guesses may be taken",
    )
    right[0] = False
    least, words = guesses.threshold(sure, right, 0.02)
    assert least is None
    assert words.startswith("of guesses with sure >= 0.99, 1 of 149 are wrong, up to 3.14% may be; it takes ")
    more = int(words.split("it takes ")[1].split()[0])
    assert guesses.most_wrong(1, 149 + more) <= 0.02 < guesses.most_wrong(1, 148 + more)
    unsure = guesses.threshold(np.zeros(100), np.ones(100, bool), 0.02)
    assert unsure == (None, "of all guesses, 0 of 100 are wrong, up to 2.95% may be; it takes 49 more such rows without an error")
    assert "149 more" in guesses.threshold(np.zeros(0), np.zeros(0, bool), 0.02)[1]


@pytest.mark.slow
def test_a_threshold_with_more_errors_than_promised_is_seldom_found():
    """From 0.8 down 3.1% are wrong, above 0.2%."""
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        sure = rng.choice([0.99, 0.95, 0.8], 600)
        right = rng.random(600) > np.where(sure > 0.8, 0.002, 0.089)
        found.append(guesses.threshold(sure, right, 0.03)[0] or 1)
    assert sum(least <= 0.8 for least in found) <= 20  # 5% are 10, with a standard deviation of 3
    assert sum(least == 0.81 for least in found) > 150


# ---- the command


def test_guesses_are_measured_on_rows_drawn_at_random_and_only_when_all_are_answered(capsys):
    guess()
    answer([*HELD[:-1], *POOL[:2]])
    lines = said(capsys, FILE).splitlines()
    assert lines[0] == "gpt x.jsonl: 200 guesses; 0 more are for texts that are not in the data set now"
    assert [cell.strip() for cell in lines[-3].split("|")[1:-1]] == ["in all", "200", "162", "162", "100.0%", "97.7% to 100.0%"]
    assert lines[-2] == "labels/holdout.csv: 1 of 160 rows wait for people; none counts before all are answered"
    assert "on 0 rows that were drawn at random" in lines[-1]
    with pytest.raises(
        Refused, match=r"TAKE=1 with MOST_ERROR=0.02: on 0 rows .* it takes 149 more such rows without an error; nothing"
    ):
        guesses.main(FILE, "", "1")
    journal.append(PROGRAM, [(keys.key(HELD[-1]), TRUTH[HELD[-1]])])  # no answer of a person
    assert "labels/holdout.csv: 1 of 160 rows wait for people" in said(capsys, FILE)
    answer(HELD[-1:])
    assert "on 160 rows that were drawn at random and answered by people: of all guesses, 0 of 160 are wrong" in said(capsys, FILE)
    assert (journal.annotators(), len(given())) == (["anna", PROGRAM], 1)  # asking takes nothing


@pytest.mark.parametrize("hard", ["?", "conflict", "other"])
def test_what_people_cannot_say_or_disagree_on_is_no_success(capsys, hard):
    guess()
    answer(HELD)
    if hard == "conflict":
        answer(HELD[:4], "bob", label="neg")
    else:
        answer(HELD[:4], label="?" if hard == "?" else "pos")
    wrong = 4 if hard == "?" else 2
    assert f"of guesses with sure >= 0.9, {wrong} of 160 are wrong" in said(capsys, FILE)
    with pytest.raises(Refused, match="nothing was taken"):
        guesses.main(FILE, "0.02", "1")
    assert f"{wrong} of 160 are wrong" in said(capsys, FILE, "0.1", "1")


def test_sure_guesses_become_answers_where_there_are_none_and_are_taken_back_whole(project, capsys):
    guess(wrong=(POOL[9],), sure=lambda text: 0.2 if text in (*POOL[20:30], *HELD[:5]) else 0.9)
    answer([*HELD, *POOL[:2]])
    answer(POOL[2:3], label="?")
    ask(asked.RANDOM, [POOL[0], POOL[1]])
    answer(HELD[:5], label="?")  # at 0.2 too much is wrong
    out = said(capsys, FILE, "", "1")
    # 40 of the pool, less 3 answered, 10 unsure and one with a label of the data set
    assert "26 guesses are now answers of program-gpt-x, 1 of them to rows that a round asks for; UNDO=1 takes them back" in out
    assert given() == {text: TRUTH[text] for text in [*POOL[3:20], *POOL[30:39]]} | {POOL[9]: OTHER[TRUTH[POOL[9]]]}
    assert "0 guesses are now answers of program-gpt-x" in said(capsys, FILE, "", "1")
    unasked = {keys.key(text) for text in given()} - {keys.key(POOL[3])}
    assert {row.key for row in asked.read("stage1") if row.found == PROGRAM} == unasked
    collect_answers.main()  # of the taken ones, none counts for the rounds before
    assert np.load("data/asked/prelabelled.npy").tolist() == [39]
    assert artifacts.load_json("data/asked/people.json")["found"] == {}
    resolved = Labelling().resolved()
    assert resolved.several() == {}
    assert resolved.labels.keys() - resolved.by_people().keys() == {keys.key(text) for text in given()}

    answer([POOL[3]], "bob", label=OTHER[TRUTH[POOL[3]]])  # people answer later
    answer([POOL[9]], "bob")
    answer([POOL[4]], "bob", label="?")
    labels = np.load(paths.SOURCE_LABELS)
    labels[5] = 0  # and so does the data set: text 5 is pos by the program
    artifacts.save(paths.SOURCE_LABELS, labels)
    resolved = Labelling().resolved()
    expected = {POOL[3]: OTHER[TRUTH[POOL[3]]], POOL[9]: TRUTH[POOL[9]], POOL[4]: "?", POOL[5]: "neg", POOL[6]: TRUTH[POOL[6]]}
    assert {text: resolved.labels[keys.key(text)] for text in expected} == expected
    assert (resolved.conflicts, resolved.several()) == ({}, {})
    collect_answers.main()
    codes = np.load(paths.ANSWERS)
    assert [int(codes[POOL.index(text)]) for text in expected] == [
        ["neg", "pos", "?"].index(label) if label != "?" else -2 for label in expected.values()
    ]

    kept = {who: given(who) for who in ("anna", "bob")}
    assert "26 answers of program-gpt-x are taken back" in said(capsys, FILE, "", "", "", "1")
    assert (given(), {who: given(who) for who in kept}) == ({}, kept)
    assert second_copy.restore() == []
    assert {row.key for row in asked.read("stage1") if row.found == PROGRAM} == {keys.key(POOL[4]), keys.key(POOL[9])}  # bob's
    assert "0 answers of program-gpt-x are taken back" in said(capsys, FILE, "", "", "", "1")


def test_they_may_have_another_name_and_never_that_of_a_person(project, capsys):
    project.change({"labels": {"guesses": FILE}})
    guess(sure=lambda text: None)
    answer([*HELD, POOL[0]])
    assert "TAKE=1 makes 38 guesses answers of program-gpt-x; UNDO=1 takes them back" in said(capsys)
    said(capsys, "", "", "1", "anna")
    assert set(journal.annotators()) == {"anna", "program-anna"}
    assert len(given("anna")) == 161
    Path(FILE).write_text("no guess")
    said(capsys, "", "", "", "anna", "1")
    assert given("program-anna") == {}
    waiting.main()
    assert "stage1 waits for 3 of 4 answers" in capsys.readouterr().out


def test_a_program_answers_no_row_of_a_fair_sample():
    ask(asked.RANDOM, POOL[4:6])
    journal.append(PROGRAM, [(keys.key(POOL[4]), "pos")])
    assert Labelling().open_keys(asked.RANDOM) == [keys.key(text) for text in POOL[4:6]]
    answer(POOL[4:6])
    assert Labelling().open_keys(asked.RANDOM) == []


def test_two_programs_that_disagree_make_a_conflict_that_one_person_settles():
    key = keys.key(POOL[0])
    journal.append("program-a", [(key, "pos")])
    journal.append("program-b", [(key, "neg")])
    assert Labelling().resolved().conflicts == {key: {"program-a": "pos", "program-b": "neg"}}
    answer(POOL[:1], label="?")
    assert Labelling().resolved().labels[key] == "?"
    journal.append("anna", [(key, "")])
    journal.append("decided", [(key, "neg")])
    assert Labelling().resolved().labels[key] == "neg"


@pytest.mark.faults
@pytest.mark.parametrize("opened", [pytest.param(1, marks=pytest.mark.exhaustive), 2])
def test_guesses_that_are_being_taken_are_whole_when_it_is_done_again(project, tmp_path, opened):
    """Killed before the file, and before its second copy is written; people answer meanwhile."""
    guess()
    answer(HELD)
    Path("stages").symlink_to(ROOT / "stages")
    code = f"from stages.commands import guesses; guesses.main({FILE!r}, '', '1')"
    hold = Hold(tmp_path, code, "open", f"{PROGRAM}.csv", opened + 1)  # it is read first
    process = subprocess.Popen([sys.executable, "-c", code], env=hold.environment(project))
    hold.wait(process)
    process.kill()
    process.wait()
    assert set(given()) <= set(POOL)
    answer(POOL[:3], label="?")
    guesses.main(FILE, "", "1")
    assert len(journal.history(PROGRAM)) == len(set(given()))
    assert Labelling().resolved().labels == {keys.key(text): "?" if text in POOL[:3] else TRUTH[text] for text in TRUTH}
    guesses.main(FILE, "", "", "", "1")
    assert Labelling().resolved().by_people() == Labelling().resolved().labels
