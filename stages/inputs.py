"""inputs: tell what is behind the names of data sets and encoders, so that new content reruns what reads it, as a new name does.

reads   the files, folders and packages that prepare.dataset, finetune_encoder.dataset and .evaluation and embed.model name; the
        keys of labels/holdout.csv, where people label
writes  data/inputs/prepare.json            by setting: kind, name and sha256 or version (see content); null where none is read
        data/inputs/finetune_encoder.json
        data/inputs/encoder.json
params  prepare, finetune_encoder, embed, labels.from

The stage runs in every `dvc repro`; what follows does not, unless what it wrote is new.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from stages.core.base import artifacts, params
from stages.core.base.errors import Refused
from stages.core.encoding import content
from stages.core.people.records import asked

FOLDER = Path("data/inputs")


def main() -> None:
    settings = params.read("prepare", "finetune_encoder", "embed", "labels.from")
    tuning = settings.finetune_encoder
    dataset, evaluation = (tuning.dataset, tuning.evaluation) if tuning.objective != "none" else ("none", "none")
    readers = {
        "prepare": {"prepare.dataset": (settings.prepare.dataset, partial(content.of_dataset, config=settings.prepare.config))},
        "finetune_encoder": {
            "finetune_encoder.dataset": (dataset, content.of_dataset),
            "finetune_encoder.evaluation": (evaluation, content.of_dataset),
        },
        "encoder": {"embed.model": (settings.embed.model, content.of_model)},
    }
    if vars(settings)["from"] == "people":
        readers["prepare"]["labels.from"] = (str(asked.file_of(asked.HOLDOUT)), keys_of)
    said = []
    for reader, settings_of_it in readers.items():
        path = FOLDER / f"{reader}.json"
        recorded = recorded_in(path)
        told = {
            setting: None if name == "none" else here_or_recorded(setting, name, look, recorded.get(setting))
            for setting, (name, look) in settings_of_it.items()
        }
        artifacts.save_json(path, told)
        said += [f"{setting} {short(entry)}" for setting, entry in told.items() if entry]
    print(f"inputs: {', '.join(said)}")


def keys_of(file: str) -> dict:
    """Which rows are held out: answers, and what else stands in the file, change nothing."""
    keys = asked.keys(asked.HOLDOUT)
    return {"kind": "file", "name": file, "sha256": hashlib.sha256(" ".join(sorted(keys)).encode()).hexdigest()}


def here_or_recorded(setting: str, name: str, look: Callable[[str], dict | None], recorded: dict | None) -> dict:
    """What `look` tells of `name`; where that is not here, as with a colleague who only fetched what was made of it, what an
    earlier run recorded, and kind "missing" where none did: the stage that has to read it will refuse.
    """
    try:
        found, why = look(name), "not here"
    except OSError as error:
        found, why = None, f"not to be read ({error.strerror or error})"
    if found and not _gone(name, found, recorded):
        return found
    kept = recorded or {"kind": "missing", "name": None}
    print(f"inputs: {setting} = {name} is {why}: {f'the record stays, {short(kept)}' if recorded else 'nothing to record'}")
    return kept


def _gone(name: str, found: dict, recorded: dict | None) -> bool:
    """Was that name of a hub recorded as a file or folder? A path may read like owner/name, or like a word."""
    return found["kind"] == "hub" and bool(recorded) and recorded["kind"] in content.LOCAL and recorded["name"] == name


def short(entry: dict) -> str:
    return " ".join([entry["kind"], entry.get("version") or entry.get("sha256", "")[:12] or str(entry["name"])])


def recorded_in(path: Path) -> dict[str, dict]:
    """What an earlier run wrote, by setting; nothing of what a hand or a merge spoilt."""
    try:
        told = artifacts.load_json(path)
    except Refused:
        return {}
    entries = told.items() if isinstance(told, dict) else ()
    return {setting: entry for setting, entry in entries if isinstance(entry, dict) and {"kind", "name"} <= entry.keys()}
