"""The stage finetune_encoder and what follows from it: a folder that loads like any model, or a pointer that costs nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from stages import embed, finetune_encoder
from stages.commands import similarity as command
from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.encoding import encoder, examples, model_files, pair_tuning
from tests.support.dvc_in_process import stages_to_run
from tests.support.project import ROOT, Project
from tests.support.sources import write
from tests.support.tiny import map_rows, tiny_encoder

LEFT = ["good film", "bad plot", "dull end", "fine scene", "great music", "poor actor"]
RIGHT = ["great film", "good plot", "awful end", "poor scene music", "lovely music", "fine actor"]
QUICK = {"dataset": "pairs.csv", "batch_rows": 4, "pairs_at_once": 2, "learning_rate": 1e-3, "dtype": "float32"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with params, a tiny encoder and pairs, and this process in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLEANER_CACHE", str(tmp_path / "cache"))
    tiny_encoder(Path("tiny"))
    write(
        Path("pairs.csv"),
        {"sentence1": LEFT, "sentence2": RIGHT, "score": [5, 0, 4, 1, 4.5, 2], "label": ["neutral", "0", "2"] * 2},
    )
    return tmp_path


def set_params(**sections) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    sections["embed"] = {"model": "tiny", "max_tokens": 16, "dtype": "float32", **sections.get("embed", {})}
    for section, changes in sections.items():
        content[section] |= changes
    params.PATH.write_text(yaml.safe_dump(content))


def vectors(model: str) -> np.ndarray:
    return examples.cosines(encoder.Encoder(model, 16).eval(), LEFT + RIGHT)


def test_with_objective_none_a_pointer_is_written_and_torch_is_not_loaded(folder):
    set_params()
    done = "import sys; from stages import finetune_encoder; finetune_encoder.main(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", done], check=True, env={"PYTHONPATH": str(ROOT)})
    assert [file.name for file in paths.ENCODER.iterdir()] == ["pointer.json"]
    assert model_files.chosen("tiny") == "tiny"
    assert artifacts.load_json("data/encoder.json") == dict.fromkeys(
        ["spearman_before", "spearman_after", "pairs", "rows_at_once", "accumulation"]
    )
    assert artifacts.load_json("data/plots/encoder_loss.json") == []


@pytest.mark.parametrize("objective", ["nli", "pairs"])
@pytest.mark.slow
def test_a_tuned_encoder_is_a_model_folder_like_any_other(folder, objective):
    set_params(finetune_encoder={**QUICK, "objective": objective, "score_range": [0, 5], "evaluation": "pairs.csv"})
    kept = []
    for _ in range(2):  # the second finds the first one's folder
        finetune_encoder.main()
        kept.append([file.read_bytes() for file in sorted(Path("data").rglob("*.*"))])
    assert kept[0] == kept[1]
    assert sorted(file.name for file in paths.ENCODER.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert model_files.chosen("tiny") == "data/encoder"
    paths.ENCODER.rename("elsewhere")
    assert not np.allclose(vectors("elsewhere"), vectors("tiny"), atol=1e-3)

    measured = artifacts.load_json("data/encoder.json")
    assert (measured["pairs"], measured["rows_at_once"], measured["accumulation"]) == (6, 2, 2)
    of_file = {"left": LEFT, "right": RIGHT, "label": [5, 0, 4, 1, 4.5, 2]}
    assert measured["spearman_before"] == pair_tuning.spearman(encoder.Encoder("tiny", 16).eval(), of_file)
    assert measured["spearman_after"] == pair_tuning.spearman(encoder.Encoder("elsewhere", 16).eval(), of_file)
    assert [point["step"] for point in artifacts.load_json("data/plots/encoder_loss.json")] == [1, 2]


@pytest.mark.slow
def test_after_objective_none_no_tuned_weights_are_left(folder):
    set_params(finetune_encoder={**QUICK, "objective": "nli"})
    finetune_encoder.main()
    assert artifacts.load_json("data/encoder.json")["spearman_after"] is None  # nothing to measure by
    set_params()
    finetune_encoder.main()
    assert model_files.chosen("tiny") == "tiny"
    assert [file.name for file in paths.ENCODER.iterdir()] == ["pointer.json"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "nli", "label_column": "score"}, "row 1: label 5; possible: entailment"),
        ({"objective": "pairs"}, r"row 1: score 5, possible: a number from 0 to 1; declare"),
        (
            {"objective": "pairs", "score_range": [0, 5], "evaluation": "gone.csv"},
            "finetune_encoder.evaluation = gone.csv: no such file or folder",
        ),
        ({"objective": "pairs", "dataset": "none"}, "finetune_encoder.dataset = none: objective pairs needs pairs"),
    ],
)
def test_bad_pairs_are_told_before_a_model_is_even_loaded(folder, monkeypatch, changes, message):
    monkeypatch.setattr(encoder, "Encoder", lambda *_: pytest.fail("a model was loaded"))
    set_params(finetune_encoder={**QUICK, **changes})
    with pytest.raises(Refused, match=message):
        finetune_encoder.main()


def test_the_stage_does_not_overwrite_the_model_it_is_to_start_from(folder):
    tiny_encoder(paths.ENCODER)
    set_params(embed={"model": "data/encoder"})
    with pytest.raises(Refused, match=r"embed.model = data/encoder is the output of this stage; copy it"):
        finetune_encoder.main()
    assert (paths.ENCODER / "model.safetensors").exists()


@pytest.mark.parametrize("content", [None, "[]", '{"model": 1}', "{}", "{", '{"model": "another"}'])
def test_a_missing_broken_or_stale_pointer_is_refused(folder, content):
    paths.ENCODER.mkdir(parents=True)
    if content is not None:
        paths.POINTER.write_text(content)
    with pytest.raises(Refused, match=r"data/encoder/pointer.json.*dvc repro"):
        model_files.chosen("tiny")


def test_vectors_of_one_pooling_are_not_taken_for_those_of_another(folder, capsys):
    for path in (paths.POOL, paths.HOLDOUT):
        artifacts.save_jsonl(path, ({"text": text} for text in LEFT))
    made = {}
    for pooling, encoded in (("mean", 6), ("cls", 6), ("max", 6), ("mean", 0)):
        set_params(embed={"pooling": pooling, "layers": "last"})
        finetune_encoder.main()
        capsys.readouterr()
        embed.main()
        assert f"data/embeddings/pool.npy: 6 texts, {encoded} encoded now" in capsys.readouterr().out
        made[pooling] = np.array(np.load(paths.EMBEDDINGS))
        model = encoder.Encoder("tiny", 16, pooling).eval()
        ids, real = model.tokenise(LEFT).padded(np.arange(6), model.pad)
        with torch.inference_mode():
            expected = model(torch.from_numpy(ids), torch.from_numpy(real)).numpy()
        np.testing.assert_allclose(made[pooling], expected, atol=1e-5)
    assert artifacts.load_json("data/embeddings/pool.json")["pooling"] == "mean"


def test_how_many_tokens_pass_at_once_changes_no_byte_of_the_embeddings(folder, monkeypatch):
    for path in (paths.POOL, paths.HOLDOUT):
        artifacts.save_jsonl(path, ({"text": text} for text in LEFT + RIGHT))
    made = []
    for batch_tokens in (1, 4_096):
        monkeypatch.setenv("GLEANER_CACHE", f"cache of {batch_tokens}")
        set_params(machine={"batch_tokens": batch_tokens})
        finetune_encoder.main()
        embed.main()
        made.append([file.read_bytes() for file in sorted(Path("data/embeddings").iterdir())])
    assert len(made[0]) == 4
    assert made[0] == made[1]


# ---- similarity


def test_the_cosine_of_two_texts_is_printed(folder, capsys):
    set_params()
    finetune_encoder.main()
    capsys.readouterr()
    command.main("good film", "good film")
    command.main("good film", "bad plot")
    assert capsys.readouterr().out.split() == ["1.0000", f"{vectors('tiny')[LEFT.index('good film'), LEFT.index('bad plot')]:.4f}"]
    with pytest.raises(Refused, match="1 texts given, two are needed"):
        command.main("good film")


def test_the_heat_map_has_nine_sentences_in_three_groups_against_each_other(folder):
    cells = examples.heat_map(encoder.Encoder("tiny", 16).eval())
    names = list(dict.fromkeys(cell["one"] for cell in cells))
    assert names == [f"{group} {number}" for group in ("weather", "food", "money") for number in (1, 2, 3)]
    cosine = {(cell["one"], cell["two"]): cell["cosine"] for cell in cells}
    assert len(cosine) == len(cells) == 81
    assert all(cosine[name, name] == 1 for name in names)
    assert all(cosine[one, two] == cosine[two, one] for one, two in cosine)


# ---- through DVC


@pytest.mark.dvc
def test_a_tuned_encoder_and_contrastive_run_through_the_pipeline_and_rerun_only_what_follows(tmp_path):
    project = Project.tiny(
        tmp_path / "tuned",
        finetune_encoder={**QUICK, "objective": "pairs", "score_range": [0, 5]},
        train={"trainer": "contrastive", "contrastive_steps": 4, "folds": 2},
        seeds=[0],
    )
    write(project.folder / "pairs.csv", {"sentence1": LEFT, "sentence2": RIGHT, "score": [5, 0, 4, 1, 4.5, 2]})
    after_n = ["select_stage1", "buy_labels@stage1", "train_stage1"]
    after_tuning = ["finetune_encoder", "embed", "name_classes", "reduce", "cluster", *after_n]
    ran = project.repro("train_stage1")
    assert sorted(ran) == sorted(["prepare", "collect_answers", *after_tuning])
    assert json.loads((project.folder / "data/embeddings/pool.json").read_text())["model"] == "data/encoder"
    assert json.loads((project.folder / "data/stage1/models/0/classifier.json").read_text())["model"] == "data/encoder"

    project.change({"select_stage1": {"n": 4}})
    assert stages_to_run(project.folder) & set(ran) == set(after_n)
    project.change({"select_stage1": {"n": 3}, "finetune_encoder": {"learning_rate": 1e-4}})
    assert stages_to_run(project.folder) & set(ran) == set(after_tuning)

    project.change({"finetune_encoder": {"learning_rate": 1e-3}})
    assert stages_to_run(project.folder) & set(ran) == set()
    write(project.folder / "pairs.csv", {"sentence1": LEFT, "sentence2": RIGHT, "score": [5, 0, 4, 1, 4.5, 3]})
    assert stages_to_run(project.folder) & set(ran) == set(after_tuning)
    project.change({"finetune_encoder": {"objective": "none"}})
    assert stages_to_run(project.folder) & set(ran) == set(after_tuning)  # the setting is another; the pairs are no longer read
    assert json.loads((project.folder / "data/inputs/finetune_encoder.json").read_text())["finetune_encoder.dataset"] is None


def test_with_objective_none_the_vectors_are_those_of_the_model_named(finished):
    pool = artifacts.texts(finished.folder / "data/pool.jsonl")
    model = encoder.Encoder(str(finished.folder / "encoder"), 16, layers=4).eval()
    model.to(encoder.dtype_of("auto"))
    vectors = map_rows(model.vectors, model.tokenise(pool), model.vector_shape, 4096, model.stored_dtype)
    assert np.array_equal(vectors, np.load(finished.folder / "data/embeddings/pool.npy"))
