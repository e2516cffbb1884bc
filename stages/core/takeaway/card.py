"""The card of a model, README.md in the form of the Hugging Face hub: https://huggingface.co/docs/hub/model-cards"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from stages.core.prediction.record import Record
from stages.core.reporting.sureness import wilson

LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Facts:
    """
    about          what data/model says of the model
    measured       as data/model.json
    answered       as data/model/answered.json
    holdout_rows   rows that it was measured on
    pool_rows      rows among which those to label were chosen
    params         all of params.yaml
    commit         of the project, in words
    versions       library -> version
    """

    about: Record
    measured: dict
    answered: list[dict]
    holdout_rows: int
    pool_rows: int
    params: dict[str, Any]
    commit: str
    versions: dict[str, str]


def written(facts: Facts, name: str) -> str:
    """The card of a model called `name`, as Markdown with a head of YAML."""
    about, measured, params = facts.about, facts.measured, facts.params
    low, high = wilson(measured["accuracy"], facts.holdout_rows)
    head = yaml.safe_dump(_head(facts, name), sort_keys=False, allow_unicode=True, width=120)
    classes = ", ".join(f"`{each}`" for each in about.classes)
    several = f" for each of {measured['members']} models, {about.rows:,} different rows in all" if measured["members"] > 1 else ""
    if measured["members"] > 1:
        mean = f"The probability is the mean of {measured['members']} models; one alone has {measured['accuracy_of_one']:.4f}."
    else:
        mean = "One model."
    table = "\n".join(
        f"| {row['abstain']:g} | {row['answered']:.3f} | {'' if row['accuracy'] is None else format(row['accuracy'], '.4f')} |"
        for row in facts.answered
    )
    versions = ", ".join(f"{library} {version}" for library, version in facts.versions.items())
    return f"""---
{head}---

# {name}

Sorts texts into {len(about.classes)} classes: {classes}. Made by Gleaner, which chooses the rows that people label.

- Accuracy {measured["accuracy"]:.4f} (95% interval {low:.4f} to {high:.4f}, of {facts.holdout_rows:,} held-out rows), macro F1
  {measured["macro_f1"]:.4f}. {mean}
- Labels spent: {about.labels:,}{several}, out of a pool of {facts.pool_rows:,} rows.
- Data: `{params["prepare"]["dataset"]}`. Encoder: `{params["embed"]["model"]}`; learner: {about.trainer}, models of {about.stage}.
- Calibration: the probabilities are off by {measured["calibration_error"]:.4f} on average (expected calibration error;
  {measured["calibration_error_before"]:.4f} before the temperature of {about.temperature:g}).

| rows left open below | share answered | accuracy of the answered |
|---|---|---|
{table}

## Use

```
pip install torch transformers
python predict.py "a text" "another"
```

From Python: `from predict import CLASSES, predict_proba`. It was measured on texts like those of the pool and on no others.

## How it was made

Commit {facts.commit}; {versions}. All settings:

```yaml
{yaml.safe_dump(params, sort_keys=False, allow_unicode=True, width=120)}```
"""


def _head(facts: Facts, name: str) -> dict[str, Any]:
    """What the hub reads. Names of data and model stand there only where they can be the hub's."""
    data, encoder = facts.params["prepare"]["dataset"], facts.params["embed"]["model"]
    head = {"library_name": "transformers", "pipeline_tag": "text-classification", "tags": ["gleaner", "active-learning"]}
    head |= {"base_model": encoder} if _of_hub(encoder) else {}
    head |= {"datasets": [data.partition("@")[0]]} if _of_hub(data) else {}
    values = {"accuracy": facts.measured["accuracy"], "f1": facts.measured["macro_f1"]}
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"name": data, "type": data},
        "metrics": [{"type": kind, "value": value} for kind, value in values.items()],
    }
    return head | {"metrics": list(values), "model-index": [{"name": name, "results": [result]}]}


def _of_hub(name: str) -> bool:
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?", name, re.ASCII) is not None
