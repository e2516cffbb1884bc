"""The study of arms on a tiny data set. All other benchmarks take minutes, so they are only imported."""

import functools
import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import doubts, evidence, evidence_shown, few_shot, harness, peers, variants
from benchmarks.__main__ import NAMES
from stages.core import strategies
from stages.core.arms.fitter import FittedModel, Fitter
from stages.core.arms.trajectory import Arm
from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.rows import labels, rounds, stopping
from tests.support.project import ROOT
from tests.support.tiny import tiny_corpus, tiny_encoder

RIVALS = ("matplotlib", "sentence_transformers", "skactiveml", "small_text")  # of requirements-bench.txt
MODULES = sorted(file.stem for file in (ROOT / "benchmarks").glob("[!_]*.py"))
BUDGETS = (6, 10)
POOL_ROWS = 60
SEED = 7


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name):
    try:
        module = importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name not in RIVALS:
            raise
        pytest.skip(f"benchmarks.{name}: {error.name} is not installed")
    assert name not in NAMES or callable(module.run)


def test_every_named_benchmark_has_a_file():
    assert set(NAMES) <= set(MODULES)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the data set `tiny`: its pool of 90 rows is cut to 60, in 4 buckets."""
    home = tmp_path_factory.mktemp("evidence")
    tiny = {
        "prepare": {"holdout_share": 0.25, "holdout_seed": 184},
        "embed": {"model": str(tiny_encoder(home / "encoder")), "max_tokens": 16, "dtype": "float32"},
        "reduce": {"method": "pca", "dimensions": 8},
        "cluster": {"clusters": 4, "sweep_to": 4},
        "train": {"folds": 2},
        "train_final": {"trainer": "probe"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("GLEANER_CACHE", str(home / "cache"))
        patch.setattr(evidence, "SETS", {"tiny": str(tiny_corpus(home / "corpus.jsonl"))})
        patch.setattr(evidence, "STUDIES", {"loop": tiny, "final": tiny})
        patch.setattr(evidence, "BUDGETS", {"tiny": BUDGETS})
        patch.setattr(evidence, "POOL_ROWS", POOL_ROWS)
        for study in ("final", "loop"):
            evidence.prepare_set(home, "tiny", study)
        yield home


@functools.cache
def run_of(arm: str, study: str = "loop") -> tuple[dict, list[np.ndarray], list[np.ndarray]]:
    """(result of one_run in the folder of the data set, rows at each budget, each model's probabilities on the holdout)"""
    seen = []

    class Watched(Arm):
        def trajectory(self, *arguments):
            for stage in super().trajectory(*arguments):
                seen.append(stage)
                yield stage

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "Arm", Watched)
        found = evidence.one_run(Path.cwd().parent.parent, study, "tiny", arm, SEED)
    return found, [rows for _, rows, _, _ in seen], [probabilities for _, _, probabilities, _ in seen]


def order() -> list[int]:
    """The random arm's."""
    return rounds.random_orders([SEED], POOL_ROWS)[0].tolist()


def by_hand(rows: np.ndarray, **train: str) -> FittedModel:
    settings = params.read("train", "embed")
    fitter = Fitter(settings.changed(train=settings.train.changed(**train)))
    return fitter.fit(rows, labels.within_budget(len(rows)).buy(rows), SEED, "by hand")


def counts(rows: np.ndarray) -> list[int]:
    """Rows of each of the 4 buckets."""
    return np.bincount(artifacts.load_clusters()[rows], minlength=4).tolist()


def test_the_cut_pool_keeps_texts_and_answers_of_the_same_rows(home):
    source = {row["text"]: row["label"] for row in map(json.loads, (home / "corpus.jsonl").read_text().splitlines())}
    rows = list(harness.labelled_pool())
    assert [row["label"] for row in rows] == [source[row["text"]] for row in rows]
    assert len(rows) == len(labels.answers()) == POOL_ROWS
    places = [list(source).index(row["text"]) for row in rows]
    assert places != list(range(POOL_ROWS))  # a sample, not the beginning


