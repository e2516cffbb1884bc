"""The pipeline with `trainer: probe` and a stopping rule, through real `dvc repro`."""

import json

from tests.conftest import Project

STAGES = ["stage1", "stage2", "stage3"]


def test_with_the_probe_labelling_stops_once_two_models_agree(tmp_path):
    project = Project.tiny(tmp_path / "probe", train={"trainer": "probe"}, sufficient={"rule": "agreement", "kappa": 0.05})
    project.repro()
    budgets = [json.loads((project.folder / f"data/budgets/{stage}.json").read_text()) for stage in STAGES]
    # Two models are needed: those of stage1 and stage2 are compared when stage3 would be selected.
    assert [budget["labels"] for budget in budgets] == [12, 20, 20]
    assert [budget["path"] for budget in budgets] == [[12], [12, 20], [12, 20, 20]]
    assert [budget["ended_after"] for budget in budgets] == [None, None, "stage2"]
    assert [budget["ended_because"] for budget in budgets] == [None, None, "sufficient"]
    assert budgets[1]["kappa"] == [None, None]
    assert min(budgets[2]["kappa"]) >= 0.05
    assert (project.folder / "data/stage3/selected.jsonl").read_text() == ""
    summary = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "Labelling ended after stage2, with 20 labels." in summary
    assert not (project.folder / "metrics/bucketed/stage3.json").exists()
