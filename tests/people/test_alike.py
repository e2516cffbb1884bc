"""Near-duplicates: which they are, that no round asks for two of them, and that one answer may count for all."""

import json
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from stages import collect_answers
from stages.core.base import artifacts, keys, paths
from stages.core.base.errors import Refused
from stages.core.people import alike, proposals
from stages.core.people.alike import Alike, masked
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.background import Choosing
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.labelling_page.server import app
from stages.core.people.records import asked, journal
from tests.support.page import ALIKE, LIKE, alike_on_paper, lines_of

PORT, TOKEN = 8642, "the-token"
CODES = LIKE[:3]
SAME = "the parcel came late and it was broken"


def twins(texts: list[str], vectors=None, bound: float = 0.98) -> list[list[int]]:
    found = Alike(texts, None if vectors is None else np.array(vectors, np.float32), bound).twins(range(len(texts)))
    return [found[row] for row in range(len(texts))]


@pytest.fixture
def client(tmp_path, monkeypatch) -> TestClient:
    monkeypatch.chdir(tmp_path)
    alike_on_paper(tmp_path)
    desk = Desk(Choosing(lambda say: None))
    return TestClient(app(desk, TOKEN, PORT), base_url=f"http://127.0.0.1:{PORT}", headers={"X-Gleaner-Token": TOKEN})


def shown(client, who="anna", **asks) -> dict:
    return client.get("/show", params={"who": who, "window": "w", **asks}).json()


def offered(client, who="anna", **asks) -> list[str]:
    """Texts that the first row's answer may count for too."""
    return [twin["text"] for twin in shown(client, who, **asks)["rows"][0].get("alike", [])]


def answer(client, key: str, label: str, who="anna") -> dict:
    return client.post("/answer", json={"who": who, "key": key, "label": label, "at": ""}).json()


# Which texts are alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Call 0800-123 456 now, it is free", "call 77  now,\tIT is free"),
        ("@anna thanks for the follow", "@bob_2 thanks for the follow"),
        ("write to a.b+c@x.example for more", "write to someone@y.example for more"),
        ("see https://a.example/p?q=1 today please", "see www.b.example today please"),
        ("am 3.10. um 18:30 im Rathaus", "am 14.2. um 9:00 im Rathaus"),
    ],
)
def test_numbers_users_addresses_case_and_blanks_do_not_count(one, other):
    assert masked(one) == masked(other) != ""
    assert twins([one, "another text altogether", other]) == [[2], [], [0]]


def test_too_little_is_left_of_some_texts_and_words_count():
    assert [masked(text) for text in ("9/10", "@anna www.x.example 5", "5 stars", "")] == [""] * 4
    assert twins(["9/10", "1/10", "5 stars", "1 star", "it came late and broken", "it came early and broken"]) == [[]] * 6


def test_the_bound_holds_no_chain_is_followed_and_letters_have_a_say():
    def at(degrees: float) -> list[float]:
        return [7 * np.cos(np.radians(degrees)), 7 * np.sin(np.radians(degrees))]

    chain = [SAME, SAME.replace("it ", ""), SAME.replace("was", "is")]
    assert twins(chain, [at(0), at(10), at(20)]) == [[1], [0, 2], [1]]  # cos 10° = 0.985, cos 20° = 0.94
    assert twins(chain, [at(0), at(10), at(20)], 0.93) == [[1, 2], [0, 2], [1, 0]]
    assert twins([SAME, "my card does not work abroad"], [at(0), at(0)]) == [[], []]
    assert twins(["one two three four", "a parcel", SAME], [[0, 0]] * 3) == [[]] * 3  # vectors without a direction


def test_many_twins_are_found_block_by_block_and_the_most_alike_are_kept(monkeypatch):
    monkeypatch.setattr(alike, "AT_ONCE", 7)
    vectors = np.tile([[1.0, 0.0]], (40, 1))
    vectors[:, 1] = np.linspace(0, 0.1, 40)
    texts = [f"{SAME} {'abcdefghijklmnopqrstuvwxyzäöüßéèêçñåøæþð'[n]}" for n in range(40)]
    assert twins(texts, vectors)[0] == list(range(1, 40))
    monkeypatch.setattr(alike, "MOST", 5)
    assert twins(texts, vectors)[0] == [1, 2, 3, 4, 5]


