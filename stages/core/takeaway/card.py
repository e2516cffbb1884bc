"""The model card, README.md in the format of the Hugging Face hub: https://huggingface.co/docs/hub/model-cards"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from stages.core.prediction.record import Record
from stages.core.reporting.result_tables import FURTHER, answered_rows
from stages.core.reporting.sureness import wilson

LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Facts:
    about: Record
    measured: dict  # data/model.json; only the number of members if no row is held out or none is labelled
    answered: list[dict]  # data/model/answered.json
    pool_rows: int
    params: dict[str, Any]  # all of params.yaml
    commit: str  # of the project, in words
    versions: dict[str, str]  # of libraries
    student_of: str = ""  # accuracy of the model that this one imitates, in words; "" for the model itself


def written(facts: Facts, name: str) -> str:
    """The card of the model `name`: Markdown below a head of YAML."""
    about, params = facts.about, facts.params
    head = yaml.safe_dump(_head(facts, name), sort_keys=False, allow_unicode=True, width=120)
    classes = about.kind.does.format(len(about.names), ", ".join(f"`{each}`" for each in about.names))
    versions = ", ".join(f"{library} {version}" for library, version in facts.versions.items())
    return f"""---
{head}---

# {name}

{classes} Made by Gleaner, which chooses the rows that people label.

{_quality(facts)}
{_labels(facts)}
- Data: `{params["prepare"]["dataset"]}`. Encoder: `{params["embed"]["model"]}`; learner: {about.trainer}, models of {about.stage}.
{_calibration(facts)}
## Use

```
pip install {"numpy" if facts.student_of else "torch transformers"}
python predict.py "a text" "another"
```

From Python: `from predict import CLASSES, predict_proba`. The figures hold for texts like those of the pool, not for others.

## How it was made

Commit {facts.commit}; {versions}. All settings:

```yaml
{yaml.safe_dump(params, sort_keys=False, allow_unicode=True, width=120)}```
"""


def _labels(facts: Facts) -> str:
    """What labels were spent, as an item of a list."""
    about, members = facts.about, facts.measured["members"]
    if not about.labels:
        return f"- Labels spent: none. It knows what the classes are called, and the pool of {facts.pool_rows:,} rows."
    each = f" Each of the {members} models learned from {about.labels:,} of them." if members > 1 else ""
    return f"- Labels spent: {about.rows:,}, out of a pool of {facts.pool_rows:,} rows.{each}"


def _quality(facts: Facts) -> str:
    """Accuracy, as an item of a list."""
    measured, members = facts.measured, facts.measured["members"]
    mean = f"The probability is the mean of {members} models" if members > 1 else "One model"
    if facts.student_of:
        mean = f"It weighs words and pieces of words, as it learned from what the full model ({facts.student_of}) says of the pool"
    if "accuracy" not in measured:
        return f"- Accuracy: not measured, since no row was held out and labelled. {mean}."
    rows = measured["holdout_rows"]
    low, high = wilson(measured["accuracy"], rows)
    alone = f"; one alone has {measured['accuracy_of_one']:.4f}" if members > 1 else ""
    further = "".join(f", {FURTHER[name]} {measured[name]:.4f}" for name in FURTHER if name in measured)
    return (
        f"- {facts.about.kind.accuracy.capitalize()} {measured['accuracy']:.4f} (95% interval {low:.4f} to {high:.4f}, of {rows:,} "
        f"held-out rows), macro F1\n  {measured['macro_f1']:.4f}{further}. {mean}{alone}."
    )


def _calibration(facts: Facts) -> str:
    """How far the probabilities can be believed, as an item of a list, and the table of rows left open."""
    measured, temperature = facts.measured, facts.about.temperature
    if facts.student_of:
        return "- Calibration: not measured.\n"
    if "accuracy" not in measured:
        return f"- Calibration: not measured; the temperature is {temperature:g}.\n"
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in answered_rows(facts.answered))
    now, before = (f"{measured[name]:.4f}" for name in ("calibration_error", "calibration_error_before"))
    return f"""- Calibration: the probabilities are off by {now} on average (expected calibration error; {before} before the
  temperature of {temperature:g}).

| rows left open below | share answered | {facts.about.kind.accuracy} of the answered |
|---|---|---|
{rows}
"""


def _head(facts: Facts, name: str) -> dict[str, Any]:
    """What the hub reads. It names data and encoder only if these can be names of the hub."""
    data, encoder = facts.params["prepare"]["dataset"], facts.params["embed"]["model"]
    head = {} if facts.student_of else {"library_name": "transformers"}
    head |= {"pipeline_tag": "text-classification", "tags": ["gleaner", "active-learning"]}
    head |= {"base_model": encoder} if _of_hub(encoder) and not facts.student_of else {}
    head |= {"datasets": [data.partition("@")[0]]} if _of_hub(data) else {}
    if "accuracy" not in facts.measured:
        return head
    names = {"accuracy": facts.about.kind.accuracy, "macro_f1": "macro F1", "micro_f1": "micro F1"}
    values = {name: facts.measured[key] for key, name in names.items() if key in facts.measured}
    types = {name: "f1" if name.endswith("F1") else name.replace(" ", "_") for name in values}
    result = {
        "task": {"type": "text-classification"},
        "dataset": {"name": data, "type": data},
        "metrics": [{"type": types[name], "name": name, "value": value} for name, value in values.items()],
    }
    return head | {"metrics": list(dict.fromkeys(types.values())), "model-index": [{"name": name, "results": [result]}]}


def _of_hub(name: str) -> bool:
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?", name, re.ASCII) is not None