@pytest.mark.parametrize("arm", ["random", variants.name_of_default(), "stratified_random"])
def test_a_run_spends_the_budgets_and_measures_every_model(home, arm):
    found, labelled, tested = run_of(arm)
    assert [len(np.unique(rows)) for rows in labelled] == [6, 10]
    assert labelled[1][:6].tolist() == labelled[0].tolist()
    right = [round(float((probabilities.argmax(1) == labels.holdout()).mean()), 6) for probabilities in tested]
    rows = stopping.sample(POOL_ROWS)
    first, second = (by_hand(taken).probabilities(rows).argmax(1) for taken in labelled)
    assert {**found, "macro_f1": None, "seconds_choosing": None} == {
        "set": "tiny",
        "made_of": evidence.made_of(),
        "arm": arm,
        "seed": SEED,
        "accuracy": right,
        "macro_f1": None,
        "kappas": [stopping.kappa(first, second)],
        "classes_named": [len(np.unique(first)), len(np.unique(second))],
        "seconds_choosing": None,
    }
    assert len(found["macro_f1"]) == 2
    assert found["seconds_choosing"] >= 0


def test_the_random_arm_takes_the_first_rows_of_its_order_whatever_the_buckets(home):
    _, labelled, tested = run_of("random")
    assert [rows.tolist() for rows in labelled] == [order()[:6], order()[:10]]
    model = by_hand(np.array(order()[:10])).model
    assert (tested[1] == model.probabilities(vectors.load(paths.HOLDOUT_EMBEDDINGS, paths.HOLDOUT), "")).all()


def test_the_final_study_tests_other_models_on_the_rows_of_the_loop(home):
    final, labelled, tested = run_of(variants.name_of_default(), "final")
    loop, chosen, tested_in_loop = run_of(variants.name_of_default())
    assert [rows.tolist() for rows in labelled] == [rows.tolist() for rows in chosen]
    assert final["kappas"] == loop["kappas"]
    plain = by_hand(labelled[1], trainer="probe").model
    assert (tested[1] == plain.probabilities(vectors.load(paths.HOLDOUT_EMBEDDINGS, paths.HOLDOUT), "")).all()
    assert not np.allclose(tested[1], tested_in_loop[1], atol=0.01)


def test_few_shot_draws_as_many_rows_of_every_class_or_as_many_in_all_and_measures_once(home, monkeypatch, capsys):
    monkeypatch.setattr(few_shot, "RESULTS", home / "few-shot.jsonl")
    monkeypatch.setattr(few_shot, "CHOOSES", "loop")
    monkeypatch.setattr(few_shot, "WAYS", {"one": ("loop", {"trainer": "probe"}), "other": ("final", {"trainer": "self_training"})})
    data = evidence.opened(str(home / "loop" / "tiny"), None, False)
    drawn = few_shot.rows_of("random", "3 a class", SEED, data)
    assert np.bincount(labels.whole_pool("test")[drawn]).tolist() == [3, 3]
    assert [row for row in order() if row in drawn] == drawn.tolist()
    chosen = few_shot.rows_of("chosen", "4 a class", SEED, data)
    assert len(set(chosen.tolist())) == 8
    assert few_shot.rows_of("random", "5", SEED, data).tolist() == order()[:5]
    options = SimpleNamespace(
        sets=["tiny"],
        seeds=1,
        a_class=[3],
        labels=[],
        drawn=["random", "chosen"],
        ways=["one", "other"],
        home=home,
        measure="accuracy",
    )
    for _ in range(2):
        few_shot.run(options)
    rows = few_shot.load()
    assert [(row["way"], row["drawn"], row["rows"]) for row in rows] == [
        ("one", "random", 6), ("other", "random", 6), ("one", "chosen", 6), ("other", "chosen", 6)
    ]  # fmt: skip
    of_one = 100 * next(row for row in rows if row["drawn"] == "random")["accuracy"]
    lines = [line for line in few_shot.table("accuracy", ["one", "other"]).splitlines() if "random" in line]
    assert [cell.strip() for cell in lines[0].split("|")[1:6]] == ["random", "3 a class", "one", f"{of_one:.1f}", f"{of_one:.1f}"]