def test_rows_are_kept_apart_and_the_next_best_come_in_their_place():
    texts = [f"{word} parcel came late {number}" for word in ("my", "her", "their", "our") for number in range(5)]
    near, asked_of = Alike(texts, None, 0.98), []

    def more(closed: set[int], wanted: int) -> list[int]:
        asked_of.append((closed, wanted))
        return [row for row in range(20) if row not in closed and row != 12][:wanted]

    assert near.apart([0, 1, 7, 6], {12}, more) == [0, 7, 15, 1]  # nothing but near-duplicates was left for the last place
    assert asked_of[:3] == [({*range(10)}, 2), ({*range(15)} - {12}, 2), ({*range(20)} - {12}, 1)]  # no kind is tried again
    assert near.apart([0, 7], set(), more) == [0, 7]


# On the page


def test_a_row_is_shown_with_those_like_it_but_for_the_fair_samples_and_what_is_answered(client):
    assert offered(client) == [ALIKE[1], ALIKE[2]]  # neither the random arm's nor the holdout's
    assert shown(client)["for_all"] is False
    assert (offered(client, again="1"), offered(client, key=LIKE[8])) == ([], [])
    assert offered(client, key=LIKE[4]) == [ALIKE[5]]
    assert offered(client, key=LIKE[6]) == []  # no round asked for it
    answer(client, LIKE[1], "pos", "bob")
    assert offered(client) == [ALIKE[2]]
    answer(client, LIKE[2], "?")
    assert offered(client) == []


@pytest.mark.parametrize(("mode", "for_all", "number"), [("auto", True, 2), ("off", False, 0), (False, False, 0)])
def test_the_setting_says_whether_they_are_shown_and_count(tmp_path, monkeypatch, mode, for_all, number):
    monkeypatch.chdir(tmp_path)
    alike_on_paper(tmp_path, mode)
    reply = Desk(Choosing(lambda say: None)).show("anna", "w")
    assert (reply["for_all"], len(reply["rows"][0]["alike"])) == (for_all, number)


def test_one_answer_counts_for_those_named_joins_their_round_and_is_undone_as_one(client, monkeypatch):
    before = asked.file_of("stage1").read_bytes()
    several = " ".join([*CODES, LIKE[3], LIKE[5], keys.key("no such text")])  # of these only the codes are offered
    assert answer(client, several, "pos")["alike"] == CODES[1:]
    assert lines_of("anna") == [[key, "pos"] for key in CODES]
    assert len({line.when for line in journal.history("anna")}) == 1
    assert {row.key: row.found for row in asked.read("stage1")} == {
        LIKE[0]: "", LIKE[4]: "", LIKE[8]: "", LIKE[1]: asked.ALIKE, LIKE[2]: asked.ALIKE
    }  # fmt: skip
    reply = shown(client)
    assert (reply["answered"], reply["asked"], reply["rows"][0]["key"]) == (3, 5, LIKE[4])
    assert len(Labelling().usable("stage1", Labelling().resolved())) == 3  # the round's size is that of rows asked for
    collect_answers.main()
    assert np.load("data/asked/prelabelled.npy").tolist() == []
    assert np.load("data/asked/stage1.npy").tolist() == [0, 4, 8, 1, 2]
    assert np.load("data/answers.npy").tolist() == [1, 1, 1, -1, -1, -1, -1, -1, -1]
    assert np.load("data/holdout_labels.npy").tolist() == [1]

    assert answer(client, several, "neg")["before"] == "pos"  # an answer that is changed
    answer(client, LIKE[2], "pos")  # what was changed alone since is left alone
    assert answer(client, several, "")["alike"] == [LIKE[1]]
    assert {key: each.label for key, each in journal.answers_of("anna").items()} == {LIKE[2]: "pos"}
    answer(client, LIKE[2], "neg")
    assert [row.key for row in asked.read("stage1")] == [LIKE[0], LIKE[4], LIKE[8], LIKE[2]]

    answer(client, LIKE[2], "")
    asked.drop("stage1", {LIKE[2]})
    answer(client, " ".join(CODES), "pos")
    journal.append("bob", [(LIKE[1], "neg")])
    assert set(answer(client, " ".join(CODES), "")["alike"]) == set(CODES[1:])  # all of hers, and bob's stays in the round
    assert journal.answers_of("anna") == {}
    assert [row.key for row in asked.read("stage1")] == [LIKE[0], LIKE[4], LIKE[8], LIKE[1]]
    journal.append("bob", [(LIKE[1], "")])
    asked.drop("stage1", {LIKE[1]})
    assert answer(client, " ".join(CODES), "pos")["alike"] == CODES[1:]
    assert answer(client, " ".join(CODES), "")["alike"] == CODES[1:]
    assert journal.answers_of("anna") == {}
    columns = [asked.Row(row.key, row.text) for row in asked.read("stage1")]
    assert [(row.key, row.text) for row in columns] == [(LIKE[row], ALIKE[row]) for row in (0, 4, 8)]
    assert asked.file_of("stage1").read_bytes().splitlines()[1][:25] == before.splitlines()[1][:25]


