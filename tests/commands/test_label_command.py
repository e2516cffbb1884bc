"""`make label` as a process: where it listens, what a second start does, and kill -9 in the middle of answers."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from stages.commands import label
from stages.core.base.errors import Refused
from stages.core.people.labelling_page import process
from stages.core.people.labelling_page.choosing import Choosing
from tests.support.page import KEYS, lines_of, on_paper
from tests.support.project import ROOT


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in process.SCREEN:
        monkeypatch.delenv(name, raising=False)  # a test opens no browser
    return on_paper(tmp_path)


class Page:
    """The real server in a process of its own, on any free port."""

    def __init__(self, who: str, port: int):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stages", "label", who, str(port)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.strip())
            if line.startswith("http://"):
                break
        else:
            raise AssertionError(self.said)
        self.address, self.query = self.said[-1].split("/?")
        self.token = self.query.split("&")[0].removeprefix("token=")

    def call(self, path: str, body: dict | None = None) -> dict:
        headers = {"X-Gleaner-Token": self.token, "Content-Type": "application/json"}
        request = Request(self.address + path, json.dumps(body).encode() if body else None, headers)  # noqa: S310
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def answer(self, key: str, text: str, who: str = "anna") -> dict:
        return self.call("/answer", {"who": who, "key": key, "label": text, "at": "stage1"})

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def start():
    """Starts pages, and ends those that a test leaves."""
    pages = []

    def one(who: str = "anna", port: int = 0) -> Page:
        pages.append(Page(who, port or free_port()))
        return pages[-1]

    yield one
    for page in pages:
        page.kill()


@pytest.mark.faults
def test_after_kill_9_every_answer_that_was_said_to_be_kept_is_there_and_it_goes_on(start):
    page = start()
    kept = 0
    for number in range(30):
        page.answer(KEYS[0], "pos" if number % 2 else "neg")
        kept += 1
    page.process.send_signal(signal.SIGKILL)
    page.process.wait()
    assert len(lines_of("anna")) == kept
    with Path("labels/answers/anna.csv").open("a") as file:
        file.write(KEYS[1] + ",po")  # as if the last line had been cut short

    page = start()
    assert page.call("/show?who=anna&window=w")["rows"][0]["key"] == KEYS[1]
    page.answer(KEYS[1], "neg")
    assert page.call("/show?who=anna&window=w")["answered"] == 2
    assert lines_of("anna")[-1] == [KEYS[1], "neg"]


@pytest.mark.slow
def test_started_twice_it_is_the_same_page_for_another_annotator(start):
    page = start()
    second = subprocess.run(
        [sys.executable, "-m", "stages", "label", "bob"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    words, address = second.stdout.splitlines()[-2:]
    assert (second.returncode, words) == (0, "The page is already running:")
    assert address == f"{page.address}/?token={page.token}&who=bob"
    page.answer(KEYS[0], "pos", "bob")
    assert lines_of("bob") == [[KEYS[0], "pos"]]
    file = Path(".gleaner/page.json")
    assert (stat.S_IMODE(file.stat().st_mode), json.loads(file.read_text())["token"]) == (0o600, page.token)


def test_it_says_what_waits_where_it_is_and_ends_well(start):
    page = start()
    assert "stage1 waits for 4 of 4 answers: make label, or fill in the csv" in page.said
    page.answer(KEYS[0], "pos")
    with pytest.raises(HTTPError, match="403"):
        urlopen(page.address)  # noqa: S310
    page.process.send_signal(signal.SIGINT)
    rest = page.process.communicate(timeout=30)[0]
    assert "stage1 waits for 3 of 4 answers" in rest
    assert "Traceback" not in rest
    assert page.process.returncode == 0
    assert not Path(".gleaner/page.json").exists()


def test_it_listens_on_loopback_alone():
    with process.listening(free_port()) as bound:
        assert bound.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_refused_where_it_was_asked_for_and_passed_over_where_not(monkeypatch):
    with process.listening(free_port()) as first:
        taken = first.getsockname()[1]
        with pytest.raises(Refused, match=rf"^PORT={taken}: Address already in use; possible: a port that no other"):
            process.listening(taken)
        monkeypatch.setattr(process, "PORT", taken)
        with process.listening(None) as other:
            assert other.getsockname()[1] != taken


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "80.5", "²"])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(Refused, match=r"^PORT=.*possible: a number from 1 to 65535"):
        label.main("anna", port)


def test_an_annotator_s_name_that_can_be_no_file_s_is_refused():
    with pytest.raises(Refused, match=r"WHO='../anna': possible: letters"):
        label.main("../anna")


def test_where_the_data_set_plays_the_labeller_no_page_is_opened(project):
    project.change({"labels": {"from": "dataset"}})
    with pytest.raises(Refused, match=r"labels.from = dataset: the data set has the labels, and nobody is asked"):
        label.main("anna")


def test_while_another_start_is_choosing_rows_the_second_is_told_to_wait_and_a_port_that_differs_is_told():
    process.FOLDER.mkdir()
    with pytest.raises(Refused, match="starting in another terminal"):
        process.running(None)
    process.ADDRESS.write_text('{"port": 8000, "token": "x"}')
    assert process.running(None) == process.running(8000) == (8000, "x")
    with pytest.raises(Refused, match=r"^PORT=9000: the page is already running at port 8000"):
        process.running(9000)


def test_the_first_rows_are_chosen_before_the_page_opens(monkeypatch):
    """And not where something waits, or a person decides."""
    done = []
    monkeypatch.setattr(process, "serve", lambda bound, who: (bound.close(), done.append(who)))
    monkeypatch.setattr(label.ask, "main", lambda: done.append("ask"))
    label.main("anna", str(free_port()))
    Path("labels/stage1.csv").unlink()
    monkeypatch.setattr(process, "take_lock", lambda: True)
    label.main("decided", str(free_port()))
    label.main("anna", str(free_port()))
    Path("data/classes.json").unlink()
    label.main("anna", str(free_port()))
    assert done == ["anna", "decided", "ask", "anna", "ask", "anna"]


def test_where_a_package_is_missing_it_says_which_and_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with process.listening(free_port()) as bound, pytest.raises(Refused, match=r"pip install -r requirements-label.txt"):
        process.serve(bound, "anna")


def test_an_address_is_opened_where_there_is_a_screen_alone(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(process.webbrowser, "open", opened.append)
    monkeypatch.setattr(process.sys, "platform", "linux")
    process.show((8642, "tok"), "böb", "Here")
    time.sleep(0.05)
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    process.show((8642, "tok"), "böb", "Here")
    time.sleep(0.2)
    said = capsys.readouterr().out.splitlines()
    assert opened == [said[1]] == ["http://127.0.0.1:8642/?token=tok&who=b%C3%B6b"]


def test_where_dvc_fails_the_page_says_why(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    choosing = Choosing()
    choosing.start()  # DVC knows nothing of this folder
    choosing.thread.join(120)
    assert choosing.status()["failed"] == "`dvc repro cluster` ended with an error, see above; fix it and try again"
    assert any("DVC" in line for line in choosing.status()["lines"])
