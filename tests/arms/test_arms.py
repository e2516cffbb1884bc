"""Arms from the first stage to the last: one seed's way with stand-ins for models, then through real `dvc repro`."""

import json
import re
import sys
from types import ModuleType

import numpy as np
import pytest

from stages.commands import overlay
from stages.core import strategies
from stages.core.arms.fitter import Fitter as RealBench
from stages.core.arms.trajectory import Arm
from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.encoding import vectors
from stages.core.rows import labels, rounds
from stages.core.rows.labels import Labels
from stages.core.space import logistic_cv
from stages.core.strategies import NoModelYet
from tests.support.project import ROOT

POOL = 20
VALUES = np.arange(POOL) % 2
ORDER = np.arange(POOL)[::-1]  # the random arm would label row 19 first
CHAIN = {"stage1": None, "stage2": "stage1", "stage3": "stage2"}
WITHIN_BUDGET = labels.within_budget


class Model(int):
    """A model is the number of its rows."""

    def history(self, seed):
        return [{"seed": seed, "rows": int(self)}]


class Fitter:
    """Keeps what it was asked to fit, and from where."""

    classes = 2

    def __init__(self):
        self.fitted = []

    def fit(self, rows, paid, seed, title, before=None):
        assert paid.of(rows).tolist() == VALUES[rows].tolist()
        self.fitted.append((title, rows.tolist(), seed, before))
        return Model(len(rows))

    def on_holdout(self, model, labelled):
        assert model == labelled
        return np.full((3, 2), model, np.float32)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    """Answers, and a file of stages/core/strategies whose functions the tests below are; marked, where `everything` is seen."""
    monkeypatch.setattr(labels, "within_budget", lambda rows: Labels(VALUES, rows))
    for name in ("mine", "marked"):
        monkeypatch.setitem(sys.modules, f"stages.core.strategies.{name}", ModuleType(name))
    sys.modules["stages.core.strategies.marked"].USES_POOL_LABELS = True


def arm(pick, budgets=(4, 7, 9), after=CHAIN, everything=False, first=None, **more):
    for function in filter(None, (pick, first)):
        function.__module__ = f"stages.core.strategies.{'marked' if everything else 'mine'}"
    return Arm(
        "mine",
        first or pick,
        pick,
        after,
        dict(zip(after, budgets)),
        Fitter(),
        np.zeros((POOL, 2), np.float32),
        np.zeros(POOL, np.int32),
        options=None,
        uses_pool_labels=everything,
        **more,
    )


def lowest(known, wanted, rng):
    return known.open_rows[:wanted]


def highest(known, wanted, rng):
    return known.open_rows[-wanted:]


def way(arm):
    return [(stage, rows.tolist(), p[0, 0]) for stage, rows, p, _ in arm.trajectory(5, ORDER)]


def test_every_stage_adds_to_the_rows_of_the_one_before_up_to_its_budget():
    mine = arm(lowest)
    assert way(mine) == [("stage1", [*range(4)], 4), ("stage2", [*range(7)], 7), ("stage3", [*range(9)], 9)]
    assert mine.fitter.fitted[0] == ("mine stage1, seed 5", [0, 1, 2, 3], 5, None)
    assert [before for *_, before in mine.fitter.fitted] == [None, 4, 7]
    assert [epochs for *_, epochs in arm(lowest).trajectory(5, ORDER)][1] == [{"seed": 5, "rows": 7}]


def test_a_strategy_sees_the_model_and_the_paid_labels_of_the_stage_before():
    seen = []

    def look(known, wanted, rng):
        seen.append((known.model, known.labelled.tolist(), known.labels.of(known.labelled).tolist()))
        with pytest.raises(Refused, match="never paid for"):
            known.labels.of(known.open_rows[:1])
        return lowest(known, wanted, rng)

    way(arm(look))
    assert seen == [(None, [], []), (4, [0, 1, 2, 3], [0, 1, 0, 1]), (7, [*range(7)], [0, 1, 0, 1, 0, 1, 0])]


def test_what_needs_a_model_starts_from_the_rows_of_the_random_arm():
    def needs_model(known, wanted, rng):
        if known.model is None:
            raise NoModelYet
        return lowest(known, wanted, rng)

    assert [rows for _, rows, _ in way(arm(needs_model))][:2] == [[19, 18, 17, 16], [19, 18, 17, 16, 0, 1, 2]]


def without_model(known, wanted, rng):
    raise NoModelYet


def test_what_says_at_a_later_stage_that_there_is_no_model_is_refused_and_named(capsys):
    said = r"^stages/core/strategies/mine.py raised NoModelYet where 4 rows are labelled; possible: only where nothing"
    with pytest.raises(Refused, match=said):
        way(arm(without_model))
    printed = capsys.readouterr().out
    assert "stages/core/strategies/mine.py needs a model and there is none yet: 4 rows taken from the random arm\n" in printed
    assert "mine stage1, seed 5: 4 rows chosen" in printed
    assert "stage2" not in printed


