"""data/model/model.json: which models are the one to use, and all that must be known to ask them of new texts.

    {"stage": "final", "trainer": "finetune", "members": {"data/final/bucketed/0": "sha256 of its files", …},
     "classes": ["neg", "pos"], "temperature": 1.21, "abstain": 0, "normalise": false, "labels": 300, "rows": 671,
     "scripts": {"LATIN": 1.0}, "embed": {"model": …}, "encoder_sha256": …}

Members are named, not copied: a folder of the project holds each. There are none where nothing was trained yet.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused

FOLDER = paths.ANSWERED.parent
RECORD = "model.json"  # in it
METRICS = Path("data/model.json")


@dataclass(frozen=True)
class Record:
    """
    stage            the models' own: a labelling stage, or final
    trainer          learner that made them; empty where there are none
    members          folder of each model -> sha256 of its files
    temperature      of their mean, see calibration
    abstain          rows below this probability are left open
    normalise        whether texts are lower-cased and stripped first
    labels, rows     labels bought for each seed; different rows that all members together learned from
    scripts          of the pool's texts, see scripts.shares
    embed            the section of params.yaml
    encoder_sha256   fingerprint of the pipeline's encoder
    """

    stage: str
    trainer: str
    members: dict[str, str]
    classes: list[str]
    temperature: float
    abstain: float
    normalise: bool
    labels: int
    rows: int
    scripts: dict[str, float]
    embed: dict[str, Any]
    encoder_sha256: str

    def save(self, folder: Path) -> None:
        artifacts.save_json(folder / RECORD, asdict(self))


def load(folder: Path) -> Record:
    """Raises Refused where it is missing or no whole record, or where it names no model."""
    file = folder / RECORD
    if not file.exists():
        raise Refused(f"{file} is missing, so there is no model yet; run `dvc repro`, which ends with one")
    kinds = {name: kind for name, kind in Record.__annotations__.items() if name not in ("temperature", "abstain")}
    found = artifacts.load_record(file, **{name: getattr(kind, "__origin__", kind) for name, kind in kinds.items()})
    for name in ("temperature", "abstain"):
        if type(found.get(name)) not in (int, float):
            raise Refused(f"{file}: {name} = {found.get(name)!r}, expected a number; {artifacts.MEND}")
    record = Record(**{name: found[name] for name in Record.__annotations__})
    if not record.members:
        raise Refused(
            f"there is no model yet: {record.stage} has none, since rows wait for an answer; answer them, then `dvc repro`"
        )
    return record


def sha256(record: Record) -> str:
    """Fingerprint of all that the record says."""
    return hashlib.sha256(json.dumps(asdict(record), sort_keys=True).encode()).hexdigest()


def fingerprint(folder: Path) -> str:
    """sha256 over the files of one model that was trained."""
    digest = hashlib.sha256()
    for name in (paths.CLASSIFIER, paths.WEIGHTS):
        try:
            with (folder / name).open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise Refused(f"{folder / name} cannot be read ({error.strerror}); {artifacts.MEND}") from None
    return digest.hexdigest()


def refuse_other(record: Record) -> None:
    """Raise Refused where the members' files are not those that the record was made of."""
    for folder, expected in record.members.items():
        if fingerprint(Path(folder)) != expected:
            raise Refused(f"{folder} holds another model than {FOLDER / RECORD} was made of; {artifacts.MEND}")
