"""Answers are never overwritten and never lost, whatever is killed, half written or put back."""

import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stages.core.base import keys
from stages.core.base.errors import Refused
from stages.core.people.records import journal, second_copy
from stages.core.people.records.journal import Answer
from tests.support.project import ROOT

ONE, TWO, THREE = (keys.key(text) for text in ("one", "two", "three"))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
FILE = Path("labels/answers/anna.csv")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def labels(who="anna"):
    return {key: answer.label for key, answer in journal.current(journal.history(who)).items()}


def test_an_answer_is_a_line_with_key_label_and_when():
    journal.append("anna", [(ONE, "pos")], NOON)
    journal.append("anna", [(TWO, 'a "b", c')], NOON)
    assert FILE.read_text() == f'key,label,when\n{ONE},pos,2026-01-02T12:00:00Z\n{TWO},"a ""b"", c",2026-01-02T12:00:00Z\n'
    assert journal.history("anna")[1] == Answer(TWO, 'a "b", c', "2026-01-02T12:00:00Z", 3)


def test_the_last_line_counts_and_an_empty_label_takes_an_answer_back():
    journal.append("anna", [(ONE, "pos"), (TWO, "?"), (ONE, "neg"), (TWO, "")])
    assert labels() == {ONE: "neg"}
    assert [answer.label for answer in journal.history("anna")] == ["pos", "?", "neg", ""]


def test_each_annotator_has_a_file():
    journal.append("anna", [(ONE, "pos")])
    journal.append("böb", [(ONE, "neg")])
    assert journal.annotators() == ["anna", "böb"]
    assert (labels("anna"), labels("böb")) == ({ONE: "pos"}, {ONE: "neg"})


@pytest.mark.parametrize("who", ["", ".hidden", "../up", "a/b", "a b", "x" * 65, "_x"])
def test_a_name_that_no_file_can_have_is_refused(who):
    with pytest.raises(Refused, match=r"WHO=.* possible: letters"):
        journal.append(who, [(ONE, "pos")])
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("key", "label"), [("one", "pos"), (ONE, "a\nb"), (ONE, " pos"), (ONE[:-1], "pos")])
def test_what_could_not_be_read_again_is_not_written(key, label):
    with pytest.raises(Refused, match="is no key and label"):
        journal.append("anna", [(TWO, "pos"), (key, label)])
    assert not FILE.exists()


def whole_file():
    journal.append("anna", [(ONE, "pos"), (TWO, 'the "second"'), (THREE, "neg")], NOON)
    return FILE.read_bytes()


def test_a_file_cut_at_any_byte_keeps_its_whole_lines_and_takes_the_next_answer():
    whole = whole_file()
    for length in range(len(whole)):
        FILE.write_bytes(whole[:length])
        kept = whole[:length].count(b"\n") - 1  # less the first line
        answers, notes = journal.lines(FILE)
        assert len(answers) == max(kept, 0)
        assert len(notes) == (length > 0 and whole[length - 1 : length] != b"\n")
        journal.add(FILE, [Answer(THREE, "new", "", 0)])
        after, _ = journal.lines(FILE)
        assert after[: len(answers)] == answers
        assert (after[-1].key, after[-1].label) == (THREE, "new")
        assert len(after) - len(answers) in (1, 2)  # 2: the line was whole but for its end, or for a part of the time


def test_half_a_line_is_reported_with_its_number():
    FILE.parent.mkdir(parents=True)
    FILE.write_bytes(whole_file()[:-30])
    assert journal.lines(FILE)[1] == [f"{FILE}, line 4: half a line is ignored; if it is whole, end it with a line break"]


def test_lines_that_are_no_answers_are_reported_and_ignored():
    FILE.parent.mkdir(parents=True)
    FILE.write_text(f"key,label,when\nnonsense\n{ONE},pos,\n\n{TWO}\n")
    answers, notes = journal.lines(FILE)
    assert [(answer.key, answer.line) for answer in answers] == [(ONE, 3)]
    assert notes == [
        f"{FILE}, line 2: 'nonsense' is no key and label, and is ignored",
        f"{FILE}, line 5: {TWO!r} is no key and label, and is ignored",
    ]


def test_columns_may_come_in_any_order_with_others_and_with_windows_line_ends():
    FILE.parent.mkdir(parents=True)
    FILE.write_bytes(f"\ufeffLabel,by,Key\r\npos,x,{ONE}\r\nneg,x,{TWO}\r\n".encode())
    assert labels() == {ONE: "pos", TWO: "neg"}