def test_a_model_fitted_on_no_rows_is_the_fault_of_the_strategy_where_rows_are_labelled():
    def fits_on_nothing(known, wanted, rng):
        return known.fit(known.labelled[:0], rng)

    with pytest.raises(Refused, match=r"mine.py raised NoModelYet where 4 rows .* `fits_on_nothing`: use pool.probabilities"):
        way(arm(fits_on_nothing))


def test_what_is_never_given_a_model_may_not_go_on_with_the_random_rows_of_every_stage():
    with pytest.raises(Refused, match=r"marked.py raised NoModelYet where it sets USES_POOL_LABELS"):
        way(arm(without_model, everything=True))


def test_the_random_arm_takes_the_first_of_its_order_that_are_open():
    taken = []

    def note(known, wanted, rng):
        taken.append(known.open_in_order[:3].tolist())
        return np.array([19, 17]) if wanted == 2 else known.open_in_order[:wanted]

    assert [rows for _, rows, _ in way(arm(note, budgets=(2, 5), after={"stage1": None, "stage2": "stage1"}))] == [
        [19, 17],
        [19, 17, 18, 16, 15],
    ]
    assert taken == [[19, 18, 17], [18, 16, 15]]


def test_the_first_rows_can_be_taken_by_another_strategy_than_the_later_ones():
    assert [rows for _, rows, _ in way(arm(highest, first=lowest))][:2] == [[0, 1, 2, 3], [0, 1, 2, 3, 17, 18, 19]]


def test_buckets_give_alike_or_by_their_sizes_stage_by_stage():
    seen = []

    def look(known, wanted, rng):
        seen.append(known.shares.tolist())
        return lowest(known, wanted, rng)

    way(arm(look))
    way(arm(look, shares={"stage1": np.array([20]), "stage2": np.ones(1), "stage3": np.array([20])}))
    assert seen == [[1], [1], [1], [20], [1], [20]]


def test_two_rounds_after_the_same_stage_go_on_from_its_rows_and_model():
    models = []

    def look(known, wanted, rng):
        models.append(known.model)
        return lowest(known, wanted, rng)

    forked = {"stage1": None, "stage2": "stage1", "stage3": "stage1"}
    assert [len(rows) for _, rows, _ in way(arm(look, after=forked))] == [4, 7, 9]
    assert models == [None, 4, 4]


def test_an_arm_that_sees_all_labels_chooses_every_budget_afresh():
    seen = []

    def look(known, wanted, rng):
        seen.append((wanted, len(known.labelled), known.model, known.labels.of(known.rows).sum()))
        return rng.permutation(known.rows)[:wanted]

    stages = way(arm(look, everything=True))
    assert seen == [(4, 0, None, 10), (7, 0, None, 10), (9, 0, None, 10)]
    assert [len(rows) for _, rows, _ in stages] == [4, 7, 9]
    assert stages[1][1][:4] != stages[0][1]


def test_a_budget_of_the_whole_pool_asks_no_strategy():
    assert way(arm(None, budgets=(POOL,), after={"stage1": None}))[0][1] == [*range(POOL)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([0, 1, 2], "gave 3 rows, of which 3 are open and different; possible: 4 open rows"),
        ([0, 1, 2, 2], "gave 4 rows, of which 3 are open"),
        ([0, 1, 2, 20], "gave 4 rows, of which 3 are open"),
        ([0, 1, 2, 3, 4], "gave 5 rows, of which 5 are open"),
    ],
)
def test_a_strategy_that_gives_other_rows_than_it_should_is_named(rows, said):
    with pytest.raises(Refused, match=r"^stages/core/strategies/mine.py " + said):
        way(arm(lambda known, wanted, rng: np.array(rows)))


def test_a_row_that_is_labelled_already_is_no_open_one():
    with pytest.raises(Refused, match=r"mine.py gave 3 rows, of which 2 are open"):
        way(arm(lambda known, wanted, rng: np.arange(wanted) + (0 if known.model is None else 3)))


# ---- what the study calls default is what the product runs


def of_product(stage):
    """What the stages of the product chose, int64 [seeds, rows]."""
    return np.load(rounds.folder(stage) / "labelled.npy", allow_pickle=False)


