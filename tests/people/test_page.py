"""The labelling page: who may call it, which rows it hands out, and that every answer is on disk before the reply."""

import json
import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from stages.commands import waiting
from stages.core import task
from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people import finding
from stages.core.people.label_errors import Doubt
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page import guard
from stages.core.people.labelling_page.background import Background, Choosing
from stages.core.people.labelling_page.desk import SECONDS_HELD, Desk
from stages.core.people.labelling_page.server import FOLDER, app
from stages.core.people.records import asked, journal
from tests.support.page import HELD, KEYS, TEXTS, ask_for, lines_of, on_paper, predict

PORT, TOKEN = 8642, "the-token"
ADDRESS = f"http://127.0.0.1:{PORT}"
ONE, TWO, SCRIPT, FOUR = KEYS[:4]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return on_paper(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock) -> Desk:
    return Desk(Choosing(lambda say: say("nothing is added")), clock)


@pytest.fixture
def client(desk) -> TestClient:
    """At the right address with the right token."""
    return TestClient(app(desk, TOKEN, PORT), base_url=ADDRESS, headers={"X-Gleaner-Token": TOKEN})


def show(client, who="anna", window="w", **asks) -> dict:
    reply = client.get("/show", params={"who": who, "window": window, **asks})
    assert reply.status_code == 200, reply.text
    return reply.json()


def texts(shown: dict) -> list[str]:
    return [row["text"] for row in shown["rows"]]


def answer(client, key: str, label: str, who="anna", at="stage1") -> dict:
    reply = client.post("/answer", json={"who": who, "key": key, "label": label, "at": at})
    assert reply.status_code == 200, reply.text
    return reply.json()


def done_choosing(client) -> dict:
    for _ in range(3000):  # half a minute; a busy machine may need seconds
        status = show(client)["choosing"]
        if not status["running"]:
            return status
        time.sleep(0.01)
    raise AssertionError(status)


# Who may call


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", f"evil.example:{PORT}", "127.0.0.1:1", ""])
@pytest.mark.parametrize("path", ["/", "/page.js", "/show?who=anna"])
def test_a_foreign_host_is_refused_even_with_the_right_token(client, host, path):
    reply = client.get(path, headers={"Host": host})
    assert (reply.status_code, ADDRESS in reply.text) == (403, True)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_refused_and_writes_nothing(client, origin):
    given = {"who": "anna", "key": ONE, "label": "pos", "at": ""}
    reply = client.post("/answer", json=given, headers={"Origin": origin})
    assert (reply.status_code, lines_of("anna")) == (403, [])
    assert "another page called this one" in reply.json()["error"]
    own = client.post("/answer", json=given, headers={"Origin": ADDRESS})
    assert own.status_code == 200, own.text


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/page.css", "/show?who=anna", "/earlier?who=anna", "/doubts?who=anna", "/nowhere"]
)
@pytest.mark.parametrize("token", ["", "the-toke", "the-token2", "é"])
def test_without_the_token_everything_is_refused(desk, path, token):
    client = TestClient(app(desk, TOKEN, PORT), base_url=ADDRESS)
    joined = "&" if "?" in path else "?"
    reply = client.get(f"{path}{joined}token={token}")
    assert reply.status_code == 403
    assert "open the address that make label printed last" in reply.text
    assert not any(text in reply.text for text in TEXTS)
    assert client.get(f"{path}{joined}token={TOKEN}").status_code == (404 if path == "/nowhere" else 200)
    assert client.get(f"{path}{joined}token={TOKEN}&token=other").status_code == 403


def test_only_small_json_is_accepted(client):
    plain = client.post("/answer", content="{}", headers={"Content-Type": "text/plain"})
    large = client.post("/answer", json={"who": "x" * guard.MOST_BYTES})
    headers = {"Content-Type": "application/json", "Content-Length": "9" * 5000}
    larger = client.post("/answer", content=b"{}", headers=headers)
    without_end = client.post("/answer", content=iter([b"{}"]), headers={"Content-Type": "application/json"})
    assert [reply.status_code for reply in (plain, large, larger, without_end)] == [415, 413, 413, 411]
    assert all(reply.json()["error"] for reply in (plain, large, larger, without_end))


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b"{", b'{"who": "anna"}', b'{"who": 1, "key": "", "label": "", "at": ""}', b"\xff", b"[" * 60_000]
)
def test_a_request_that_is_no_answer_is_refused(client, sent):
    reply = client.post("/answer", content=sent, headers={"Content-Type": "application/json"})
    assert reply.status_code == 409
    assert reply.json()["error"].startswith("the request ")


