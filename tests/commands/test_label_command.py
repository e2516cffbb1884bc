"""`make label` as a process: where it listens, what a second start does, and kill -9 between answers."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from stages.commands import label
from stages.core.base.errors import Refused
from stages.core.people.labelling_page import process
from stages.core.people.labelling_page.background import Choosing
from tests.support.page import KEYS, lines_of, on_paper
from tests.support.project import ROOT


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in process.SCREEN:
        monkeypatch.delenv(name, raising=False)  # tests open no browser
    return on_paper(tmp_path)


class Page:
    """The real server in its own process, on a free port."""

    def __init__(self, who: str, port: int):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stages", "label", who, str(port)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = []
        for line in self.process.stdout:
            self.printed.append(line.strip())
            if line.startswith("http://"):
                break
        else:
            raise AssertionError(self.printed)
        self.address, self.query = self.printed[-1].split("/?")
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
    """Starts pages, and ends those that a test leaves running."""
    pages = []

    def one(who: str = "anna", port: int = 0) -> Page:
        pages.append(Page(who, port or free_port()))
        return pages[-1]

    yield one
    for page in pages:
        page.kill()


@pytest.mark.faults
def test_after_kill_9_every_confirmed_answer_is_there_and_it_continues(start):
    page = start()
    kept = 0
    for number in range(30):
        page.answer(KEYS[0], "pos" if number % 2 else "neg")
        kept += 1
    page.process.send_signal(signal.SIGKILL)
    page.process.wait()
    assert len(lines_of("anna")) == kept
    with Path("labels/answers/anna.csv").open("a") as file:
        file.write(KEYS[1] + ",po")  # a line cut short

    page = start()
    assert page.call("/show?who=anna&window=w")["rows"][0]["key"] == KEYS[1]
    page.answer(KEYS[1], "neg")
    assert page.call("/show?who=anna&window=w")["answered"] == 2
    assert lines_of("anna")[-1] == [KEYS[1], "neg"]


@pytest.mark.slow
def test_a_second_start_opens_the_same_page_for_another_annotator(start):
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


@pytest.mark.slow
def test_it_prints_what_is_open_and_its_address_and_ends_well(start):
    page = start()
    assert "stage1 waits for 4 of 4 answers: make label, or fill in the csv" in page.printed
    page.answer(KEYS[0], "pos")
    with pytest.raises(HTTPError, match="403"):
        urlopen(page.address)  # noqa: S310
    page.process.send_signal(signal.SIGINT)
    rest = page.process.communicate(timeout=30)[0]
    assert "stage1 waits for 3 of 4 answers" in rest
    assert "Traceback" not in rest
    assert page.process.returncode == 0
    assert not Path(".gleaner/page.json").exists()


def test_it_listens_on_loopback_only():
    with process.listening(free_port()) as bound:
        assert bound.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_refused_if_named_and_skipped_if_not(monkeypatch):
    with process.listening(free_port()) as first:
        taken = first.getsockname()[1]
        with pytest.raises(Refused, match=rf"^PORT={taken}: Address already in use; possible: a port that no other"):
            process.listening(taken)
        monkeypatch.setattr(process, "PORT", taken)
        with process.listening(None) as other:
            assert other.getsockname()[1] != taken


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "80.5", "²"])
def test_an_invalid_port_is_refused(port):
    with pytest.raises(Refused, match=r"^PORT=.*possible: a number from 1 to 65535"):
        label.main("anna", port)


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(Refused, match=r"WHO='../anna': possible: letters"):
        label.main("../anna")


def test_a_labelled_data_set_needs_no_page(project):
    project.change({"labels": {"from": "dataset"}})
    with pytest.raises(Refused, match=r"labels.from = dataset: the data set has the labels, and nobody is asked"):
        label.main("anna")


def test_a_second_start_must_wait_while_the_first_chooses_rows_and_may_not_name_another_port():
    process.FOLDER.mkdir(exist_ok=True)
    with pytest.raises(Refused, match="starting in another terminal"):
        process.running(None)
    process.ADDRESS.write_text('{"port": 8000, "token": "x"}')
    assert process.running(None) == process.running(8000) == (8000, "x")
    with pytest.raises(Refused, match=r"^PORT=9000: the page is already running at port 8000"):
        process.running(9000)


def test_the_first_rows_are_chosen_before_the_page_opens(monkeypatch):
    """Unless a row is open, or conflicts are to be decided."""
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


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with process.listening(free_port()) as bound, pytest.raises(Refused, match=r"pip install -r requirements-label.txt"):
        process.serve(bound, "anna")


def test_a_browser_opens_only_if_there_is_a_screen(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(process.webbrowser, "open", opened.append)
    monkeypatch.setattr(process.threading.Thread, "start", process.threading.Thread.run)  # at once
    monkeypatch.setattr(process.sys, "platform", "linux")
    process.show((8642, "tok"), "böb", "Here")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    process.show((8642, "tok"), "böb", "Here")
    assert capsys.readouterr().out.splitlines()[1] == "http://127.0.0.1:8642/?token=tok&who=b%C3%B6b"
    [address] = opened  # stands in the browser's command line, which every user of the machine can read
    assert address == Path("labels/open.html").resolve().as_uri()
    assert stat.S_IMODE(Path("labels/open.html").stat().st_mode) == 0o600
    assert "url=http://127.0.0.1:8642/?token=tok&amp;who=b%C3%B6b" in Path("labels/open.html").read_text()


@pytest.mark.slow
def test_the_page_says_why_dvc_failed(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    choosing = Choosing()
    choosing.start()  # DVC knows nothing of this folder
    choosing.thread.join(120)
    assert choosing.status()["failed"] == "`dvc repro cluster` ended with an error, see above; fix it and try again"
    assert any("DVC" in line for line in choosing.status()["lines"])
