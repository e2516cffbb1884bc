"""data/model/model.json: which models are the ones to use, and all that is needed to apply them to new texts.

The record names the models' folders in the project and copies none. It names none if nothing was trained yet.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.core import task
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused

FOLDER = paths.ANSWERED.parent
RECORD = "model.json"  # in FOLDER
METRICS = Path("data/model.json")


@dataclass(frozen=True)
class Record:
    stage: str  # that the models belong to: a labelling stage, or final
    trainer: str  # the learner that made the models; empty if there are none
    members: dict[str, str]  # folder of each model -> sha256 of its files
    classes: list | dict  # as in data/classes.json
    temperature: float  # of their mean, see calibration
    abstain: float  # rows below this probability stay open
    labels: int  # that each seed's model learned from
    rows: int  # different ones that all models together learned from
    scripts: dict[str, float]  # of the pool's texts, see scripts.shares
    embed: dict[str, Any]  # the section of params.yaml
    encoder_sha256: str  # fingerprint of the pipeline's encoder

    @property
    def kind(self) -> task.Task:
        return task.kept(self.classes)[0]

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return task.kept(self.classes)[1]

    def save(self, folder: Path) -> None:
        artifacts.save_json(folder / RECORD, asdict(self))


def load(folder: Path) -> Record:
    """Raises Refused if the record is missing or broken, or names no model."""
    file = folder / RECORD
    if not file.exists():
        raise Refused(f"{file} is missing, so there is no model yet; run `dvc repro`, which ends with one")
    kinds = {name: getattr(kind, "__origin__", kind) for name, kind in Record.__annotations__.items() if kind is not float}
    content = artifacts.load_record(file, **kinds)
    for name in ("temperature", "abstain"):  # 0 and 1 are ints in json
        if type(content.get(name)) not in (int, float):
            raise Refused(f"{file}: {name} = {content.get(name)!r}, expected a number; {artifacts.MEND}")
    if "lower_case" not in content["embed"]:
        raise Refused(f"{file}: embed.lower_case is missing, since an earlier version wrote it; {artifacts.MEND}")
    record = Record(**{name: content[name] for name in Record.__annotations__})
    if not record.members:
        raise Refused(f"there is no model yet: {record.stage} has none, since rows wait for answers; answer them, then `dvc repro`")
    return record


def sha256(record: Record) -> str:
    """Fingerprint of the whole record."""
    return hashlib.sha256(json.dumps(asdict(record), sort_keys=True).encode()).hexdigest()