def test_every_reply_forbids_foreign_scripts_frames_and_referrers(client):
    for path in ("/", "/show?who=anna", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        kept = [headers[name] for name in ("referrer-policy", "x-frame-options", "cache-control", "x-content-type-options")]
        assert kept == ["no-referrer", "DENY", "no-store", "nosniff"]


def test_the_page_runs_only_its_own_script_and_inserts_texts_as_texts():
    html, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.html", "page.js"))
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/page.js?token=TOKEN" defer>']
    assert not re.search(r"\son\w+=|style=|javascript:|https?://", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|\.style\b", script)
    assert re.findall(r"https?://", script) == []


def test_the_page_has_the_token_in_place(client):
    assert f'src="/page.js?token={TOKEN}"' in client.get("/").text
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")


# What is handed out and kept


def test_rows_come_one_by_one_and_each_answer_is_on_disk_before_the_next(client):
    labels = ["pos", "pos", "?", "neg"]
    for number, label in enumerate(labels):
        shown = show(client)
        assert (shown["round"], shown["answered"], shown["asked"]) == ("stage1", number, 4)
        [row] = shown["rows"]
        assert row["text"] == TEXTS[number]
        answer(client, row["key"], label)
        assert lines_of("anna") == [[key, label] for key, label in zip(KEYS, labels[: number + 1])]
    assert (show(client)["round"], show(client)["rows"]) == (None, [])


def test_a_text_is_sent_unchanged(client):
    answer(client, ONE, "pos")
    answer(client, TWO, "pos")
    reply = client.get("/show?who=anna&window=w")
    assert reply.headers["content-type"] == "application/json"
    assert texts(reply.json()) == ["</script><script>document.title='run'</script>"]


def test_undo_brings_back_the_answer_before(client):
    assert answer(client, ONE, "pos")["before"] == ""
    assert answer(client, ONE, "neg")["before"] == "pos"
    answer(client, ONE, "pos")  # as undo does
    assert show(client, key=ONE)["rows"][0]["label"] == "pos"
    answer(client, ONE, "")
    assert texts(show(client)) == [TEXTS[0]]
    assert [label for _, label in lines_of("anna")] == ["pos", "neg", "pos", ""]


def test_two_windows_never_get_the_same_row(client, clock):
    assert texts(show(client, window="one")) == [TEXTS[0]]
    assert texts(show(client, "bob", window="two")) == [TEXTS[1]]
    assert texts(show(client, window="one")) == [TEXTS[0]]  # after a reload
    answer(client, ONE, "pos")
    assert texts(show(client, window="one")) == [TEXTS[2]]
    clock.now = SECONDS_HELD  # the second was closed
    assert texts(show(client, window="one")) == [TEXTS[1]]


def test_a_visible_window_keeps_its_row_and_learns_when_it_was_given_away(client, clock):
    show(client, window="one")
    for _ in range(3):
        clock.now += SECONDS_HELD - 1
        assert client.get("/hold?window=one").json() == {"held": [ONE]}
    assert texts(show(client, "bob", window="two")) == [TEXTS[1]]
    clock.now += SECONDS_HELD
    assert client.get("/hold?window=one").json() == {"held": []}
    assert texts(show(client, "bob", window="two")) == [TEXTS[0]]
    assert client.get("/hold?window=two").json() == {"held": [ONE]}


def test_the_last_row_stays_with_its_window(client, clock):
    for key in KEYS[:3]:
        answer(client, key, "pos")
    assert texts(show(client, window="one")) == [TEXTS[3]]
    shown = show(client, "bob", window="two")
    assert (shown["rows"], shown["elsewhere"], shown["round"]) == ([], 1, "stage1")
    clock.now = SECONDS_HELD
    assert texts(show(client, "bob", window="two")) == [TEXTS[3]]


def test_two_annotators_share_the_rows_or_answer_the_same_ones_to_measure_agreement(client):
    answer(client, ONE, "pos")
    assert texts(show(client, "bob")) == [TEXTS[1]]
    assert texts(show(client, "bob", again="1")) == [TEXTS[0]]
    answer(client, ONE, "neg", "bob")
    assert texts(show(client, "bob", again="1")) == [TEXTS[1]]
    assert texts(show(client, "bob", window="other", again="1")) == [TEXTS[2]]
    assert (lines_of("anna"), lines_of("bob")) == ([[ONE, "pos"]], [[ONE, "neg"]])


def test_decided_sees_conflicts_with_everybodys_labels(client):
    assert show(client, journal.DECIDED)["rows"] == []
    for who, label in (("anna", "pos"), ("bob", "neg")):
        answer(client, TWO, label, who)
    [row] = show(client, journal.DECIDED)["rows"]
    assert (row["key"], row["answers"]) == (TWO, {"anna": "pos", "bob": "neg"})
    assert (row["agreed"], row["disputed"]) == ([], [])  # where a text has one label, all of it is
    assert "disputed" not in str(waiting.in_conflict(Labelling(), Labelling().resolved()))
    answer(client, TWO, "pos", journal.DECIDED)
    assert show(client, journal.DECIDED)["round"] is None


def test_an_answer_with_several_labels_is_written_in_one_form_and_disputed_label_by_label(client, tmp_path):
    asked.file_of("stage1").unlink()
    on_paper(tmp_path, ("anger", "fear", "joy"), kind=task.MULTI)
    assert show(client)["none"] == "-"
    assert answer(client, ONE, " joy;fear; joy")["label"] == "fear; joy"
    answer(client, TWO, "-")
    assert lines_of("anna") == [[ONE, "fear; joy"], [TWO, "-"]]
    for label, words in (
        ("joy; glee; -", "label = glee, which is no class; possible: anger, fear, joy"),
        ("-; joy", "label = -"),
        ("?; joy", "label = ?"),
    ):
        reply = client.post("/answer", json={"who": "anna", "key": TWO, "label": label, "at": "stage1"})
        assert (reply.status_code, words in reply.json()["error"]) == (409, True), reply.text
    answer(client, ONE, "fear;joy", who="eve")  # the same
    for who, label in (("bob", "joy"), ("carl", "?"), ("program-x", "anger")):
        answer(client, ONE, label, who)
    answer(client, TWO, "joy; anger", "bob")
    state = Labelling()
    assert "  disputed: anger 1, fear 1, joy 1" in waiting.in_conflict(state, state.resolved())
    [row] = show(client, "decided")["rows"]
    assert (row["agreed"], row["disputed"]) == (["joy"], ["fear"])
    assert row["answers"] == {"anna": "fear; joy", "bob": "joy", "carl": "?", "eve": "fear; joy", "program-x": "anger"}
    answer(client, ONE, "joy", "decided")
    [row] = show(client, "decided")["rows"]
    assert (row["key"], row["agreed"], row["disputed"]) == (TWO, [], ["anger", "joy"])  # none of them is an answer
    assert [each["label"] for each in client.get("/earlier", params={"who": "anna", "words": "JOY"}).json()["rows"]] == [
        "fear; joy"
    ]
    answer(client, SCRIPT, "fear")
    answer(client, SCRIPT, "anger", "bob")
    assert "  disputed: anger 2, fear 1, joy 1" in waiting.in_conflict(state, state.resolved())


def test_several_rows_of_one_bucket_come_side_by_side(client):
    assert texts(show(client, at_once="3")) == [TEXTS[0], TEXTS[1]]  # bucket 0 of the four that are asked for
    assert [row["bucket"] for row in show(client, at_once="2")["rows"]] == [0, 0]
    answer(client, ONE, "pos")
    answer(client, TWO, "pos")
    assert texts(show(client, at_once="9")) == [TEXTS[2], TEXTS[3]]


@pytest.mark.parametrize("at_once", ["0", "-1", "x", "", "1000000", "²"])
def test_an_invalid_number_of_rows_counts_as_one(client, at_once):
    assert len(show(client, at_once=at_once)["rows"]) == 1


def test_the_guess_comes_after_the_answer_or_before_on_request(client):
    ask_for("stage2", KEYS[4:])
    predict("stage2", [-1, -1, -1, -1, 0, 1])
    for key in KEYS[:4]:
        assert answer(client, key, "pos")["guess"] is None  # no model exists before stage1
    shown = show(client)
    assert (texts(shown), "guess" in shown["rows"][0]) == ([TEXTS[4]], False)
    assert show(client, guess="1")["rows"][0]["guess"] == "neg"
    assert answer(client, KEYS[4], "pos", at="stage2")["guess"] == "neg"
    predict("stage2", [0, 1])  # of another pool: no guess is better than another row's
    assert answer(client, KEYS[5], "pos", at="stage2")["guess"] is None


def test_a_programs_guess_stands_beside_the_models_and_never_at_rows_drawn_at_random(client, project):
    project.change({"labels": {"guesses": "gpt.jsonl"}})
    line = '{{"text": "{}", "label": "neg", "sure": 0.93, "from": "gpt-x"}}\n'
    Path("gpt.jsonl").write_text("".join(line.format(text) for text in (TEXTS[0], TEXTS[3], HELD[0])))
    said = "gpt-x: neg, 93% sure"
    assert "program" not in show(client)["rows"][0]
    assert (row := show(client, guess="1")["rows"][0]) == row | {"guess": None, "program": said}
    assert (answer(client, ONE, "pos")["program"], answer(client, TWO, "pos")["program"]) == (said, "")
    assert answer(client, ONE, "pos", at="")["program"] == ""  # z, and doubts
    ask_for("random", [FOUR])
    asked.add("holdout", [asked.Row(keys.key(HELD[0]))])
    for key in (FOUR, keys.key(HELD[0])):
        assert show(client, guess="1", key=key)["rows"][0]["program"] == ""
        assert answer(client, key, "pos", at="stage1")["program"] == ""
    Path("gpt.jsonl").write_text('{"text": "x", "label": "nge"}\n')
    said = answer(client, TWO, "neg", at="stage1")["program"]  # which must not keep anybody from labelling
    assert said.startswith("gpt.jsonl, line 1: label = nge, which is no class; possible: neg, pos")
    assert lines_of("anna")[-1] == [TWO, "neg"]


@pytest.mark.parametrize("at", ["../stage2", "nowhere", "holdout", ""])
def test_there_is_no_guess_outside_the_rounds(client, at):
    assert answer(client, ONE, "pos", at=at)["guess"] is None


def test_earlier_answers_are_listed_last_first_and_searched(client):
    for key, label in zip(KEYS, ("pos", "neg", "?", "pos")):
        answer(client, key, label)
    answer(client, ONE, "neg")
    answer(client, FOUR, "")
    found = client.get("/earlier?who=anna").json()
    assert [(row["key"], row["label"]) for row in found["rows"]] == [(ONE, "neg"), (SCRIPT, "?"), (TWO, "neg")]
    assert [row["key"] for row in client.get("/earlier?who=anna&words=PLOT").json()["rows"]] == [TWO]
    assert [row["key"] for row in client.get("/earlier?who=anna&words=neg").json()["rows"]] == [ONE, TWO]
    assert client.get("/earlier?who=bob").json() == {"rows": [], "all": 0}


def test_time_left_follows_the_pace_of_the_last_answers(client):
    assert show(client)["seconds_left"] is None
    for number, key in enumerate(KEYS[:2] * 3):
        journal.append("anna", [(key, "pos")], journal.datetime(2026, 1, 1, 12, 0, 10 * number, tzinfo=journal.UTC))
    assert show(client)["seconds_left"] == 20  # two rows, ten seconds each


def test_classes_have_their_present_names(client, project):
    answer(client, ONE, "pos")
    project.change({"labels": {"classes": ["neg", "good"], "rename": {"pos": "good"}}})
    Path("data/classes.json").write_text('["neg", "good"]')
    assert show(client)["classes"] == ["neg", "good"]
    assert show(client, key=ONE)["rows"][0]["label"] == "good"
    assert client.get("/earlier?who=anna").json()["rows"][0]["label"] == "good"


def test_guidelines_are_sent_with_the_classes(client, project):
    assert show(client)["guide"] == ""
    Path("guide.md").write_text("# When\n\n- it is <b>good</b>")
    project.change({"labels": {"guide": "guide.md"}})
    assert show(client)["guide"] == "# When\n\n- it is <b>good</b>"


def test_the_page_keeps_working_while_dvc_rebuilds_the_texts(client):
    assert texts(show(client)) == [TEXTS[0]]
    Path("data/pool.jsonl").rename("data/kept")
    assert texts(show(client)) == [TEXTS[0]]
    answer(client, ONE, "pos")
    Path("data/kept").rename("data/pool.jsonl")
    assert texts(show(client)) == [TEXTS[1]]


# The next rows


def test_the_next_rows_are_chosen_only_when_every_row_is_answered(desk, client):
    def choose(say):
        say("labels/stage2.csv: 2 rows are asked for")
        ask_for("stage2", KEYS[4:])

    desk.choosing.choose = choose
    client.post("/choose", json={"who": "anna"})
    assert not Path("labels/stage2.csv").exists()
    for key in KEYS[:4]:
        answer(client, key, "pos")
    assert client.post("/choose", json={"who": "anna"}).status_code == 200
    status = done_choosing(client)
    assert (status["lines"], status["failed"]) == (["labels/stage2.csv: 2 rows are asked for"], "")
    assert texts(show(client)) == [TEXTS[4]]


def test_labelling_ends_when_nothing_is_added_until_an_answer_changes(client):
    for key in KEYS[:4]:
        answer(client, key, "pos")
    client.post("/choose", json={"who": "anna"})
    status = done_choosing(client)
    assert (status["ended"], status["lines"]) == (True, ["nothing is added"])
    answer(client, ONE, "neg")
    assert show(client)["choosing"]["ended"] is False


def test_a_failure_to_choose_is_reported_and_can_be_retried(desk, client):
    def choose(say):
        raise Refused("`dvc repro` ended with an error, see above; fix it and try again")

    for key in KEYS[:4]:
        answer(client, key, "pos")
    desk.choosing.choose = choose
    client.post("/choose", json={"who": "anna"})
    assert done_choosing(client)["failed"].startswith("`dvc repro` ended with an error")
    desk.choosing.choose = lambda say: ask_for("stage2", KEYS[4:])
    client.post("/choose", json={"who": "anna"})
    assert done_choosing(client)["failed"] == ""
    assert texts(show(client)) == [TEXTS[4]]


# Bad input


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"key": "t" + "0" * 24}, r"no text of the data set"),
        ({"key": "../../etc"}, r"no text of the data set"),
        ({"label": "Pos"}, r"label = Pos, which is no class; possible: neg, pos, \?; did you mean pos\?"),
        ({"label": "pos\nneg"}, r"which is no class"),
        ({"label": "\ud800"}, r"label = \\ud800, which is no class"),
        ({"who": "../anna"}, r"WHO='../anna': possible: letters"),
        ({"who": ""}, r"WHO='': possible: letters"),
    ],
)
def test_an_invalid_answer_is_refused_with_a_reason_and_not_written(client, given, words):
    sent = json.dumps({"who": "anna", "key": ONE, "label": "pos", "at": "", **given})
    reply = client.post("/answer", content=sent, headers={"Content-Type": "application/json"})
    assert reply.status_code == 409, reply.text
    assert re.search(words, reply.json()["error"])
    assert list(Path().rglob("answers/*.csv")) == []