def as_an_arm(first, then):
    """Rows of every stage, int64 [seeds, rows], of an arm with these two strategies in the project that lies here."""
    settings = params.read("select_stage1", "rounds", "score_entropy", "strategies", "train", "embed", "seeds")
    buckets, n = artifacts.load_clusters(), settings.select_stage1.n
    sizes = np.bincount(buckets)
    amounts = {"stage1": n} | {stage: item.m for stage, item in settings.rounds.items()}
    same = Arm(
        "bucketed",
        strategies.named(first).pick,
        strategies.named(then).pick,
        after={"stage1": None} | {stage: item.after for stage, item in settings.rounds.items()},
        budgets=rounds.budgets(n, settings.rounds, len(sizes), len(buckets)),
        fitter=RealBench(settings),
        vectors=vectors.of_texts(paths.EMBEDDINGS, paths.POOL),
        buckets=buckets,
        options=settings.strategies.changed(score=settings.score_entropy.score),
        shares={stage: rounds.shares(amount, sizes) for stage, amount in amounts.items()},
    )
    orders = rounds.random_orders(settings.seeds, len(buckets))
    ways = [[rows for _, rows, *_ in same.trajectory(seed, order)] for seed, order in zip(settings.seeds, orders)]
    return {stage: np.stack(rows).tolist() for stage, *rows in zip(same.after, *ways)}


EXHAUSTIVE = pytest.mark.exhaustive


@pytest.mark.parametrize(
    ("first", "score", "then", "n", "m"),
    [
        ("typiclust", "margin", "recluster", 3, 2),  # as in params.yaml, see below
        ("random", "entropy", "buckets", 0.3, 0.15),
        pytest.param("typical", "margin", "recluster", 0.3, 0.15, marks=EXHAUSTIVE),
        pytest.param("central", "least_confidence", "bands", 3, 2, marks=EXHAUSTIVE),
        pytest.param("entropy", "entropy", "badge", 3, 2, marks=EXHAUSTIVE),  # the first needs a model: the random arm's rows
        pytest.param("stratified_random", "margin", "error_ratio", 3, 2, marks=EXHAUSTIVE),
    ],
)
@pytest.mark.slow
def test_an_arm_of_the_strategies_of_the_product_chooses_its_very_rows(first, score, then, n, m, in_process, monkeypatch):
    monkeypatch.setattr(labels, "within_budget", WITHIN_BUDGET)
    monkeypatch.setattr(logistic_cv, "STRENGTHS", np.array([0.1, 10]))  # a fifth of the time
    in_process.change({
        "select_stage1": {"pick": first, "n": n}, "score_entropy": {"score": score}, "select_stageN": {"by": then},
        "rounds": {"stage2": {"after": "stage1", "m": m}, "stage3": {"after": "stage2", "m": m}},
    })  # fmt: skip
    in_process.label_in_stages()
    rows = as_an_arm(first, then)
    assert rows == {stage: of_product(stage).tolist() for stage in ("stage1", "stage2", "stage3")}
    pool_rows, sizes = artifacts.pool_rows(), np.bincount(artifacts.load_clusters())
    settings = params.read("select_stage1", "rounds")
    computed = rounds.budgets(settings.select_stage1.n, settings.rounds, len(sizes), pool_rows)
    assert computed == {stage: rounds.load_budget(stage)["labels"] for stage in rows}
    assert list(computed.values()) == ([12, 20, 28] if n == 3 else [27, 41, 55])  # 4 buckets, 90 rows; 13.5 is rounded to even


def test_a_model_that_was_shown_some_of_the_classes_says_so(in_process, monkeypatch, capsys):
    monkeypatch.setattr(labels, "within_budget", WITHIN_BUDGET)
    in_process.change({"select_stage1": {"n": 1}})
    artifacts.save_json(paths.CLASSES, ["neg", "pos", "neither"])
    for stage, *words in (["select_stage1"], ["buy_labels", "stage1"], ["train_stageN", "stage1"]):
        in_process.call(stage, *words)
    assert "bucketed stage1, seed 0: its 4 rows hold 2 of 3 classes; without names it predicts no other" in capsys.readouterr().out


def test_these_are_the_defaults_of_the_product():
    default = params.Loader((ROOT / "params.yaml").read_text(encoding="utf-8")).get_single_data()
    assert [default["select_stage1"]["pick"], default["score_entropy"]["score"], default["select_stageN"]["by"]] == [
        *("typiclust", "margin", "recluster")
    ]


@pytest.mark.parametrize(("section", "key", "stage"), [("select_stage1", "pick", "stage1"), ("select_stageN", "by", "stage2")])
def test_the_bucketed_arm_refuses_to_choose_by_labels_that_nobody_paid_for(section, key, stage, in_process, monkeypatch):
    monkeypatch.setattr(labels, "within_budget", WITHIN_BUDGET)
    in_process.change({section: {key: "high_confidence"}})
    message = rf"^params.yaml: high_confidence uses labels of the whole pool, .* possible for {stage}: any other file"
    with pytest.raises(Refused, match=message):
        in_process.label_in_stages()


# ---- through DVC


@pytest.fixture
def project(copy_of_finished, monkeypatch):
    monkeypatch.setattr(labels, "within_budget", WITHIN_BUDGET)  # of the stages, which DVC calls in this process
    return copy_of_finished