def test_a_file_without_its_header_is_refused():
    FILE.parent.mkdir(parents=True)
    FILE.write_text(f"{ONE},pos\n")
    with pytest.raises(Refused, match=rf"^{FILE}, line 1: found {ONE},pos, possible: key,label,when; add that line"):
        labels()


def test_a_file_that_was_replaced_between_two_answers_gets_the_second():
    """As `dvc exp run` does with every file that git tracks and that was changed."""
    whole_file()
    copy = FILE.with_name("other")
    copy.write_bytes(FILE.read_bytes())
    os.replace(copy, FILE)
    journal.append("anna", [(ONE, "neg")])
    assert labels()[ONE] == "neg"


def test_lines_that_an_older_file_lacks_are_restored_from_the_second_copy():
    whole_file()
    older = FILE.read_bytes()
    journal.append("anna", [(ONE, "neg"), (TWO, "")], NOON.replace(hour=13))
    FILE.write_bytes(older)  # as dvc exp apply does
    assert second_copy.restore() == [f"{FILE}: 2 lost answers are back, from .gleaner/answers/anna.csv"]
    assert labels() == {ONE: "neg", THREE: "neg"}
    FILE.unlink()
    assert len(second_copy.restore()) == 1
    assert labels() == {ONE: "neg", THREE: "neg"}
    assert second_copy.restore() == []


def test_a_lost_line_with_a_later_one_stays_lost():
    journal.append("anna", [(ONE, "pos")], NOON)
    FILE.unlink()
    journal.COPY.rename(".gleaner/kept")
    journal.append("anna", [(ONE, "neg")], NOON.replace(hour=13))
    os.replace(".gleaner/kept/anna.csv", journal.COPY / "anna.csv")
    assert second_copy.restore() == []
    assert labels() == {ONE: "neg"}


def corrected(old: str, new: str) -> None:
    """As a person does in an editor."""
    FILE.write_text(FILE.read_text().replace(old, new))


def test_a_line_corrected_in_place_stays_corrected():
    journal.append("anna", [(ONE, "Postive"), (TWO, "neg")], NOON)
    for old, new in (("Postive", "positive"), ("positive", "great"), (",neg,", ",bad,")):
        corrected(old, new)
        after = FILE.read_bytes()
        assert second_copy.restore() == []
        assert FILE.read_bytes() == after == (journal.COPY / "anna.csv").read_bytes()
    corrected("great", "fine")
    FILE.write_text(FILE.read_text().rstrip("\n"))  # some editors leave out the last line end
    assert second_copy.restore() == []
    journal.append("anna", [(THREE, "neg")], NOON)
    assert labels() == {ONE: "fine", TWO: "bad", THREE: "neg"}
    FILE.unlink()
    second_copy.restore()
    assert labels() == {ONE: "fine", TWO: "bad", THREE: "neg"}


@pytest.mark.parametrize(
    ("header", "line", "added"),
    [
        ("label,key,when", f"pos,{ONE},2026-01-01T00:00:00Z", f"neg,{TWO},2026-01-02T12:00:00Z"),
        ("key,label,confidence,when", f"{ONE},pos,0.7,2026-01-01T00:00:00Z", f"{TWO},neg,,2026-01-02T12:00:00Z"),
        ("Key,Label", f"{ONE},pos", f"{TWO},neg"),
        ("when;key;label", f"2026-01-01T00:00:00Z;{ONE};pos", f"2026-01-02T12:00:00Z;{TWO};neg"),
    ],
)
def test_an_answer_is_written_by_the_header_of_the_file(header, line, added):
    FILE.parent.mkdir(parents=True)
    FILE.write_text(f"{header}\n{line}\n")
    journal.append("anna", [(TWO, "neg")], NOON)
    whole = FILE.read_text()
    assert whole == f"{header}\n{line}\n{added}\n"
    assert (labels(), journal.lines(FILE)[1]) == ({ONE: "pos", TWO: "neg"}, [])
    for _ in range(2):
        assert second_copy.restore() == []
        assert FILE.read_text() == whole
    FILE.write_text(f"{header}\n{line}\n")  # as git does
    assert len(second_copy.restore()) == 1
    assert FILE.read_text() == whole
    FILE.unlink()
    second_copy.restore()
    assert FILE.read_text() == whole.replace(";", ",").lower().replace("t00", "T00").replace("t12", "T12").replace("z", "Z")