def test_an_answer_that_cannot_be_written_is_reported_and_its_row_stays(client):
    Path("labels/answers").mkdir()
    Path("labels/answers/anna.csv").mkdir()  # even root cannot write into a folder
    reply = client.post("/answer", json={"who": "anna", "key": ONE, "label": "pos", "at": ""})
    assert reply.status_code == 409
    assert "labels/answers/anna.csv cannot be" in reply.json()["error"]
    Path("labels/answers/anna.csv").rmdir()
    assert texts(show(client)) == [TEXTS[0]]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(client):
    Path("labels/answers").mkdir()
    Path("labels/answers").chmod(0o500)
    reply = client.post("/answer", json={"who": "anna", "key": ONE, "label": "pos", "at": ""})
    Path("labels/answers").chmod(0o700)
    assert "labels/answers/anna.csv cannot be written: Permission denied" in reply.json()["error"]


def test_a_wrong_answer_of_another_program_is_named_by_file_and_line(client):
    Path("labels/answers").mkdir()
    Path("labels/answers/bot.csv").write_text(f"key,label\n{ONE},good\n")
    reply = client.get("/show?who=anna&window=w")
    assert (reply.status_code, "labels/answers/bot.csv, line 2: label = good" in reply.json()["error"]) == (409, True)


# Doubts