def test_typical_takes_equally_many_rows_of_every_bucket(home):
    _, labelled, _ = run_of("typical in buckets, then margin, clustered anew")
    assert counts(labelled[0]) == [2, 2, 1, 1]


def test_stratified_rows_mirror_the_sizes_of_buckets(home):
    _, labelled, _ = run_of("stratified_random")
    sizes = np.array(counts(np.arange(POOL_ROWS)))
    assert np.abs(counts(labelled[0]) - 6 * sizes / POOL_ROWS).max() < 1


def test_a_variant_uses_one_strategy_for_first_and_one_for_later_rows(home):
    _, labelled, _ = run_of("random in buckets, then margin in buckets")
    assert counts(labelled[0]) == [2, 2, 1, 1]  # random, equally many of every bucket
    assert counts(labelled[1][6:]) == [1, 1, 1, 1]  # the least margin of every bucket
    unsure = -np.abs(np.diff(by_hand(labelled[0]).probabilities(np.arange(POOL_ROWS)))[:, 0])
    unsure[labelled[0]] = -1
    buckets = artifacts.load_clusters()
    assert [unsure[row] for row in labelled[1][6:]] == [unsure[buckets == bucket].max() for bucket in range(4)]


def test_an_arm_that_uses_labels_of_the_pool_chooses_each_budget_anew(home):
    _, labelled, _ = run_of("hybrid")
    assert [len(np.unique(rows)) for rows in labelled] == [6, 10]
    assert not np.isin(labelled[0], labelled[1]).all()


def test_the_default_comes_from_params(monkeypatch):
    here = harness.of_repository()
    assert variants.default() == (here["select_stage1"]["pick"], here["score_entropy"]["score"], here["select_stageN"]["by"])
    assert variants.variants()[variants.name_of_default()] == variants.default()

    monkeypatch.setattr(variants, "default", lambda: ("central", "entropy", "bands"))
    way = variants.way("central, entropy, bands")
    assert (way.first, way.then) == (strategies.named("central").pick, strategies.named("bands").pick)
    assert way.score == "entropy"


def test_every_measured_arm_can_run_again_and_an_unknown_arm_is_refused():
    measured = {row["arm"] for study in evidence.STUDIES for row in evidence.load(study)}
    assert measured <= set(variants.names())
    marked = {arm for arm in variants.names() if variants.way(arm).uses_pool_labels}
    assert marked == {"high_confidence", "hybrid", "low_confidence"}
    with pytest.raises(Refused, match=r"arm margine; possible: .*; did you mean margin\?"):
        variants.way("margine")


def lines_of(name: str, arm: str, *curves: list[float]) -> list[dict]:
    """Lines of `run`, one seed a curve; macro F1 is half of the accuracy."""
    return [
        {"set": name, "made_of": "x", "arm": arm, "seed": seed, "accuracy": curve, "macro_f1": [value / 2 for value in curve],
         "seconds_choosing": 1}
        for seed, curve in enumerate(curves)
    ]  # fmt: skip


