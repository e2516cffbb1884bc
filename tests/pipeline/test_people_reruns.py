"""People label, by real DVC: what an answer runs, what waits, and what git and DVC do to files that people wrote."""

import json
import os
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path

import pytest

from stages.commands import ask, waiting
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.choosing import Choosing, by_process
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.records import asked, journal
from tests.conftest import once
from tests.support.people import PEOPLE, Labelled
from tests.support.project import Project

pytestmark = [pytest.mark.dvc, pytest.mark.slow]
TWO = {"stages": ["stage1", "stage2"], "rounds": {"stage2": {"after": "stage1", "m": 2}}}


@pytest.fixture(scope="module")
def asked_for(tmp_path_factory) -> Project:
    """A project that waits for the answers of its first round and of the holdout, committed."""

    def build(folder: Path) -> None:
        project = Labelled(Project.tiny(folder / "a projéct", **PEOPLE, **TWO).folder)
        project.hide_labels()
        with chdir(project.folder):
            Project.repro(project)
            ask.main(repro=lambda target: Project.repro(project, target))
        Project.repro(project)
        project.commit("asked")

    return Project(once(tmp_path_factory, "people", build) / "a projéct")


@pytest.fixture
def project(asked_for, tmp_path, monkeypatch) -> Labelled:
    copy = asked_for.copied(tmp_path / "a copy")  # in ASCII, since DVC cannot write other letters into its config
    monkeypatch.chdir(copy.folder)
    monkeypatch.setenv("PATH", copy.environment()["PATH"])
    labelled = Labelled(copy.folder)
    labelled.truth = {text: ("neg", "pos")[number % 2] for number, text in enumerate(texts_of(copy))}
    return labelled


def texts_of(project: Project) -> list[str]:
    return [json.loads(line)["text"] for line in (project.folder / "corpus.jsonl").read_text().splitlines()]


def ran(project) -> list[str]:
    return Project.repro(project)


def test_a_repro_that_waits_ends_well_and_answers_run_only_what_follows(project):
    assert project.summary() == "stage1 waits for 12 answers.\n"
    assert ran(project) == []
    state = Labelling()
    text = state.next_open("stage1")
    state.answer("anna", text.key, "pos")
    one = ran(project)
    assert set(one) & {"prepare", "embed", "cluster", "select_stage1"} == set()
    assert one[0] == "collect_answers"
    assert {"buy_labels@stage1", "train_stage1", "report"} <= set(one)
    assert project.summary() == "stage1 waits for 11 answers.\n"

    project.answer_all("stage1")
    state.answer("anna", text.key, "neg")
    all_of_it = ran(project)
    assert "select_stage1" not in all_of_it
    assert {"train_stage1", "score_entropy@stage2", "select_stageN@stage2"} <= set(all_of_it)
    assert project.summary().startswith("stage2 waits for 8 answers.\n")
    before = (project.folder / "dvc.lock").read_bytes()
    assert ran(project) == []
    assert (project.folder / "dvc.lock").read_bytes() == before


def test_a_class_that_is_renamed_leaves_the_vectors_and_buckets_where_they_are(project):
    project.answer_all("stage1")
    assert "train_stage1" in ran(project)
    classes = {"classes": ["bad", "pos"], "rename": {"neg": "bad"}}
    project.change({"labels": classes})
    again = ran(project)
    assert again[:2] == ["prepare", "collect_answers"]
    assert set(again) & {"finetune_encoder", "embed", "reduce", "cluster"} == set()
    assert json.loads(Path("data/classes.json").read_text()) == ["bad", "pos"]


def test_what_lies_in_labels_beside_the_tables_neither_runs_nor_stops_anything(project):
    Path("labels/.~lock.stage1.csv#").symlink_to("nobody@nowhere.1234:5678")  # of LibreOffice; it leads nowhere
    Path("labels/notes.txt").write_text("of a person")
    Path("labels/.stage1.csv.1.part").write_text("half")
    assert ran(project) == []
    for file in asked.FOLDER.glob("**/*.csv"):
        file.unlink()
    (asked.FOLDER / ".~lock.stage1.csv#").unlink()
    assert Project.run(project, "dvc", "repro").returncode == 0


def test_an_answer_that_comes_while_the_stage_reads_is_read_after_all(project):
    """DVC hashes what a stage depends on when it has ended: to it that answer is up to date, and it is in no out."""
    stage = project.folder / "stages/collect_answers.py"
    code = stage.read_text()
    marker = "        ever = {name"
    late = f"        late()\n{marker}"
    helper = (
        "def late():\n    import os\n    if not os.path.exists('late'):\n        open('late', 'w').close()\n"
        "        with open('labels/answers/late.csv', 'w') as file:\n"
        "            file.write('key,label,when\\n' + asked.keys('stage1')[0] + ',pos,\\n')\n\n\ndef main("
    )
    stage.write_text(code.replace(marker, late).replace("def main(", helper, 1))
    assert "collect_answers" in ran(project)
    assert project.summary() == "stage1 waits for 12 answers.\n"
    assert ran(project) == []  # DVC knows of nothing
    said = subprocess.run(
        [sys.executable, "-m", "stages", "waiting", "repro"], capture_output=True, text=True, env=project.environment()
    )
    assert said.returncode == 0, said.stderr
    assert "stage1 waits for 11 of 12 answers: make label, or fill in the csv" in said.stdout
    assert project.summary() == "stage1 waits for 11 answers.\n"