def doubtful(*labels: tuple[str, str]) -> Background:
    """As if a model doubted these answers, (key, label), the least likely first."""
    other = {"pos": "neg", "neg": "pos"}
    return Background(lambda: [Doubt(key, label, 0.1, other[label]) for key, label in labels])


def looked_for(client, who: str) -> dict:
    assert client.post("/doubt", json={"who": who}).status_code == 200
    for _ in range(3000):  # half a minute; a busy machine may need seconds
        status = client.get("/doubts", params={"who": who}).json()
        if not status["running"]:
            return status
        time.sleep(0.01)
    raise AssertionError(status)


def keys_of(status: dict) -> list[str]:
    return [row["key"] for row in status["rows"]]


def test_doubts_of_own_answers_come_worst_first_and_go_when_changed_or_confirmed(client, desk):
    desk.doubting = doubtful((ONE, "pos"), (TWO, "neg"), (FOUR, "neg"))
    assert client.get("/doubts", params={"who": "anna"}).json()["rows"] == []
    for key, label in ((ONE, "pos"), (TWO, "neg")):
        answer(client, key, label)
    answer(client, FOUR, "neg", who="bob")
    status = looked_for(client, "anna")
    assert [(row["key"], row["label"], row["likelier"]) for row in status["rows"]] == [(ONE, "pos", "neg"), (TWO, "neg", "pos")]
    assert keys_of(looked_for(client, "bob")) == [FOUR]
    answer(client, ONE, "neg")
    assert keys_of(client.get("/doubts", params={"who": "anna"}).json()) == [TWO]
    answer(client, TWO, "neg")
    assert keys_of(client.get("/doubts", params={"who": "anna"}).json()) == []