def result(project, name, stage, file):
    return np.load(project.folder / f"data/results/{name}/{stage}/{file}.npy", allow_pickle=False)


def test_an_arm_that_needs_a_model_shares_the_first_stage_with_the_random_arm(finished):
    for file in ("labelled", "holdout"):
        assert (result(finished, "entropy", "stage1", file) == result(finished, "random", "stage1", file)).all()
    later = [result(finished, name, "stage3", "labelled") for name in ("entropy", "random", "bucketed")]
    assert [rows.shape for rows in later] == [(2, 28)] * 3
    assert (later[0][:, 20:] != later[1][:, 20:]).any()


@pytest.mark.exhaustive
def test_ones_own_arm_is_one_file_and_arms_are_taken_away_one_by_one(project):
    own = "def pick(known, wanted, rng):\n    return known.open_rows[-wanted:]\n"
    (project.folder / "stages/core/strategies/newest.py").write_text(own)
    project.change({"arms": ["entropy", "newest"]})
    said = project.run("dvc", "repro", "compare_arm@newest").stdout  # a process, which imports the project's own code
    assert [line for line in said.splitlines() if line.startswith("Running")] == [
        "Running stage 'inputs':",
        "Running stage 'compare_arm@newest':",
    ]
    assert result(project, "newest", "stage1", "labelled").tolist() == [[*range(78, 90)]] * 2
    project.change({"arms": []})
    assert project.repro() == ["calibrate", "report"]  # the results of both still lie there
    assert {file.name for file in (project.folder / "metrics").iterdir()} == {
        "bucketed",
        "random",
        "full",
        "summary.json",
        "buckets.json",
    }
    assert "entropy" not in (project.folder / "data/summary.md").read_text(encoding="utf-8")


def test_a_tenth_of_the_pool_in_several_ways_by_one_file_of_settings(project, monkeypatch, capsys):
    corpus = project.params()["prepare"]["dataset"]
    monkeypatch.chdir(project.folder)
    overlay.main("params/subsets.yaml")
    assert capsys.readouterr().out.startswith(
        "params/subsets.yaml: prepare, stages, select_stage1, rounds, random_at, arms, train_final, train set in params.yaml"
    )
    assert project.params()["arms"] == ["high_confidence", "low_confidence", "kmeans_diversity", "hybrid"]
    project.change({"prepare": {"dataset": corpus}, "arms": ["hybrid"]})
    assert project.repro() == [
        *(
            "collect_answers",
            "select_stage1",
            "buy_labels@stage1",
            "train_stage1",
            "train_random@stage1",
            "compare_arm@hybrid",
            "calibrate",
            "report",
        )
    ]
    metrics = {name: json.loads((project.folder / f"metrics/{name}.json").read_text()) for name in
               ("bucketed/stage1", "random/stage1", "hybrid/stage1", "full/pool")}  # fmt: skip
    assert [row["labels"] for row in metrics.values()] == [9, 9, 9, 90]
    assert [row["uses_pool_labels"] for row in metrics.values()] == [False, False, True, False]
    assert len({tuple(row) for row in metrics.values()}) == 1
    table = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "| hybrid (pool labels) | stage1  |        9 |" in table
    assert "they prune data and save no labels" in table


def test_a_setting_below_a_section_of_a_section_leaves_its_siblings_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(before, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("train: {early_stopping: {patience: 2}}")
    overlay.main("mine.yaml")
    after = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert [line.split("#")[0].strip() for line in set(after.splitlines()) - set(before.splitlines())] == ["patience: 2"]
    assert len(after.splitlines()) == len(before.splitlines())


def test_lists_and_rounds_are_replaced_whole():
    params = {"seeds": [0, 1, 2], "rounds": {"stage2": {"after": "stage1", "m": 10}}, "train": {"a": {"b": 1, "c": 2}, "d": 3}}
    overlay.lay_over(params, {"seeds": [7], "rounds": {"stage3": {"m": 5}}, "train": {"a": {"b": 4}}})
    assert params == {"seeds": [7], "rounds": {"stage3": {"m": 5}}, "train": {"a": {"b": 4, "c": 2}, "d": 3}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select_stage1: {n: 1.0}", "select_stage1.n = 1.0: must be a whole number of rows"),
        ("arms: [entropi]", "did you mean entropy?"),
        ("nonsense", "possible: settings as in params.yaml"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_file_of_settings_that_cannot_be_is_refused_and_changes_nothing(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    before = (ROOT / "params.yaml").read_bytes()
    (tmp_path / "params.yaml").write_bytes(before)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(Refused, match=rf"^mine\.yaml.*{re.escape(message)}"):
        overlay.main("mine.yaml")
    assert (tmp_path / "params.yaml").read_bytes() == before