def test_answers_of_a_class_tried_on_another_branch_stay_in_the_copy_until_it_is_a_class_again():
    journal.append("anna", [(ONE, "pos")], NOON)
    of_main = FILE.read_bytes()
    journal.append("anna", [(ONE, "mixed"), (TWO, "neg")], NOON.replace(hour=13))
    FILE.write_bytes(of_main)  # git checkout main
    known = {"pos", "neg", "?", ""}
    note = f"{journal.COPY}/anna.csv: 1 answers stay there: mixed is no class now"
    assert second_copy.restore(known.__contains__) == [f"{FILE}: 1 lost answers are back, from {journal.COPY}/anna.csv", note]
    assert labels() == {ONE: "pos", TWO: "neg"}
    assert second_copy.restore(known.__contains__) == [note]
    assert second_copy.restore({*known, "mixed"}.__contains__) == [f"{FILE}: 1 lost answers are back, from {journal.COPY}/anna.csv"]
    assert labels() == {ONE: "mixed", TWO: "neg"}


def test_a_file_that_grows_is_read_on_and_one_that_changed_is_read_anew():
    journal.append("anna", [(keys.key(str(number)), "pos") for number in range(100)])
    before = journal.read_lines(FILE)[0]
    assert journal.read_lines(FILE)[0] is before
    journal.append("anna", [(ONE, "neg")])
    after = journal.read_lines(FILE)[0]
    assert all(one is other for one, other in zip(before.answers, after.answers, strict=False))  # not parsed again
    assert (len(after.answers), after.answers[-1].line) == (101, 102)
    corrected(",pos,", ",great,")
    assert set(labels().values()) == {"great", "neg"}


def test_answers_that_came_by_git_get_a_second_copy():
    FILE.parent.mkdir(parents=True)
    FILE.write_text(f"key,label,when\n{ONE},pos,\n")
    assert second_copy.restore() == []
    FILE.unlink()
    second_copy.restore()
    assert labels() == {ONE: "pos"}


def test_ten_thousand_answers_at_once_are_written_and_read():
    given = [(keys.key(str(number)), f"class {number % 7}") for number in range(10_000)]
    assert journal.append("anna", given) == 10_000
    assert labels() == dict(given)


def test_a_file_that_cannot_be_written_is_named():
    whole_file()
    before = FILE.read_bytes()
    FILE.unlink()
    FILE.mkdir()  # root may write anywhere, but not into a folder
    with pytest.raises(Refused, match=rf"^{FILE} cannot be written: Is a directory; fix that and answer again"):
        journal.append("anna", [(ONE, "pos")])
    assert stat.S_ISDIR(FILE.stat().st_mode)
    assert (journal.COPY / "anna.csv").read_bytes() == before  # a refused answer is not in the second copy either


KILLED = """
import sys
from stages.core.base import keys
from stages.core.people.records import journal, second_copy
number = 0
while True:
    journal.append("anna", [(keys.key(str(number)), "pos")])
    print(number, flush=True)
    number += 1
"""


@pytest.mark.faults
def test_every_answer_reported_as_written_is_there_after_kill_9():
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    printed = [process.stdout.readline() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    printed += process.stdout.readlines()
    process.wait()
    assert printed[19] == "19\n"
    assert {keys.key(number.strip()) for number in printed if number.endswith("\n")} <= set(labels())
    journal.append("anna", [(ONE, "neg")])
    assert labels()[ONE] == "neg"


def test_two_processes_of_one_annotator_write_whole_lines():
    script = (
        "from stages.core.base import keys; from stages.core.people.records import journal; import sys\n"
        "[journal.append('anna', [(keys.key(sys.argv[1] + str(i)), 'pos')]) for i in range(50)]"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([sys.executable, "-c", script, name], env=environment) for name in "ab"]
    assert [process.wait() for process in processes] == [0, 0]
    answers, notes = journal.lines(FILE)
    assert (len(answers), notes) == (100, [])
    assert {answer.key for answer in answers} == {keys.key(f"{name}{i}") for name in "ab" for i in range(50)}


def test_the_digest_changes_with_every_csv_and_with_nothing_else():
    whole_file()
    before = journal.digest()
    (FILE.parent / ".~lock.anna.csv#").symlink_to("nowhere")
    Path("labels/.gitkeep").write_text("")
    assert journal.digest() == before
    journal.append("anna", [(ONE, "neg")])
    assert journal.digest() != before