def test_decided_sees_all_doubts_with_everybodys_labels(client, desk):
    desk.doubting = doubtful((ONE, "pos"), (FOUR, "neg"))
    answer(client, ONE, "pos")
    answer(client, FOUR, "neg", who="bob")
    assert keys_of(looked_for(client, journal.DECIDED)) == [ONE, FOUR]
    [row] = show(client, who=journal.DECIDED, key=FOUR)["rows"]
    assert (row["answers"], row["label"]) == ({"bob": "neg"}, "")
    answer(client, FOUR, "neg", who=journal.DECIDED)
    assert keys_of(client.get("/doubts", params={"who": journal.DECIDED}).json()) == [ONE]


def test_a_failure_to_find_doubts_is_reported_and_missing_texts_are_left_out(client, desk):
    answer(client, ONE, "pos")
    assert looked_for(client, "anna")["failed"].startswith("1 answers of 1 classes, possible: 10 or more, of 2 or more")
    desk.doubting = doubtful(("t" + 24 * "0", "pos"), (ONE, "pos"))
    journal.append("anna", [("t" + 24 * "0", "pos")])
    assert keys_of(looked_for(client, "anna")) == [ONE]
    desk.doubting = Background(lambda: 1 / 0)
    assert "ZeroDivisionError" in looked_for(client, "anna")["failed"]
    assert client.post("/doubt", json={"who": "../anna"}).status_code == 409