def test_a_failed_run_is_named_and_the_others_are_saved(tmp_path, monkeypatch):
    def one_run(home, study, name, arm, seed):
        if (name, arm) == ("trec", "margin"):
            raise ValueError("no such thing")
        return {"set": name, "arm": arm, "seed": seed, "made_of": "x"}

    monkeypatch.setattr(evidence, "ProcessPoolExecutor", lambda processes, context: ThreadPoolExecutor(processes))
    monkeypatch.setattr(evidence, "prepare_set", lambda *of: None)
    monkeypatch.setattr(evidence, "made_of", lambda: "x")
    monkeypatch.setattr(evidence, "quietly", one_run)
    monkeypatch.setattr(evidence, "results_file", lambda study: tmp_path / study)
    command = SimpleNamespace(home=tmp_path, study="loop", arms=["random", "margin"], sets=["trec", "sms"], seeds=1, processes=1)
    with pytest.raises(SystemExit, match=r"trec margin 300: ValueError\('no such thing'\)$"):
        evidence.run(command)
    done = {(row["set"], row["arm"]) for row in evidence.load("loop")}
    assert done == {("trec", "random"), ("sms", "random"), ("sms", "margin")}


def test_the_table_pairs_seeds_and_counts_both_sets_of_films_as_one():
    rows = []
    for name, gain in (("trec", 0.04), ("rotten_tomatoes", 0.01), ("sst2", 0.03)):
        rows += lines_of(name, "random", [0.5, 0.6], [0.7, 0.8])
        rows += lines_of(name, "entropy", [0.5 + gain, 0.6 + gain], [0.7 + gain, 0.8 + gain])
    heads, _, first, second = evidence_shown.table(rows, "random", "accuracy").splitlines()
    cells = dict(zip(*([cell.strip() for cell in line.split("|")[1:-1]] for line in (heads, first))))
    assert (cells["arm"], cells["trec"], cells["mean gain"]) == ("entropy", "69.0 (+4.0 [+4.0, +4.0])", "+3.00 [+3.0, +3.0]")
    assert second.split("|")[1].strip() == "random"
    assert "+1.50" in evidence_shown.table(rows, "random", "macro_f1")


def test_labels_saved_are_what_former_random_rows_need_to_match():
    budgets = {"trec": (50, 100, 200, 300)}
    ours = lines_of("trec", variants.name_of_default(), [0.5, 0.6, 0.7, 0.9]) + lines_of("trec", "random", [0.5, 0.5, 0.5, 0.5])
    former = lines_of("trec", "random", [0.4, 0.5, 0.7, 0.8])
    [line] = evidence_shown.saved(ours, former, budgets, "accuracy").splitlines()[2:]
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[:4] == ["trec", "1", "100 labels: 60.0 (random 50.0, former 50.0)", "150 [150, 150]"]
    assert cells[5] == "over 300 [over 300, over 300]"


def test_for_films_the_means_of_both_sets_are_compared():
    budgets = dict.fromkeys(evidence_shown.FILMS, (50, 100, 200, 300))
    ours, former = [], []
    for name, more in zip(evidence_shown.FILMS, (0.0, 0.1)):
        ours += lines_of(name, variants.name_of_default(), [0.5, 0.6 + more, 0.7, 0.65 + more])
        ours += lines_of(name, "random", [0.5, 0.5, 0.5, 0.5])
        former += lines_of(name, "random", [0.4, 0.5, 0.6, 0.7 + 2 * more])
    *_, films = evidence_shown.saved(ours, former, budgets, "accuracy").splitlines()
    cells = [cell.strip() for cell in films.split("|")[1:-1]]
    assert cells[:4] == ["films", "1", "100 labels: 65.0 (random 50.0, former 50.0)", "225 [225, 225]"]
    assert cells[4:] == ["300 labels: 70.0 (random 50.0, former 80.0)", "250 [250, 250]"]


def test_the_agreement_rule_ends_a_run_when_three_models_agree_and_predict_every_class():
    run = {"set": "trec", "arm": variants.name_of_default(), "seed": 0, "made_of": "x", "accuracy": [0.5, 0.6, 0.7, 0.8, 0.85, 0.9]}
    agreed = run | {"kappas": [0.8, 0.97, 0.99, 0.98, 0.98], "classes_named": [1, 2, 2, 2, 2, 2]}
    early = run | {"kappas": [0.99] * 5, "classes_named": [2, 2, 2, 1, 2, 2]}
    budgets = {"trec": (50, 100, 200, 300, 500, 1_000)}
    lines = evidence_shown.stopped([agreed, early], budgets, (0.98, 0.99), 3).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells == [["trec", "0.98", "2 of 2", "500", "+5.0"], ["trec", "0.99", "1 of 2", "500", "+5.0"]]