def test_killed_between_two_files_the_rows_are_asked_for_and_no_label_belongs_to_no_round(client, monkeypatch):
    def killed(*_) -> None:
        raise Refused("killed")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", killed)
        assert answer(client, " ".join(CODES), "pos")["error"] == "killed"
    assert lines_of("anna") == []
    assert Labelling().open_keys("stage1") == [LIKE[0], LIKE[4], LIKE[8], *CODES[1:]]
    assert answer(client, " ".join(CODES), "pos")["alike"] == CODES[1:]
    assert [row.key for row in asked.read("stage1")] == [LIKE[0], LIKE[4], LIKE[8], *CODES[1:]]


# Which rows a round asks for


@pytest.mark.slow
def test_no_round_asks_for_two_of_a_kind_and_twins_of_a_later_round_leave_the_first_alone(project, capsys):
    rows = [json.loads(line) for line in Path("corpus.jsonl").read_text().splitlines()][:30]
    texts = [f"{row['text']} {word} {number}" for number in range(4) for row in rows for word in ("abcdefghij",)]
    texts = [text.replace(str(place % 30), f"{place % 30 * 'x'}", 1) for place, text in enumerate(texts)]
    project.truth = {text: ("neg", "pos")[place % 2] for place, text in enumerate(texts)}
    Path("corpus.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    project.change({"labels": {"alike_cosine": 0.999999}, "prepare": {"holdout_rows": 10}})
    project.ask()
    said = capsys.readouterr().out
    assert "stage1: " in said
    state = Labelling()
    chosen = [masked(state.texts[state.pool_keys()[row]].text) for row in np.load("data/stage1/labelled.npy")[0]]
    left_out = "near-duplicates are left out, and other rows are in their place (labels.alike)" in said
    assert left_out == (len(set(chosen)) < len(chosen) == 12)  # which rows the strategy chose may differ between processors
    assert len(state.keys_of("stage1")) == 12
    for name in ("holdout", "stage1"):
        project.answer_all(name)
    project.ask()
    state = Labelling()
    kinds = [masked(state.texts[key].text) for name in ("stage1", "stage2") for key in state.keys_of(name)]
    assert len(kinds) == len(set(kinds)) == 20
    project.repro("select_stageN@stage2")
    first = {file: file.read_bytes() for file in Path("data/stage1").rglob("*") if file.is_file()}
    before = len(np.load("data/stage2/labelled.npy")[0])

    key = next(key for key, several in state.twins(state.open_keys("stage2")).items() if several)
    new = state.twins([key])[key]
    state.answer("anna", key, "pos", new)
    project.answer_all("stage2")
    project.repro("train_stageN@stage2")
    assert {file: file.read_bytes() for file in first} == first
    assert len(np.load("data/stage2/labelled.npy")[0]) == before + len(new)
    assert artifacts.load_json(Path("data/budgets/stage2.json"))["labels"] == before + len(new)
    places = [state.texts[each].row for each in (key, *new)]
    assert np.load(paths.ANSWERS)[places].tolist() == [1] * len(places)
    assert proposals.missing(Labelling(), "stage2", project.repro) == []  # twins do not stand for rows that m asks for
