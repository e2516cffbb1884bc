"""People label: what an answer runs, what waits, and what git and DVC do to files that people wrote."""

import json
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

import gleaner
from stages import collect_answers
from stages.commands import add, answers, ask, waiting
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.people import dvc_repro
from stages.core.people.labelling import Labelling
from stages.core.people.labelling_page.background import Choosing, by_process
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.records import asked, journal
from stages.core.space import logistic_cv
from tests.conftest import once
from tests.support.people import PEOPLE, Labelled, next_open
from tests.support.processes import Hold
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
    return entered(asked_for, tmp_path, monkeypatch)


def entered(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labelled:
    """A copy that this process is in; its path is in ASCII, since DVC cannot write other letters into its config."""
    labelled = Labelled(project.copied(tmp_path / "a copy").folder)
    monkeypatch.chdir(labelled.folder)
    monkeypatch.setenv("PATH", labelled.environment()["PATH"])
    labelled.truth = truth(labelled)
    return labelled


def truth(project: Project) -> dict[str, str]:
    rows = [json.loads(line) for line in (project.folder / "corpus.jsonl").read_text().splitlines()]
    return {row["text"]: ("neg", "pos")[number % 2] for number, row in enumerate(rows)}


def ran(project) -> list[str]:
    return Project.repro(project)


def test_a_repro_that_waits_ends_well_and_answers_run_only_what_follows(project):
    assert project.summary() == "stage1 waits for 12 answers.\n"
    assert ran(project) == []
    state = Labelling()
    text = next_open(state, "stage1")
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


def test_without_a_holdout_models_that_are_trained_anew_are_calibrated_anew_and_predict(project, monkeypatch):
    project.change({"prepare": {"holdout_rows": 0}, "stages": ["stage1"], "rounds": {}})
    project.answer_all("stage1")
    assert "calibrate" in ran(project)
    assert gleaner.load().predict(["good film"])[0] in ("neg", "pos")
    monkeypatch.setattr(logistic_cv, "STRENGTHS", np.array([1e-3]))  # as on another machine: other weights
    assert project.dvc("repro", "--force", "--single-item", "train_stage1").stages == ["train_stage1"]
    with pytest.raises(Refused, match="data/stage1/models/0 has changed"):
        gleaner.load()
    assert ran(project) == ["calibrate", "report"]
    assert gleaner.load().predict(["good film"])[0] in ("neg", "pos")


def test_near_duplicates_that_are_answered_in_a_round_run_nothing_before_it(project):
    project.answer_all("stage1")
    ask.main(repro=lambda target: Project.repro(project, target))
    ran(project)
    project.change({"labels": {"alike_cosine": 0.01}})
    assert ran(project) == []  # no stage depends on it
    state = Labelling()
    key, new = next((key, several) for key, several in state.twins(state.open_keys("stage2")).items() if several)
    state.answer("anna", key, "pos", new)
    project.answer_all("stage2")
    again = set(ran(project))
    assert {"collect_answers", "select_stageN@stage2", "train_stageN@stage2", "report"} <= again
    assert again & {"prepare", "embed", "cluster", "select_stage1", "train_stage1", "score_entropy@stage2"} == set()


@pytest.mark.exhaustive
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
    project.dvc("repro")


def test_an_answer_that_comes_while_the_stage_reads_is_read_after_all(project, monkeypatch, capsys):
    """DVC hashes what a stage depends on when it has ended: to it that answer is up to date, and it is in no out."""
    usual, late = collect_answers.main, Path("labels/answers/late.csv")

    def main() -> None:
        usual()
        late.exists() or late.write_text(f"key,label,when\n{asked.keys('stage1')[0]},pos,\n")

    monkeypatch.setattr(collect_answers, "main", main)
    monkeypatch.setattr(dvc_repro, "run", lambda *words: Project.repro(project, *words))
    Path("labels/answers/bob.csv").write_text("key,label,when\n")  # so that the stage runs
    assert "collect_answers" in ran(project)
    assert project.summary() == "stage1 waits for 12 answers.\n"
    assert ran(project) == []  # DVC knows of nothing
    waiting.main("repro")
    assert "stage1 waits for 11 of 12 answers: make label, or fill in the csv" in capsys.readouterr().out
    assert project.summary() == "stage1 waits for 11 answers.\n"


@pytest.mark.exhaustive
def test_an_experiment_takes_no_answer_away_and_loses_none_that_came_meanwhile(project, capsys):
    state = Labelling()
    state.answer("anna", next_open(state, "stage1").key, "pos")
    project.commit("an answer")
    project.dvc("exp", "run", "--name", "other", "-S", "report.target=0.8")
    later = next_open(state, "stage1").key
    state.answer("anna", later, "neg")
    state.answer("bob", later, "neg")
    for who in ("anna", "bob"):
        assert later in project.answered(who)
    project.dvc("exp", "apply", "other")
    capsys.readouterr()
    waiting.main()
    assert later in project.answered("anna")
    assert later in project.answered("bob")
    state.answer("anna", later, "pos")  # into the file that is there now
    assert project.answered("anna")[later] == "pos"


def test_an_experiment_in_a_copy_sees_what_is_committed_and_leaves_the_rest_alone(project):
    """DVC copies what git tracks, and no more."""
    state = Labelling()
    state.answer("anna", next_open(state, "stage1").key, "pos")
    before = journal.file_of("anna").read_bytes()
    project.dvc("exp", "run", "--temp", "--name", "copy", "-S", "report.target=0.8")
    assert journal.file_of("anna").read_bytes() == before
    shown = Project.run(project, "git", "ls-tree", "-r", "--name-only", "copy", "--", "labels", check=False).stdout
    assert "anna" not in shown


def test_answers_that_git_does_not_keep_yet_are_told(project, capsys):
    state = Labelling()
    state.answer("anna", next_open(state, "stage1").key, "pos")
    waiting.main()
    assert "not committed: labels/answers/anna.csv: git add labels && git commit -m answers" in capsys.readouterr().out
    project.commit("answers")
    waiting.main()
    assert "not committed" not in capsys.readouterr().out


def test_the_plots_page_is_made_while_nothing_is_measured_yet(project):
    project.dvc("plots", "show", "--quiet")
    assert Path("dvc_plots/index.html").exists()


def test_a_clone_waits_for_the_same(project, tmp_path):
    state = Labelling()
    state.answer("anna", next_open(state, "stage1").key, "pos")
    project.commit("answers")
    Project.run(project, "git", "clone", "--quiet", ".", str(tmp_path / "a clone"))
    clone = tmp_path / "a clone"
    assert (clone / "labels/stage1.csv").read_bytes() == Path("labels/stage1.csv").read_bytes()
    assert (clone / "labels/answers/anna.csv").exists()
    assert (clone / "labels/answers/.gitkeep").exists()


KILLED = "from stages.commands import answers; answers.main('back.csv', 'anna')"


@pytest.mark.faults
@pytest.mark.parametrize(
    "opened", [pytest.param(1, marks=pytest.mark.exhaustive), 2, pytest.param(3, marks=pytest.mark.exhaustive)]
)
def test_an_import_that_is_killed_is_whole_when_it_is_done_again(project, tmp_path, opened):
    keys = asked.keys("stage1")
    Path("back.csv").write_text("key,label\n" + "".join(f"{key},pos\n" for key in keys))
    hold = Hold(tmp_path, KILLED, "open", "anna.csv", opened)
    process = subprocess.Popen([sys.executable, "-c", KILLED], env=hold.environment(project))
    hold.wait(process)
    process.kill()
    process.wait()
    found, _ = journal.lines(journal.file_of("anna"))
    assert {answer.key for answer in found} <= set(keys)
    answers.main("back.csv", "anna")
    assert project.answered() == dict.fromkeys(keys, "pos")
    assert len(journal.history("anna")) == len(keys)


@pytest.fixture(scope="module")
def first_answered(asked_for, tmp_path_factory) -> Project:
    """The holdout and stage1 are answered, and learned from."""

    def build(folder: Path) -> None:
        labelled = Labelled(asked_for.copied(folder / "a project").folder)
        labelled.truth = truth(labelled)
        with chdir(labelled.folder):
            for name in (asked.HOLDOUT, "stage1"):
                labelled.answer_all(name)
        Project.repro(labelled, "train_stage1")

    return Project(once(tmp_path_factory, "answered", build) / "a project")


@pytest.fixture
def answered(first_answered, tmp_path, monkeypatch) -> Labelled:
    return entered(first_answered, tmp_path, monkeypatch)


def test_texts_that_come_later_are_encoded_alone_and_answers_holdout_and_rounds_stay(answered):
    held, labels = paths.HOLDOUT.read_bytes(), np.load("data/stage1/labels.npy")
    asked_before = {file: file.read_bytes() for file in Path("labels").rglob("*.csv")}
    new = [f"later {number} scene" for number in range(15)]
    Path("new.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in new))
    add.main("new.jsonl")
    made = answered.dvc("repro")
    assert {"prepare", "collect_answers", "embed", "cluster", "train_stage1", "report"} <= set(made.stages)
    assert "finetune_encoder" not in made.stages
    assert "data/embeddings/pool.npy: 115 texts, 15 encoded now" in made.output
    assert "data/embeddings/holdout.npy: 20 texts, 0 encoded now" in made.output
    assert paths.HOLDOUT.read_bytes() == held
    assert artifacts.texts(paths.POOL)[100:] == new
    assert np.array_equal(np.load("data/stage1/labels.npy"), labels)
    assert np.load("data/asked/added.npy").tolist() == list(range(100, 115))
    assert "of 15 new" in answered.summary()
    assert ran(answered) == []
    ask.main(repro=lambda target: Project.repro(answered, target))
    assert len(asked.keys("stage2")) == 8
    assert {file: file.read_bytes() for file in asked_before} == asked_before


def test_the_page_asks_for_the_next_round_by_itself_and_runs_no_more_than_its_proposal_needs(answered):
    said: list[str] = []
    page = Desk(Choosing(lambda say: by_process(lambda line: (say(line), said.append(line)))))
    shown = page.show("anna", "window")
    assert (shown["round"], shown["rows"]) == (None, [])
    page.choose("anna")
    page.choosing.thread.join()
    shown = page.show("anna", "window")
    assert (shown["round"], shown["asked"], shown["choosing"]["failed"]) == ("stage2", 8, "")
    assert "labels/stage2.csv: asks for 8 rows" in said
    stages = {line.split("'")[1] for line in said if line.startswith("Running stage ")}
    assert stages == {"inputs", "score_entropy@stage2", "select_stageN@stage2"}


@pytest.mark.faults
@pytest.mark.exhaustive
def test_after_kill_9_while_the_next_rows_are_chosen_they_are_chosen_when_it_is_started_again(answered, tmp_path):
    """What is killed is the command; the DVC that it had started works on, and would refuse a second at that time."""
    hold, ask_again = Hold(tmp_path, "-m stages score_entropy", "os.rename"), [sys.executable, "-u", "-m", "stages", "ask"]
    first = subprocess.Popen(ask_again, env=hold.environment(answered))
    hold.wait(first)
    first.kill()
    first.wait()
    assert not asked.file_of("stage2").exists()
    second = subprocess.Popen(ask_again, env=answered.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in second.stdout:
        if "another dvc is running here" in line:
            break
    else:
        pytest.fail("it did not wait for the DVC that the first had started")
    hold.release()
    rest = second.communicate()[0]
    assert second.returncode == 0, rest
    assert "labels/stage2.csv: asks for 8 rows" in rest
    assert set(answered.answered().values()) <= {"neg", "pos"}
    assert len(answered.answered()) == 20 + 12
