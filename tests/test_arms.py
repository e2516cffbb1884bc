"""Arms from the first stage to the last: one seed's way with stand-ins for models, then through real `dvc repro`."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from stages.compare_arm import Arm, first_open
from stages.core import labels, overlay
from stages.core.errors import Refused
from stages.core.known import NoModelYet
from stages.core.labels import Labels
from tests.conftest import ROOT

POOL = 20
VALUES = np.arange(POOL) % 2
ORDER = np.arange(POOL)[::-1]  # the random arm would label row 19 first
CHAIN = {"stage1": None, "stage2": "stage1", "stage3": "stage2"}


class Model(int):
    """A model is the number of its rows."""

    def history(self, seed):
        return [{"seed": seed, "rows": int(self)}]


class Bench:
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
def paid(monkeypatch):
    monkeypatch.setattr(labels, "paid_for", lambda rows: Labels(VALUES, rows))


def arm(pick, budgets=(4, 7, 9), after=CHAIN, since=(None, None, None), everything=False):
    return Arm(
        "mine",
        SimpleNamespace(pick=pick),
        after,
        {stage: {"labels": n, "sufficient_since": s} for stage, n, s in zip(after, budgets, since)},
        Bench(),
        np.zeros((POOL, 2), np.float32),
        np.zeros(POOL, np.int32),
        options=None,
        everything=Labels(VALUES, np.arange(POOL)) if everything else None,
    )


def lowest(known, wanted, rng):
    return known.open_rows[:wanted]


def way(comparator):
    return [(stage, rows.tolist(), None if p is None else p[0, 0]) for stage, rows, p, _ in comparator.trajectory(5, ORDER)]


def test_every_stage_adds_to_the_rows_of_the_one_before_up_to_its_budget():
    comparator = arm(lowest)
    assert way(comparator) == [("stage1", [*range(4)], 4), ("stage2", [*range(7)], 7), ("stage3", [*range(9)], 9)]
    assert comparator.bench.fitted[0] == ("mine stage1, seed 5", [0, 1, 2, 3], 5, None)
    assert [before for *_, before in comparator.bench.fitted] == [None, 4, 7]
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
    said = r"^stages/core/strategies/mine.py raised NoModelYet at stage2, where 4 rows are labelled; possible: only where nothing"
    with pytest.raises(Refused, match=said):
        way(arm(without_model))
    assert "mine stage1, seed 5: 4 rows taken from the random arm, since there is no model yet," in capsys.readouterr().out


def test_a_model_fitted_on_no_rows_is_the_fault_of_the_strategy_where_rows_are_labelled():
    def fits_on_nothing(known, wanted, rng):
        return known.fit(known.labelled[:0], rng)

    with pytest.raises(Refused, match=r"mine.py raised NoModelYet at stage2, .* `pick`: use known.probabilities"):
        way(arm(fits_on_nothing))


def test_what_is_never_given_a_model_may_not_go_on_with_the_random_rows_of_every_stage():
    with pytest.raises(Refused, match=r"mine.py raised NoModelYet at stage1, where it is marked USES_POOL_LABELS"):
        way(arm(without_model, everything=True))


def test_the_random_arm_takes_the_first_of_its_order_that_are_open():
    assert first_open(ORDER, np.array([19, 17]), 3).tolist() == [18, 16, 15]


def test_two_rounds_after_the_same_stage_go_on_from_its_rows_and_model():
    models = []

    def look(known, wanted, rng):
        models.append(known.model)
        return lowest(known, wanted, rng)

    forked = {"stage1": None, "stage2": "stage1", "stage3": "stage1"}
    assert [len(rows) for _, rows, _ in way(arm(look, after=forked))] == [4, 7, 9]
    assert models == [None, 4, 4]


def test_nothing_is_added_or_trained_after_a_stage_that_was_sufficient():
    comparator = arm(lowest, budgets=(4, 7, 7), since=(None, None, "stage2"))
    assert way(comparator)[2] == ("stage3", [*range(7)], None)
    assert len(comparator.bench.fitted) == 2


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
        ([0, 1, 2], "gave 3 rows at stage1, of which 3 are open and different; possible: 4 open rows"),
        ([0, 1, 2, 2], "gave 4 rows at stage1, of which 3 are open"),
        ([0, 1, 2, 20], "gave 4 rows at stage1, of which 3 are open"),
        ([0, 1, 2, 3, 4], "gave 5 rows at stage1, of which 5 are open"),
    ],
)
def test_a_strategy_that_gives_other_rows_than_it_should_is_named(rows, said):
    with pytest.raises(Refused, match=r"^stages/core/strategies/mine.py " + said):
        way(arm(lambda known, wanted, rng: np.array(rows)))


# ---- through DVC


def result(project, name, stage, file):
    return np.load(project.folder / f"data/results/{name}/{stage}/{file}.npy", allow_pickle=False)


def test_an_arm_that_needs_a_model_shares_the_first_stage_with_the_random_arm(finished):
    for file in ("labelled", "holdout"):
        assert (result(finished, "entropy", "stage1", file) == result(finished, "random", "stage1", file)).all()
    later = [result(finished, name, "stage3", "labelled") for name in ("entropy", "random", "bucketed")]
    assert [rows.shape for rows in later] == [(2, 28)] * 3
    assert (later[0][:, 20:] != later[1][:, 20:]).any()


def test_arms_are_added_and_taken_away_one_by_one_and_ones_own_is_one_file(copy_of_finished):
    project = copy_of_finished
    own = "def pick(known, wanted, rng):\n    return known.open_rows[-wanted:]\n"
    (project.folder / "stages/core/strategies/newest.py").write_text(own)
    project.change({"arms": ["entropy", "badge", "newest"]})  # badge asks a fine-tuned model for its vectors
    assert project.repro() == ["compare_arm@badge", "compare_arm@newest", "report"]
    assert result(project, "badge", "stage3", "labelled").shape == (2, 28)
    assert result(project, "newest", "stage1", "labelled").tolist() == [[*range(78, 90)]] * 2
    project.change({"arms": []})
    assert project.repro() == ["report"]  # the results of all three still lie there
    assert {file.name for file in (project.folder / "metrics").iterdir()} == {"bucketed", "random", "full", "summary.json"}
    assert "entropy" not in (project.folder / "data/summary.md").read_text(encoding="utf-8")


def test_a_tenth_of_the_pool_in_several_ways_by_one_file_of_settings(copy_of_finished):
    project = copy_of_finished
    corpus = project.params()["prepare"]["dataset"]
    said = project.run("python", "-m", "stages.core.overlay", "params/subsets.yaml").stdout
    assert said.startswith("params/subsets.yaml: prepare, select_stage1, rounds, random_at, arms, train set in params.yaml")
    assert project.params()["arms"] == ["high_confidence", "low_confidence", "kmeans_diversity", "hybrid"]
    project.change({"prepare": {"dataset": corpus}, "arms": ["hybrid"]})
    assert project.repro() == [
        *("select_stage1", "train_stage1", "train_random@stage1", "compare_arm@hybrid", "train_full", "report")
    ]
    metrics = {name: json.loads((project.folder / f"metrics/{name}.json").read_text()) for name in
               ("bucketed/stage1", "random/stage1", "hybrid/stage1", "full/pool")}  # fmt: skip
    assert [row["labels"] for row in metrics.values()] == [9, 9, 9, 90]
    assert [row["uses_pool_labels"] for row in metrics.values()] == [False, False, True, False]
    assert len({tuple(row) for row in metrics.values()}) == 1
    table = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "| hybrid (pool labels) | stage1  |        9 |" in table
    assert "they prune data, and save no labels" in table


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


def test_a_file_of_settings_that_cannot_be_is_refused_and_changes_nothing(copy_of_finished):
    project = copy_of_finished
    before = (project.folder / "params.yaml").read_bytes()
    for text, message in (
        ("select_stage1: {n: 1.0}", "select_stage1.n = 1.0: must be a whole number of rows"),
        ("arms: [entropi]", "did you mean entropy?"),
        ("nonsense", "possible: settings as in params.yaml"),
        ("a: [", "cannot be read as YAML"),
    ):
        (project.folder / "mine.yaml").write_text(text)
        done = project.run("python", "-m", "stages.core.overlay", "mine.yaml", check=False)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr
        assert done.stderr.startswith("error: mine.yaml")
        assert (project.folder / "params.yaml").read_bytes() == before
