"""params.yaml: each mistake is refused with the setting, the value and what is possible."""

import copy
import functools
import re
from pathlib import Path

import pytest
import yaml

from stages.commands.overlay import lay_over
from stages.core.base import artifacts, paths
from stages.core.base import params as base_params
from stages.core.base.errors import Refused
from stages.core.rows import rounds
from stages.core.settings import rules
from tests.support.project import ROOT

SHIPPED = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
BASE = SHIPPED | {
    "seeds": [0, 1],
    "rounds": {"stage2": {"after": "stage1", "m": 10}, "stage3": {"after": "stage2", "m": 5}},
    "stages": ["stage1", "stage2", "stage3"],
    "random_at": ["stage1", "stage2", "stage3"],
    "train_final": {"trainer": "none", "stages": "last", "arms": ["bucketed", "random"]},
    "select_stage1": {"n": 20, "pick": "random"},
    "cluster": {"clusters": 4, "seed": 0, "sweep_to": 6, "exact_rows": 1000},
}


def changed(*changes) -> dict:
    """BASE with some values set, as in ("train.epochs", 3)."""
    content = copy.deepcopy(BASE)
    for name, value in changes:
        *sections, last = name.split(".")
        functools.reduce(dict.__getitem__, sections, content)[last] = value
    return content


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A function that writes params.yaml with some values set, or with a whole text."""
    monkeypatch.chdir(tmp_path)

    def write(*changes, text=None):
        text = yaml.safe_dump(changed(*changes), sort_keys=False) if text is None else text
        Path("params.yaml").write_text(text, encoding="utf-8")

    write()
    return write


def refusal(stage="report"):
    with pytest.raises(Refused) as refused:
        rules.check_file(stage)
    return str(refused.value)


def test_the_params_yaml_of_the_repository_is_valid(params):
    params(text=yaml.safe_dump(SHIPPED))
    assert rules.check_file("report").seeds == SHIPPED["seeds"]


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        # misspelt
        ("sedes", [0], ["sedes is no known setting", "possible: seeds, prepare, labels, finetune_encoder", "did you mean seeds?"]),
        ("train.leaning_rate", 1, ["train.leaning_rate is no known setting", "did you mean learning_rate?"]),
        ("rounds.stage2.aftr", "stage1", ["rounds.stage2.aftr is no known setting", "possible: after, m", "did you mean after?"]),
        # strategies and other names
        ("select_stage1.pick", "centre", ["select_stage1.pick = 'centre': is no file of stages/core/strategies",
                                          "did you mean central?"]),
        ("select_stageN.by", "bucket", ["select_stageN.by = 'bucket': is no file of stages/core/strategies",
                                        "did you mean buckets?"]),
        ("score_entropy.score", "buckets", ["score_entropy.score = 'buckets': is no file", "with a function `scores`",
                                            "possible: category_vector_inconsistency, committee, "]),
        ("reduce.method", "tsne", ["reduce.method = 'tsne'", "'umap', 'pca' or 'random_projection'"]),
        ("map.method", "tsne", ["map.method = 'tsne'", "'umap' or 'pca'"]),
        ("train.trainer", "svm", ["train.trainer = 'svm': is no file of stages/core/learners",
                                  "possible: contrastive, finetune, probe"]),
        ("finetune_encoder.objective", "sts", ["finetune_encoder.objective = 'sts'", "'none', 'nli' or 'pairs'"]),
        ("embed.pooling", "first", ["embed.pooling = 'first'", "'mean', 'cls' or 'max'"]),
        ("finetune_encoder.score_range", [5, 0], ["score_range = [5, 0]: must give the lowest value, then the highest"]),
        ("finetune_encoder.score_range", [0, 1, 5], ["finetune_encoder.score_range = [0, 1, 5]", "at most 2 items"]),
        ("finetune_encoder.most_per_class", "some", ["finetune_encoder.most_per_class = 'some'"]),
        ("sufficient.rule", "kappa", ["sufficient.rule = 'kappa'", "'none' or 'agreement'"]),
        ("labels.alike", "always", ["labels.alike = 'always'", "'ask', 'auto', 'off' or False"]),
        ("labels.alike", True, ["labels.alike = True", "'ask', 'auto', 'off' or False"]),
        ("labels.alike_cosine", 1.5, ["labels.alike_cosine = 1.5", "less than 1"]),
        # wrong types
        ("train.epochs", "many", ["train.epochs = 'many'", "valid integer"]),
        ("train.epochs", 2.5, ["train.epochs = 2.5", "valid integer"]),
        ("train.learning_rate", "fast", ["train.learning_rate = 'fast'", "valid number"]),
        ("train.learning_rate", float("nan"), ["train.learning_rate = nan", "finite"]),
        ("embed.lower_case", "perhaps", ["embed.lower_case = 'perhaps'", "valid boolean"]),
        ("prepare.normalise", True, ["prepare.normalise is gone", "remove it and set embed.lower_case: false in its place"]),
        ("prepare.dataset", 3, ["prepare.dataset = 3", "valid string"]),
        ("prepare.dataset", b"hi", ["prepare.dataset = b'hi'", "valid string"]),
        ("embed", "bert", ["embed = 'bert'", "valid dictionary"]),
        ("cluster.clusters", "atuo", ["cluster.clusters = 'atuo'", "'auto'", "valid integer"]),
        # booleans are no numbers
        ("select_stage1.n", True, ["select_stage1.n = True: must be a whole number of rows"]),
        ("train.weight_decay", False, ["train.weight_decay = False: must be a valid number"]),
        ("seeds", [0, True], ["seeds.1 = True: must be a valid integer"]),
        # out of range
        ("select_stage1.n", 0, ["select_stage1.n = 0: must be a whole number of rows, 1 or more, or a share above 0 and below 1"]),
        ("rounds.stage2.m", -3, ["rounds.stage2.m = -3: must be a whole number of rows"]),
        ("rounds.stage2.m", 1.0, ["rounds.stage2.m = 1.0: must be a whole number of rows", "below 1"]),  # one row, or all?
        ("rounds.stage2.m", 0.0, ["rounds.stage2.m = 0.0: must be", "a share above 0"]),
        ("select_stage1.n", 1.5, ["select_stage1.n = 1.5: must be"]),
        ("select_stage1.n", "a tenth", ["select_stage1.n = 'a tenth': must be"]),
        ("select_stage1.n", float("nan"), ["select_stage1.n = nan: must be"]),
        ("map.rows", 3, ["map.rows = 3", "greater than or equal to 4"]),
        ("map.neighbours", 1, ["map.neighbours = 1", "greater than or equal to 2"]),
        ("cluster.clusters", 1, ["cluster.clusters = 1", "greater than or equal to 2"]),
        ("prepare.holdout_share", 1, ["prepare.holdout_share = 1", "less than 1"]),
        ("seeds", [-1], ["seeds.0 = -1", "greater than or equal to 0"]),
        ("seeds", [], ["seeds = []", "at least 1 item"]),
        ("seeds", [4, 4], ["seeds = [4, 4]: must not repeat a value"]),
        ("seeds", [4, "4"], ["seeds.1 = '4': must be a valid integer"]),
        # rounds
        ("rounds.stage3.after", "stge2", ["rounds.stage3.after = stge2: no such stage", "did you mean stage2?"]),
        ("rounds.stage2.after", "stage3", ["stage2 after stage3, stage3 after stage2 is a loop", "follow stage1"]),
        ("rounds.stage2.after", "stage2", ["stage2 after stage2", "is a loop"]),
        ("rounds.second", {"after": "stage1", "m": 1}, ["rounds.second: a round is called stage2, stage3 and so on"]),
        ("rounds.stage1", {"after": "stage3", "m": 1}, ["rounds.stage1: a round is called stage2", "stage1 is select_stage1's"]),
        ("rounds", {2: {"after": "stage1", "m": 1}}, ["rounds.2", "valid string"]),
        # the random arm
        ("stages", ["stage1", "stage3"], ["stages lacks stage2", "add it"]),
        ("stages", ["stage1", "stage2", "stage3", "stage4"], ["stages names stage4, which is no stage", "possible: stage1"]),
        ("random_at", ["stage1", "stage2", "stage3", "stage4"], ["random_at names stage4, which is no stage", "possible: stage1"]),
        ("random_at", ["stage1", "stage2", "stage2"], ["random_at = ['stage1', 'stage2', 'stage2']: must not repeat"]),
        # the final models
        ("train_final.arms", ["entropi"], ["train_final.arms names entropi, which has no models at stage3",
                                           "possible: bucketed, random"]),
        ("random_at", ["stage1"], ["train_final.arms names random, which has no models at stage3; possible: bucketed, "]),
        ("train_final.trainer", "svm", ["train_final.trainer = 'svm'", "'none'", "possible: contrastive, finetune, probe"]),
        ("train.head_learning_rate", 0, ["train.head_learning_rate = 0", "greater than 0"]),
        # people
        ("labels.from", "nobody", ["labels.from = 'nobody'", "'dataset' or 'people'"]),
        ("labels.form", "people", ["labels.form is no known setting; possible: from, classes", "did you mean from?"]),
        ("labels.classes", [True, False], ["labels.classes.0 = True: must be text; put it in quotes"]),
        ("labels.classes", ["a", "a"], ["labels.classes = ['a', 'a']: must not repeat"]),
        ("labels.classes", ["a", " b"], ["labels.classes.1 = ' b': must be one line without blanks around it"]),
        ("labels.classes", ["a", "?"], ["labels.classes.1 = '?'", "which means that no class fits"]),
        ("labels.classes", ["a", "b\nc"], ["must be one line"]),
        ("labels.rename", {"a": 1}, ["labels.rename.a = 1: must be text"]),
        ("labels.keep_text", "no", ["labels.keep_text = 'no'", "valid boolean"]),
        ("prepare.holdout_rows", -1, ["prepare.holdout_rows = -1", "greater than or equal to 0"]),
        # the model to use
        ("predict.seed", 7, ["predict.seed = 7: no model has this seed; possible: mean, 0, 1"]),
        ("predict.seed", "median", ["predict.seed = 'median'", "'mean'", "valid integer"]),
        ("predict.temperature", 1.5, ["predict.temperature = 1.5", "'auto' or 'none'"]),
        ("predict.abstain", 1, ["predict.abstain = 1", "less than 1"]),
        ("predict.abstain", "90%", ["predict.abstain = '90%'", "valid number"]),
        # arms
        ("arms", ["entropi"], ["arms.0 = 'entropi': is no file of stages/core/strategies", "possible: badge, bands",
                               "typiclust; did you mean entropy?"]),
        ("arms", ["randon"], ["arms.0 = 'randon': is no file", "probcover, recluster"]),  # random is not offered: it is refused
        ("arms", ["../probe"], ["arms.0 = '../probe': is no file"]),
        ("arms", ["__init__"], ["arms.0 = '__init__': is no file"]),
        ("arms", ["random"], ["arms.0 = 'random': is always there; take it out of the list"]),
        ("arms", ["entropy", "bucketed"], ["arms.1 = 'bucketed': is always there; take it out of the list"]),
        ("arms", ["full"], ["arms.0 = 'full': is always there; take it out of the list"]),
        ("arms", ["margin", "margin"], ["arms = ['margin', 'margin']: must not repeat a value"]),
        ("arms", "entropy", ["arms = 'entropy': must be a valid list"]),
        ("strategies.committee", 1, ["strategies.committee = 1", "greater than or equal to 2"]),
        ("strategies.held_back", 1, ["strategies.held_back = 1", "less than 1"]),
        ("train.epochs", 2.0, ["train.epochs = 2.0", "valid integer"]),  # stages read the file: nothing is converted
        ("train.learning_rate", "'1e-5'", ["train.learning_rate", "valid number"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_by_name(name, value, parts):
    with pytest.raises(Refused) as refused:
        rules.checked(changed((name, value)))
    message = str(refused.value)
    assert "params.yaml: " in message
    assert [part for part in parts if part not in message] == [], message


def test_all_mistakes_are_reported_at_once(params):
    params(("train.epochs", 0), ("embed.max_tokens", "many"))
    assert "train.epochs = 0" in refusal()
    assert "embed.max_tokens = 'many'" in refusal()


def test_a_missing_section_and_a_missing_setting_are_named(params):
    params(text=yaml.safe_dump({key: value for key, value in BASE.items() if key != "cluster"}))
    assert refusal().startswith("params.yaml: cluster is missing")
    params(("sufficient", {"rule": "none"}))
    assert refusal().startswith("params.yaml: sufficient.kappa is missing")


def test_an_exponent_without_a_point_is_a_number_as_dvc_writes_it(params):
    params()
    text = Path("params.yaml").read_text()
    for before, after in (("learning_rate: 5.0e-05", "learning_rate: 1e-05"), ("m: 10", "m: 1e-3")):
        assert before in text
        text = text.replace(before, after)
    params(text=text)
    rules.check_file("report")
    read = base_params.read("train", "rounds.stage2")
    assert (read.train.learning_rate, read.stage2.m) == (1e-5, 1e-3)


@pytest.mark.parametrize("text", ["seeds: [0, 1", "a:\n\t- b", "seeds: \x00", "seeds: 2024-13-45"])
def test_a_file_that_is_not_yaml_is_refused(params, text):
    params(text=text)
    assert refusal().startswith("params.yaml cannot be read as YAML: ")


@pytest.mark.parametrize("text", ["", "- seeds", "seeds"])
def test_yaml_that_is_no_mapping_is_refused(params, text):
    params(text=text)
    assert refusal().startswith("params.yaml: the file = ")


def test_a_missing_file_is_refused_with_the_folder_it_was_looked_for_in(params):
    Path("params.yaml").unlink()
    assert refusal() == f"params.yaml is not in {Path.cwd()}; run from the folder that holds dvc.yaml"


def test_a_stage_reads_what_it_declared_and_nothing_else(params):
    assert vars(base_params.read("seeds", "train.epochs")) == {"seeds": [0, 1], "epochs": BASE["train"]["epochs"]}
    read = base_params.read("rounds.stage3")
    assert (read.stage3.after, read.stage3.m) == ("stage2", 5)
    with pytest.raises(Refused, match=r"rounds.stage9 is missing; possible: stage2, stage3"):
        base_params.read("rounds.stage9")


@pytest.mark.parametrize("name", ["arms", "random_at"])
def test_other_arms_can_be_left_out(params, name):
    params((name, []), ("train_final.arms", ["bucketed"]))
    assert getattr(rules.check_file("report"), name) == []


def order(**after):
    return rounds.in_order({name: rules.Round(after=stage, m=1) for name, stage in after.items()})


def test_stages_follow_the_one_they_come_after_and_ties_keep_the_order_of_the_file():
    assert order(stage3="stage2", stage2="stage1") == ["stage1", "stage2", "stage3"]
    assert order(stage9="stage1", stage2="stage1", stage5="stage9") == ["stage1", "stage9", "stage2", "stage5"]
    assert order() == ["stage1"]


def pool_of(rows):
    artifacts.save_json(paths.COUNTS, {"pool_rows": rows})
    paths.POOL.touch()


def test_a_budget_of_the_whole_pool_is_accepted_and_one_row_more_refused(params):
    pool_of(140)  # (20 + 10 + 5) rows of each of 4 clusters
    rules.check_file("embed")
    pool_of(139)
    assert re.search(r"rounds up to stage3 ask for 140 labels from 4 clusters, .* 139 rows", refusal("embed"))


@pytest.mark.parametrize("stage", ["inputs", "prepare"])
def test_stages_before_the_pool_are_not_refused_for_an_old_pool(params, stage):
    pool_of(1)
    rules.check_file(stage)


def test_rounds_that_follow_the_same_stage_do_not_add_up(params):
    params(("rounds.stage3.after", "stage1"))
    pool_of(120)  # stage2 is the larger: (20 + 10) x 4
    rules.check_file("embed")
    pool_of(119)
    assert "up to stage2 ask for 120 labels" in refusal()


def test_a_share_is_one_of_the_pool_and_adds_to_rows_of_every_bucket(params):
    params(("rounds.stage2.m", 0.1), ("rounds.stage3.m", 0.25))
    pool_of(124)  # 20 x 4 + 12 + 31 = 123
    rules.check_file("embed")
    pool_of(121)  # 80 + 12 + 30
    assert "up to stage3 ask for 122 labels from 4 clusters, but the pool has 121 rows" in refusal()


def test_a_budget_of_clusters_not_yet_counted_is_not_refused(params):
    params(("cluster.clusters", "auto"))
    pool_of(1)
    rules.check_file("embed")


def test_a_setting_named_like_a_pydantic_term_is_refused_by_name(params):
    params(("function-x", 1))
    assert "function-x is no known setting" in refusal()


PEOPLE = {"kind": "auto", "from": "people", "classes": ["neg", "pos"], "describe": {}, "rename": {}}
PEOPLE |= {"guide": "none", "guesses": "none", "keep_text": True}
PEOPLE |= {"alike": "ask", "alike_cosine": 0.98}


@pytest.mark.parametrize(
    ("rename", "arms", "message"),
    [
        ({}, ["entropy"], "arms = ['entropy']: labels.from is people, and nobody labels the rows of other arms; set it to []"),
        ({"pos": "neg"}, [], "labels.rename.pos: pos is still a class; remove it from labels.classes or from rename"),
        ({"bad": "nge"}, [], "labels.rename.bad = nge, which is no class; possible: neg, pos; did you mean neg?"),
        ({"a": "b", "b": "a"}, [], "labels.rename.a = b leads in a circle; possible: the name of a class"),
        ({"a": "a"}, [], "labels.rename.a = a leads in a circle"),
    ],
)
def test_settings_that_contradict_each_other_if_people_label_are_refused(params, rename, arms, message):
    params(("labels", PEOPLE | {"rename": rename}), ("arms", arms))
    assert message in refusal()
    params(("labels", PEOPLE | {"rename": rename, "from": "dataset"}), ("arms", arms))
    rules.check_file("report")  # it matters to people alone


def test_a_class_may_be_renamed_more_than_once(params):
    params(("labels", PEOPLE | {"rename": {"awful": "bad", "bad": "neg"}}), ("arms", []))
    assert rules.check_file("report").labels.rename == {"awful": "bad", "bad": "neg"}


def test_the_overlay_for_people_is_valid(params):
    content = copy.deepcopy(SHIPPED)
    lay_over(content, yaml.safe_load((ROOT / "params/people.yaml").read_text(encoding="utf-8")))
    params(text=yaml.safe_dump(content))
    assert rules.check_file("report").labels.source == "people"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "labels.describe.neg = '': must be words .*, or a list of up to 100 phrases"),
        ([], r"labels.describe.neg = \[\]: must be words .*, or a list of up to 100 phrases"),
        (5, "labels.describe.neg = 5: must be words .in quotes where YAML reads a number or a bool., or a list"),
        (["a film", "!?"], "labels.describe.neg = .*: must be words .*, or a list of up to 100 phrases"),
        ("a " * 5_000, "labels.describe.neg = .*: a phrase has at most 1,000 characters"),
        (["GOOD  film"], "labels.describe: 'good film' describes neg and pos; say how they differ"),
    ],
)
def test_phrases_that_cannot_be_used_are_refused_in_one_line(params, words, message):
    labels = PEOPLE | {"from": "dataset", "describe": {"neg": words, "pos": "good film"}}
    params(("labels", labels))
    with pytest.raises(Refused, match=message) as refused:
        rules.check_file("prepare")
    assert str(refused.value).count("\n") == 0
    assert ";" not in str(refused.value).partition("say how")[0].removesuffix("; ")


def test_a_described_class_that_yaml_reads_as_no_text_is_named(params):
    params(("labels", PEOPLE | {"from": "dataset", "describe": {False: "bad film"}}))
    with pytest.raises(Refused, match=r'labels.describe: the class False must be text; put it in quotes, as in "no": words$'):
        rules.check_file("prepare")