def test_an_experiment_takes_no_answer_away_and_loses_none_that_came_meanwhile(project, capsys):
    state = Labelling()
    state.answer("anna", state.next_open("stage1").key, "pos")
    project.commit("an answer")
    Project.run(project, "dvc", "exp", "run", "--name", "other", "-S", "select_stage1.n=4")
    later = state.next_open("stage1").key
    state.answer("anna", later, "neg")
    state.answer("bob", later, "neg")
    for who in ("anna", "bob"):
        assert later in project.answered(who)
    Project.run(project, "dvc", "exp", "apply", "other")
    capsys.readouterr()
    waiting.main()
    assert later in project.answered("anna")
    assert later in project.answered("bob")
    state.answer("anna", later, "pos")  # into the file that is there now
    assert project.answered("anna")[later] == "pos"


def test_an_experiment_in_a_copy_sees_what_is_committed_and_leaves_the_rest_alone(project):
    """DVC copies what git tracks, and no more."""
    state = Labelling()
    state.answer("anna", state.next_open("stage1").key, "pos")
    before = journal.file_of("anna").read_bytes()
    Project.run(project, "dvc", "exp", "run", "--temp", "--name", "copy", "-S", "report.target=0.8")
    assert journal.file_of("anna").read_bytes() == before
    shown = Project.run(project, "git", "ls-tree", "-r", "--name-only", "copy", "--", "labels", check=False).stdout
    assert "anna" not in shown


def test_answers_that_git_does_not_keep_yet_are_told(project, capsys):
    state = Labelling()
    state.answer("anna", state.next_open("stage1").key, "pos")
    waiting.main()
    assert "not committed: labels/answers/anna.csv: git add labels && git commit -m answers" in capsys.readouterr().out
    project.commit("answers")
    waiting.main()
    assert "not committed" not in capsys.readouterr().out


def test_the_plots_page_is_made_while_nothing_is_measured_yet(project):
    Project.run(project, "dvc", "plots", "show", "--quiet")
    assert Path("dvc_plots/index.html").exists()


def test_a_clone_waits_for_the_same(project, tmp_path):
    state = Labelling()
    state.answer("anna", state.next_open("stage1").key, "pos")
    project.commit("answers")
    Project.run(project, "git", "clone", "--quiet", ".", str(tmp_path / "a clone"))
    clone = tmp_path / "a clone"
    assert (clone / "labels/stage1.csv").read_bytes() == Path("labels/stage1.csv").read_bytes()
    assert (clone / "labels/answers/anna.csv").exists()
    assert (clone / "labels/answers/.gitkeep").exists()


KILLED = """
from stages.commands import answers
answers.main("back.csv", "anna")
"""


@pytest.mark.faults
def test_an_import_that_is_killed_at_any_point_is_whole_when_it_is_done_again(project):
    keys = asked.keys("stage1")
    Path("back.csv").write_text("key,label\n" + "".join(f"{key},pos\n" for key in keys))
    for wait in (0.2, 1.0, 1.6, 2.0):
        process = subprocess.Popen([sys.executable, "-c", KILLED], env={**project.environment(), "PYTHONPATH": os.getcwd()})
        time.sleep(wait)
        process.kill()
        process.wait()
        found, _ = journal.lines(journal.file_of("anna"))
        assert {answer.key for answer in found} <= set(keys)
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={**project.environment(), "PYTHONPATH": os.getcwd()}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert project.answered() == dict.fromkeys(keys, "pos")
    assert len(journal.history("anna")) == len(keys)


def test_the_page_asks_for_the_next_round_by_itself_and_runs_no_more_than_its_proposal_needs(project):
    for name in (asked.HOLDOUT, "stage1"):
        project.answer_all(name)
    said: list[str] = []
    page = Desk(Choosing(lambda say: by_process(lambda line: (say(line), said.append(line)))))
    shown = page.show("anna", "window")
    assert (shown["round"], shown["rows"]) == (None, [])
    page.choose("anna")
    page.choosing.thread.join(120)
    shown = page.show("anna", "window")
    assert (shown["round"], shown["asked"], shown["choosing"]["failed"]) == ("stage2", 8, "")
    assert "labels/stage2.csv: 8 rows are asked for" in said
    stages = {line.split("'")[1] for line in said if line.startswith("Running stage ")}
    assert "select_stageN@stage2" in stages
    assert stages & {"report", "train_stageN@stage2", "train_final@bucketed", "train_full"} == set()


@pytest.mark.faults
def test_after_kill_9_while_the_next_rows_are_chosen_they_are_chosen_when_it_is_started_again(project):
    """What is killed is the command; the DVC that it had started works on, and would refuse a second at that time."""
    for name in (asked.HOLDOUT, "stage1"):
        project.answer_all(name)
    command = [sys.executable, "-u", "-m", "stages", "ask"]
    with Path("first.txt").open("w") as out:
        first = subprocess.Popen(command, env=project.environment(), stdout=out, stderr=out)
        while "Running stage 'answers'" not in Path("first.txt").read_text():
            assert first.poll() is None, Path("first.txt").read_text()
            time.sleep(0.05)
        first.kill()
        first.wait()
    assert not asked.file_of("stage2").exists()
    second = subprocess.run(command, env=project.environment(), capture_output=True, text=True)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "another dvc is at work here" in second.stdout
    assert "labels/stage2.csv: 8 rows are asked for" in second.stdout
    assert set(project.answered().values()) <= {"neg", "pos"}
    assert len(project.answered()) == 20 + 12
