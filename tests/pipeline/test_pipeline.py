"""The whole pipeline on a tiny corpus, a tiny random BERT and the probe."""

import itertools
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from stages.core.base.seeding import rngs
from stages.core.encoding.vectors import mean_of_layers
from stages.core.rows.rounds import random_orders
from stages.core.strategies import PoolState, recluster
from tests.support.project import IGNORED, ROOT, TO_BUCKETS, InProcess, Project

STAGES = ["stage1", "stage2", "stage3"]
CLASSES = ["neg", "pos"]


def array(project, name):
    return np.load(project.folder / "data" / name, allow_pickle=False)


def lines(project, name):
    return [json.loads(line) for line in (project.folder / "data" / name).read_text(encoding="utf-8").splitlines()]


def test_labelled_rows_grow_by_n_and_m_a_bucket_and_never_repeat(finished):
    labelled = [array(finished, f"{stage}/labelled.npy") for stage in STAGES]
    assert [rows.shape for rows in labelled] == [(2, 12), (2, 20), (2, 28)]
    for earlier, later in itertools.pairwise(labelled):
        assert (later[:, : earlier.shape[1]] == earlier).all()
    for rows in labelled[-1]:
        assert len(set(rows)) == 28
        assert 0 <= rows.min() <= rows.max() < 90


def test_every_round_takes_m_of_every_bucket(finished):
    clusters = array(finished, "clusters.npy")
    for seed in range(2):
        new = array(finished, "stage2/labelled.npy")[seed, 12:]
        assert np.bincount(clusters[new]).tolist() == [2, 2, 2, 2]


def test_a_round_takes_the_highest_entropy_of_each_bucket(finished):
    entropy, clusters = array(finished, "stage2/scores.npy"), array(finished, "clusters.npy")
    labelled = array(finished, "stage2/labelled.npy")
    for seed in range(2):
        for row in labelled[seed, 12:]:
            bucket_open = np.setdiff1d(np.flatnonzero(clusters == clusters[row]), labelled[seed])
            assert entropy[seed, row] >= entropy[seed, bucket_open].max(initial=0)


@pytest.mark.parametrize("pick", ["typical", "central"])
def test_the_first_rows_can_be_chosen_in_every_bucket(copy_of_finished, pick):
    before, clusters = array(copy_of_finished, "stage1/labelled.npy"), array(copy_of_finished, "clusters.npy")
    copy_of_finished.change({"select_stage1": {"pick": pick}})
    assert copy_of_finished.repro("select_stage1") == ["select_stage1"]
    after = array(copy_of_finished, "stage1/labelled.npy")
    assert [np.bincount(clusters[rows]).tolist() for rows in after] == [[3, 3, 3, 3]] * 2
    assert sorted(after[0]) != sorted(before[0])


def test_a_round_can_cluster_the_least_sure_rows_anew(copy_of_finished):
    copy_of_finished.change({"select_stageN": {"by": "recluster"}})
    assert copy_of_finished.repro("select_stageN@stage2") == ["select_stageN@stage2"]
    labelled, scores = array(copy_of_finished, "stage2/labelled.npy"), array(copy_of_finished, "stage2/scores.npy")
    vectors, no = mean_of_layers(array(copy_of_finished, "embeddings/pool.npy")), None
    orders, generators = random_orders([0, 1], 90), rngs([0, 1], "bucketed_stage2")
    for rows, unsure, order, rng in zip(labelled, scores, orders, generators, strict=True):
        known = PoolState(vectors, no, no, order, rows[:12], no, 2, no, no, no, scored=unsure)
        assert rows[12:].tolist() == recluster.pick(known, 8, rng).tolist()


def test_scores_are_missing_exactly_where_labelled(finished):
    for stage, before in (("stage2", "stage1"), ("stage3", "stage2")):
        entropy, predicted = array(finished, f"{stage}/scores.npy"), array(finished, f"{stage}/predicted.npy")
        for seed, rows in enumerate(array(finished, f"{before}/labelled.npy")):
            assert np.flatnonzero(np.isnan(entropy[seed])).tolist() == sorted(rows)
            assert 0 <= predicted[seed].min() <= predicted[seed].max() <= 1  # of labelled rows too
        assert 0 <= np.nanmin(entropy) <= np.nanmax(entropy) <= 1  # bits, two classes


