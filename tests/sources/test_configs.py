"""Folders whose README.md says which files belong to which split of which config."""

from pathlib import Path

import pytest
import yaml

from stages.core.base.errors import Refused
from stages.core.encoding import content
from stages.core.sources import splits
from tests.support.sources import FRUIT, columns, fruit, of, put, read, refusal, section, write


def readme(folder: Path, head: dict | str) -> Path:
    head = head if isinstance(head, str) else yaml.safe_dump(head, sort_keys=False)
    return put(folder / "README.md", f"---\n{head}\n---\n# Tweets\n")


def config(name, data_files, **more) -> dict:
    return {"config_name": name, "data_files": data_files, **more}


def split(name: str, path) -> dict:
    return {"split": name, "path": path}


def splits_in(folder: Path, **changes) -> list[list[str]]:
    """First texts of the rows of pool and holdout."""
    pool, holdout = splits.read(section(folder, **changes))
    return [[row["text"] for row in rows or []] for rows in (pool, holdout)]


@pytest.fixture
def tweets(tmp_path) -> Path:
    """emotion/part-1.csv and so on, each of one row, which is called by its file."""
    for name in ("emotion/one.csv", "emotion/two.csv", "emotion/held.csv", "irony/one.csv", "irony/deep/held.jsonl"):
        write(tmp_path / "tweets" / name, columns([(name.split(".")[0], "x")]))
    return tmp_path / "tweets"


@pytest.mark.parametrize(
    ("data_files", "train", "test"),
    [
        ("emotion/one.csv", ["emotion/one"], []),
        (["emotion/one.csv", "emotion/two.csv"], ["emotion/one", "emotion/two"], []),
        ([split("train", "emotion/t*.csv"), split("test", ["emotion/held.csv"])], ["emotion/two"], ["emotion/held"]),
        ([split("Training", "irony/one.csv"), split("dev", "irony/deep")], ["irony/one"], ["irony/deep/held"]),
        ({"train": "irony/**", "test": "emotion/held.csv"}, ["irony/deep/held", "irony/one"], ["emotion/held"]),
        ([split("train", ["emotion/*", "emotion/one.csv"])], ["emotion/held", "emotion/one", "emotion/two"], []),
    ],
)
def test_the_readme_says_which_files_are_which_split(tweets, data_files, train, test):
    readme(tweets, {"license": "mit", "configs": [config("default", data_files)]})
    assert splits_in(tweets) == [train, test]


def test_of_several_configs_one_must_be_chosen_or_be_the_default(tweets, capsys):
    emotion, irony = config("emotion", "emotion/one.csv"), config(2018, "irony/one.csv", sep=",")
    readme(tweets, {"configs": [emotion, irony]})
    said = "its README.md has the configs emotion, 2018, and one must be chosen; name one in prepare.config"
    assert refusal(tweets).endswith(said)
    assert refusal(tweets, config="emotoin").endswith(
        "has no config emotoin; possible: emotion, 2018; did you mean emotion?; name one in prepare.config"
    )
    with pytest.raises(Refused, match=r"finetune_encoder.dataset = .* one must be chosen; give the path of a file, or of another"):
        splits.columns(str(tweets), "finetune_encoder.dataset", ("train",), {"left": ("auto", ("text",))})
    assert splits_in(tweets, config="emotion")[0] == ["emotion/one"]
    assert splits_in(tweets, config=2018)[0] == splits_in(tweets, config="2018")[0] == ["irony/one"]
    assert "prepare: config 2018 of README.md; others are emotion; ignored: sep\n" in capsys.readouterr().out
    readme(tweets, {"configs": [emotion, irony | {"default": True}]})
    assert splits_in(tweets)[0] == ["irony/one"]
    readme(tweets, {"configs": [irony, emotion | {"config_name": "default"}]})
    assert splits_in(tweets)[0] == ["emotion/one"]


def test_a_config_may_be_a_folder_that_is_read_by_its_names(tweets):
    write(tweets / "irony/train.csv", columns(of("sure")))
    readme(tweets, {"configs": [{"config_name": "irony", "data_dir": "irony"}]})
    assert splits_in(tweets) == [["sure"], []]
    readme(tweets, {"configs": [config("irony", [split("train", "one.csv")], data_dir="irony")]})
    assert splits_in(tweets) == [["irony/one"], []]


@pytest.mark.parametrize("head", ["", "tags: [a", "tags: [x]\nlicense: mit", "dataset_info:\n  configs: 3"])
def test_a_readme_without_configs_changes_nothing(tmp_path, head):
    fruit(tmp_path / "train.csv")
    readme(tmp_path, head)
    assert read(tmp_path) == FRUIT
    put(tmp_path / "README.md", "# Fruit\n\n---\nconfigs: [are told elsewhere\n---\n")
    assert read(tmp_path) == FRUIT
    put(tmp_path / "README.md", "---\n---\nconfigs: [\n---\n")  # the head ends before it
    assert read(tmp_path) == FRUIT


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ("configs: [", "the head of its README.md cannot be read as YAML: "),
        ("configs: !!python/object/apply:os.system [true]", "cannot be read as YAML: "),
        ("configs: 3", "every entry of configs must have a config_name"),
        ([{"data_files": "emotion/one.csv"}], "every entry of configs must have a config_name"),
        ([config("a", "emotion/one.csv")] * 2, "a config_name appears twice"),
        ([config("a", [])], "data_files is empty"),
        ([config("a", None)], "every entry of data_files must have a split and a path"),
        ([config("a", [{"path": "emotion/one.csv"}])], "every entry of data_files must have a split and a path"),
        ([config("a", "emotion/three.csv")], "its README.md names 'emotion/three.csv', and no readable file matches"),
        ([config("a", "emotion/*.parquet")], "names 'emotion/*.parquet', and no readable file"),
        ([config("a", "emotion/**.csv")], "names 'emotion/**.csv'"),
        ([config("a", "../secret.csv")], "names '../secret.csv', and only paths inside the folder are read"),
        ([config("a", "/etc/passwd.txt")], "only paths inside the folder are read"),
        ([config("a", "hf://datasets/some/other/train.csv")], "only paths inside the folder are read"),
        ([config("a", [["emotion/one.csv"]])], "only paths inside the folder are read"),
        ([config("a", "one.csv", data_dir="..")], "only paths inside the folder are read"),
        ([config("a", "one.csv", data_dir="joy")], "its README.md names the folder 'joy', which does not exist"),
    ],
)
def test_configs_that_cannot_be_followed_are_refused(tweets, configs, message):
    fruit(tweets.parent / "secret.csv")
    readme(tweets, configs if isinstance(configs, str) else {"configs": configs})
    said = refusal(tweets)
    assert said.startswith(f"params.yaml: prepare.dataset = {tweets}: ")
    assert message in said


def test_the_content_of_the_readme_and_of_the_chosen_configs_files_is_recorded(tweets):
    readme(tweets, {"configs": [config("emotion", "emotion/one.csv"), config("irony", "irony/one.csv")]})
    told = {name: content.of_dataset(str(tweets), name) for name in ("emotion", "irony")}
    assert told["emotion"]["sha256"] != told["irony"]["sha256"]
    assert content.of_dataset(str(tweets)) is None  # prepare will refuse
    fruit(tweets / "irony/one.csv")
    assert content.of_dataset(str(tweets), "emotion") == told["emotion"]
    assert content.of_dataset(str(tweets), "irony") != told["irony"]
    readme(tweets, {"configs": [config("emotion", [split("test", "emotion/one.csv")]), config("irony", "irony/one.csv")]})
    assert content.of_dataset(str(tweets), "emotion") != told["emotion"]