def test_several_windows_that_look_for_doubts_at_once_start_one_search():
    begun, free = [], threading.Event()
    background = Background(lambda: (begun.append(1), free.wait(10)))
    threads = [threading.Thread(target=background.start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    free.set()
    background.thread.join()
    assert begun == [1]


@pytest.mark.slow
def test_what_is_known_by_and_by_is_what_all_files_say(project):
    """The page looks at new answers only; a start reads them all."""
    project.change({"labels": {"rename": {"good": "pos"}}})
    kept, rng = Labelling(), np.random.default_rng(0)
    for _ in range(200):
        who = str(rng.choice(["anna", "bob", "decided"]))
        match rng.integers(12):
            case 0:
                journal.file_of(who).unlink(missing_ok=True)
            case 1 if journal.file_of(who).exists():
                text = journal.file_of(who).read_text()
                journal.file_of(who).write_text(text.replace(",pos,", ",neg,", 1))
            case _:
                journal.append(who, [(str(rng.choice(KEYS)), str(rng.choice(["pos", "neg", "good", "?", ""])))])
        now, anew = kept.resolved(), Labelling().resolved()
        assert (now.labels, now.conflicts, now.answers) == (anew.labels, anew.conflicts, anew.answers)
        assert all(kept.answers_of(name) == journal.answers_of(name) for name in ("anna", "bob", "decided"))


def test_a_word_that_is_no_class_is_refused_until_it_is_corrected(client):
    answer(client, ONE, "pos")
    file = journal.file_of("anna")
    file.write_text(file.read_text().replace(",pos,", ",Pos,"))
    for _ in range(2):
        reply = client.get("/show", params={"who": "anna"})
        assert (reply.status_code, "line 2: label = Pos" in reply.json()["error"]) == (409, True)
    file.write_text(file.read_text().replace(",Pos,", ",pos,"))
    assert show(client)["answered"] == 1


# Looking for rows


def post(client, path: str, **given) -> dict:
    reply = client.post(path, json={"who": "anna", "way": "words"} | given)
    assert reply.status_code in (200, 409), reply.text
    return reply.json()


def test_found_rows_come_next_and_only_rows_that_nobody_was_asked_for_are_added(client):
    found = post(client, "/find", what="dull music lovely")
    assert {row["text"] for row in found["rows"]} == {TEXTS[4], TEXTS[5]}  # "lovely scene" is in the holdout
    assert found["of"] == "2 unasked rows with dull or music or lovely"
    wanted = f"{KEYS[0]} {KEYS[5]} {journal.KEY_FORM} {keys.key(HELD[1])}"
    assert post(client, "/add", what="music lovely", keys=wanted, at="stage1") == {"added": 1, "stage": "stage1"}
    assert post(client, "/add", what="music", keys=wanted, at="stage1")["added"] == 0
    assert [(row["text"], row["found"]) for row in show(client)["rows"]] == [(TEXTS[5], "music")]
    assert show(client, "bob", "b")["rows"][0]["text"] == TEXTS[0]
    asked.add("stage1", [asked.Row(KEYS[5], found="music"), asked.Row(KEYS[4], found="dull")])  # as another window may
    assert [row.key for row in asked.read("stage1")][4:] == [KEYS[5], KEYS[4]]


def test_what_the_page_cannot_look_for_is_refused(client):
    for path in ("/find", "/add"):
        for given, error in (
            ({"what": " "}, "WORDS= is empty"),
            (
                {"what": "a", "way": "wrds"},
                "way = wrds: no such way to look for rows; possible: words, like, class; did you mean words?",
            ),
            ({"what": "neg", "way": "class"}, "CLASS=neg: there is no model of these classes yet"),
            ({"what": "neg", "way": "like"}, "data/encoder/pointer.json is missing; run `dvc repro`"),
        ):
            assert error in post(client, path, keys=KEYS[5], at="holdout", **given)["error"]
    asked.drop("stage1", set(KEYS))
    assert post(client, "/add", what="music", keys=KEYS[5], at="stage1")["error"].endswith("possible: none; make ask first")


def test_other_windows_go_on_while_one_waits_for_the_encoder(client, monkeypatch):
    loading, loaded = threading.Event(), threading.Event()

    def slow(*_) -> tuple[dict[str, str], str]:
        loading.set()
        assert loaded.wait(60)
        return {KEYS[4]: "like: x"}, ""

    monkeypatch.setattr(finding, "best", slow)
    replies = []
    search = threading.Thread(target=lambda: replies.append(post(client, "/find", way="like", what="x")))
    search.start()
    assert loading.wait(60)
    answer(client, ONE, "pos", "bob")
    assert texts(show(client, "bob", "b")) == [TEXTS[1]]
    assert replies == []
    loaded.set()
    search.join(60)
    assert [row["text"] for row in replies[0]["rows"]] == [TEXTS[4]]