def test_random_arm_has_the_same_budgets_nested(finished):
    rows = [array(finished, f"results/random/{stage}/labelled.npy") for stage in STAGES]
    assert [r.shape for r in rows] == [array(finished, f"{stage}/labelled.npy").shape for stage in STAGES]
    assert (rows[2][:, :20] == rows[1]).all()
    assert (rows[1][:, :12] == rows[0]).all()


def test_pool_and_holdout_share_no_text(finished):
    pool, holdout = ({row["text"] for row in lines(finished, name)} for name in ("pool.jsonl", "holdout.jsonl"))
    assert len(pool) == 90
    assert len(holdout) == 30
    assert pool & holdout == set()


def test_labels_lie_apart_from_texts_and_are_those_of_the_source(finished):
    corpus = [json.loads(line) for line in (finished.folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    label = {row["text"]: row["label"] for row in corpus}
    assert json.loads((finished.folder / "data/classes.json").read_text()) == CLASSES
    for texts, answers in (("pool.jsonl", "answers.npy"), ("holdout.jsonl", "holdout_labels.npy")):
        assert {key for row in lines(finished, texts) for key in row} == {"text"}
        assert [CLASSES[number] for number in array(finished, answers)] == [label[row["text"]] for row in lines(finished, texts)]


def test_a_stage_has_the_labels_of_its_own_rows_and_no_others(finished):
    answers = array(finished, "answers.npy")
    for stage in STAGES:
        assert array(finished, f"{stage}/labels.npy").tolist() == answers[array(finished, f"{stage}/labelled.npy")].tolist()


def test_selected_rows_can_be_read(finished):
    pool = lines(finished, "pool.jsonl")
    selected = lines(finished, "stage2/selected.jsonl")
    assert len(selected) == 16
    assert all(row["text"] == pool[row["row"]]["text"] for row in selected)
    assert set(selected[0]) == {"seed", "row", "bucket", "score", "text"}


def test_every_arm_has_the_same_flat_keys(finished):
    files = sorted(file for file in (finished.folder / "metrics").glob("*/*.json") if file.stem != "curve")
    assert [f"{file.parent.name}/{file.stem}" for file in files] == [
        "bucketed/stage1", "bucketed/stage2", "bucketed/stage3", "entropy/stage1", "entropy/stage2", "entropy/stage3",
        "full/pool", "random/stage1", "random/stage2", "random/stage3",
    ]  # fmt: skip
    keys = [list(json.loads(file.read_text())) for file in files]
    assert keys == [keys[0]] * len(files)
    assert keys[0] == [
        "labels", "accuracy", "accuracy_std", "macro_f1", "macro_f1_std", "gain_vs_random", "gain_vs_random_se",
        "uses_pool_labels",
        "false_negatives_neg", "false_negatives_pos", "false_positives_neg", "false_positives_pos",
    ]  # fmt: skip


def test_every_arm_is_held_against_random_over_all_budgets(finished):
    curves = {
        arm: json.loads((finished.folder / "metrics" / arm / "curve.json").read_text()) for arm in ("random", "bucketed", "entropy")
    }
    assert len({tuple(curve) for curve in curves.values()}) == 1
    actual = array(finished, "holdout_labels.npy")
    means = {
        arm: np.mean([(array(finished, f"results/{arm}/{s}/holdout.npy").argmax(2) == actual).mean() for s in STAGES])
        for arm in curves
    }
    for arm, curve in curves.items():
        assert np.isclose(curve["mean_accuracy"], means[arm], atol=1e-6)
        assert np.isclose(curve["gain"], means[arm] - means["random"], atol=1e-6)
        assert curve["buckets_covered_share"] > 0
    assert curves["random"]["p"] is None
    assert 0 <= curves["bucketed"]["p"] <= curves["bucketed"]["p_holm"] <= 1


def test_metrics_are_what_the_probabilities_say(finished):
    actual = array(finished, "holdout_labels.npy")
    right = {
        arm: (array(finished, f"results/{arm}/stage3/holdout.npy").argmax(2) == actual).mean(1) for arm in ("bucketed", "random")
    }
    said = json.loads((finished.folder / "metrics/bucketed/stage3.json").read_text())
    gains = right["bucketed"] - right["random"]
    assert np.isclose(said["accuracy"], right["bucketed"].mean(), atol=1e-6)
    assert np.isclose(said["gain_vs_random"], gains.mean(), atol=1e-6)
    of_rows = np.subtract(*(array(finished, f"results/{arm}/stage3/holdout.npy").argmax(2) == actual for arm in right), dtype=float)
    between = of_rows.mean(0).var(ddof=1) - np.var(of_rows[0] - of_rows[1], ddof=1) / 4  # what is left of rows without chance
    error = (gains.var(ddof=1) / 2 + max(between, 0) / len(actual)) ** 0.5
    assert np.isclose(said["gain_vs_random_se"], error, atol=1e-6)
    predicted = array(finished, "results/bucketed/stage3/holdout.npy").argmax(2) == 1
    assert np.isclose(said["false_negatives_pos"], ((actual == 1) & ~predicted).sum(1).mean(), atol=1e-6)


def test_table_lists_every_arm_by_budget(finished):
    table = (finished.folder / "data/summary.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.splitlines() if line.startswith("|")]
    assert rows[2:12] == [
        ["random", "stage1", "12"], ["bucketed", "stage1", "12"], ["entropy", "stage1", "12"],
        ["random", "stage2", "20"], ["bucketed", "stage2", "20"], ["entropy", "stage2", "20"],
        ["random", "stage3", "28"], ["bucketed", "stage3", "28"], ["entropy", "stage3", "28"], ["full", "pool", "90"],
    ]  # fmt: skip


def test_only_the_bucketed_arm_keeps_models(finished):
    models = {str(file.relative_to(finished.folder / "data")) for file in finished.folder.rglob("data/**/*.safetensors")}
    assert models == {f"{stage}/models/{seed}/model.safetensors" for stage in STAGES for seed in (0, 1)} | {
        "names/phrases.safetensors"
    }


def test_metrics_and_plots_commands_show_the_arms(finished):
    shown = json.loads(finished.dvc("metrics", "show", "--json").output)[""]["data"]
    assert "metrics/random/stage3.json" in shown
    assert shown["metrics/summary.json"]["data"]["labels"] == 28
    finished.dvc("plots", "show", "--quiet")
    page = (finished.folder / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "https://cdn" not in page  # nothing is loaded: the page works with no network
    assert page.count("vegaEmbed('#") == 9


class Scripts(HTMLParser):
    """What a browser takes for scripts in a page, and the names of all tags."""

    def __init__(self, page):
        super().__init__()
        self.found, self.tags = [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.found += [""] * (tag == "script")

    def handle_data(self, data):
        if self.lasttag == "script":
            self.found[-1] += data


@pytest.mark.dvc
def test_texts_and_class_names_cannot_leave_the_plots_page_as_scripts(tmp_path, monkeypatch):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    alone = {"stages": ["stage1"], "rounds": {}, "random_at": [], "arms": [], "seeds": [0]}
    project = InProcess(Project.tiny(tmp_path / "evil", cluster={"sweep_to": 2}, **alone).folder)
    corpus = project.folder / "corpus.jsonl"
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    named = {"pos": evil, "neg": "<!-- <script"}
    rows = [{"text": f"{named[row['label']]} {row['text']}", "label": named[row["label"]]} for row in rows]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.chdir(project.folder)
    for stage in TO_BUCKETS:
        project.call(stage)
    project.label_in_stages()
    project.call("train_full")
    project.call("calibrate")
    project.call("report")
    project.dvc("plots", "show", "--quiet")
    page = (project.folder / "dvc_plots/index.html").read_text(encoding="utf-8")
    body = page.rpartition("<body>")[2]  # Vega's code has one too
    scripts = Scripts(body)
    assert scripts.tags == {"div", "script"}
    assert "<!--" not in body
    assert len(scripts.found) == body.count("vegaEmbed('#") == 9
    plots = [json.loads(script.split("var spec = ")[1].split(";\n")[0]) for script in scripts.found]
    rows = [row for plot in plots if plot for row in plot["data"]["values"]]

    def as_written(values):
        return {value.replace("\u200b", "") for value in values}

    assert as_written(row["text"] for row in rows if "text" in row) == {row["text"][:80] for row in lines(project, "pool.jsonl")}
    assert as_written(row["actual"] for row in rows if "actual" in row) == set(named.values())
    assert {f"false_negatives_{name}" for name in named.values()} < as_written(key for row in rows for key in row)
    metrics = project.dvc("metrics", "show", "--json").output
    assert f"false_negatives_{evil}" in json.loads(metrics)[""]["data"]["metrics/summary.json"]["data"]
    assert "false_negatives_</script>" in project.dvc("metrics", "show").output


@pytest.mark.dvc
@pytest.mark.parametrize("target", ["train_stage1", pytest.param("", marks=pytest.mark.exhaustive)], ids=["train_stage1", "all"])
def test_dvc_and_every_stage_as_processes_make_the_bytes_that_they_make_in_this_process(tmp_path, target):
    """Two runs, in two folders: in one process, and with one for each stage, as users have it."""
    one, other = (Project.tiny(tmp_path / name) for name in ("in this process", "elsewhere"))
    ran = one.repro(*target.split())
    said = other.run("dvc", "repro", *target.split()).stdout
    assert sorted(re.findall(r"Running stage '(\S+)'", said)) == sorted(["inputs", *ran])  # DVC keeps no order of its own
    assert len(ran) == (10 if target else 28)
    assert len(made(one)) > (20 if target else 100)
    assert made(other) == made(one)
    locks = [(project.folder / "dvc.lock").read_text(encoding="utf-8").splitlines() for project in (one, other)]
    assert sorted(locks[0]) == sorted(locks[1])


@pytest.mark.exhaustive
def test_a_fine_tuned_model_has_the_same_bytes_in_another_folder(in_process, tmp_path):
    in_process.change({"train": {"trainer": "finetune"}})
    in_process.call("select_stage1")
    in_process.call("buy_labels", "stage1")
    other = in_process.copied(tmp_path / "elsewhere")
    for project in (in_process, other):  # as processes: what else this one has loaded can change a last bit
        shutil.copytree(ROOT / "stages", project.folder / "stages", ignore=IGNORED)
        project.run("python", "-m", "stages", "train_stageN", "stage1")
    assert made(other) == made(in_process)


def made(project):
    """Of every file that the stages wrote, its bytes."""
    files = [file for folder in ("data", "metrics") for file in (project.folder / folder).rglob("*") if file.is_file()]
    return {str(file.relative_to(project.folder)): file.read_bytes() for file in files if file.name != ".gitignore"}


def test_badge_asks_a_fine_tuned_model_for_its_vectors(in_process):
    in_process.change({"train": {"trainer": "finetune"}})
    in_process.call("compare_arm", "badge")
    rows = [array(in_process, f"results/badge/{stage}/labelled.npy") for stage in STAGES]
    assert [each.shape for each in rows] == [(2, 12), (2, 20), (2, 28)]
    orders = np.stack(random_orders([0, 1], 90))
    assert (rows[0] == orders[:, :12]).all()  # it needs a model
    assert (rows[1] != orders[:, :20]).any()
    history = json.loads((in_process.folder / "data/results/badge/stage3/history.json").read_text())
    assert {epoch["seed"] for epoch in history} == {0, 1}


def test_labelling_stops_once_two_models_agree(copy_of_finished):
    project = copy_of_finished
    project.change({"sufficient": {"rule": "agreement", "kappa": 0.05, "comparisons": 1}})
    project.repro()
    budgets = [json.loads((project.folder / f"data/budgets/{stage}.json").read_text()) for stage in STAGES]
    # Two models are needed: those of stage1 and stage2 are compared when stage3 would be selected.
    assert [budget["labels"] for budget in budgets] == [12, 20, 20]
    assert [budget["path"] for budget in budgets] == [[12], [12, 20], [12, 20, 20]]
    assert [budget["ended_after"] for budget in budgets] == [None, None, "stage2"]
    assert [budget["ended_because"] for budget in budgets] == [None, None, "sufficient"]
    assert budgets[1]["kappas"] == []
    [both_seeds] = budgets[2]["kappas"]
    assert len(both_seeds) == 2
    assert min(both_seeds) >= 0.05
    assert (project.folder / "data/stage3/selected.jsonl").read_text() == ""
    summary = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "Labelling ended after stage2, with 20 labels." in summary
    assert not (project.folder / "metrics/bucketed/stage3.json").exists()


def test_nothing_to_do_runs_nothing(finished):
    assert finished.repro() == []