def test_other_libraries_choose_with_our_model(home, monkeypatch):
    """Stand-ins for strategies of small-text (likeliest of the first class) and scikit-activeml (the last rows)."""
    asked = []

    class SmallText:
        def query(self, model, vectors, open_rows, labelled, answers, n):
            asked.append((labelled.tolist(), answers.tolist()))
            return open_rows[np.argsort(-model.predict_proba(vectors)[open_rows, 0], kind="stable")][:n]

    class ActiveMl:
        def __init__(self, random_state):
            pass

        def query(self, vectors, values, batch_size, clf=None, fit_clf=None):
            if clf:
                rows = np.flatnonzero(np.isnan(values))
                return rows[np.argsort(-clf.predict_proba(vectors[rows])[:, 0], kind="stable")][:batch_size]
            asked.append((np.flatnonzero(~np.isnan(values)).tolist(), values[~np.isnan(values)].tolist()))
            return np.flatnonzero(np.isnan(values))[-batch_size:]

    class Classifier:
        def __init__(self, classes):
            pass

    monkeypatch.setitem(sys.modules, "small_text", SimpleNamespace(query_strategies=SimpleNamespace(Likeliest=SmallText)))
    monkeypatch.setitem(sys.modules, "skactiveml", SimpleNamespace(pool=SimpleNamespace(Last=ActiveMl, Likeliest=ActiveMl)))
    monkeypatch.setitem(sys.modules, "skactiveml.base", SimpleNamespace(SkactivemlClassifier=Classifier))
    made = {
        "small-text": peers.small_text("Likeliest"),
        "scikit-activeml": peers.scikit_activeml("Last", False),
        "scikit-activeml's likeliest": peers.scikit_activeml("Likeliest", True),
    }
    monkeypatch.setattr(variants, "PEERS", made)
    actual = labels.answers()

    _, labelled, _ = run_of("small-text")
    first = np.array(order()[:6])
    assert labelled[0].tolist() == first.tolist()
    assert asked == [(first.tolist(), actual[first].tolist())]
    likely = by_hand(first).probabilities(np.arange(POOL_ROWS))[:, 0]
    likely[first] = 0
    assert labelled[1][6:].tolist() == np.argsort(-likely, kind="stable")[:4].tolist()

    asked.clear()
    _, labelled, _ = run_of("scikit-activeml")
    assert labelled[0].tolist() == first.tolist()
    assert asked == [(sorted(first), actual[np.sort(first)].tolist())]
    assert labelled[1][6:].tolist() == np.setdiff1d(np.arange(POOL_ROWS), first)[-4:].tolist()

    _, labelled, _ = run_of("scikit-activeml's likeliest")  # it gets mean vectors, and the model works on all layers
    assert set(labelled[1][6:]) == set(np.argsort(-likely, kind="stable")[:4])


def test_flipped_answers_change_class_and_count_if_they_are_listed():
    answers, wrong = doubts.flipped(actual := np.tile([0, 1, 2], 100), 3, np.random.default_rng(0))
    assert wrong.sum() == 15
    assert ((answers != actual) == wrong).all()
    assert set(answers) == {0, 1, 2}
    own = np.where(wrong, 0.1, 0.9)
    own[np.flatnonzero(wrong)[:5]] = 0.95  # these are not found
    probabilities = np.zeros((300, 3), np.float32)
    probabilities[np.arange(300), answers] = own
    assert doubts.share_found(probabilities, answers, wrong) == pytest.approx(10 / 15)
