"""inputs: record the content behind the names of data sets and encoders, so that new content reruns the stages that read it.

reads   the files, folders and packages of prepare.dataset, finetune_encoder.dataset and .evaluation and embed.model; if people
        label, the keys of labels/holdout.csv
writes  data/inputs/prepare.json            by setting: kind, name and sha256 or version (see content); null if nothing is read
        data/inputs/finetune_encoder.json
        data/inputs/encoder.json
params  prepare, finetune_encoder, embed, labels.from

This stage runs in every `dvc repro`. Later stages run only if what it wrote is new.
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
    sources = {
        "prepare": {"prepare.dataset": (settings.prepare.dataset, partial(content.of_dataset, config=settings.prepare.config))},
        "finetune_encoder": {
            "finetune_encoder.dataset": (dataset, content.of_dataset),
            "finetune_encoder.evaluation": (evaluation, content.of_dataset),
        },
        "encoder": {"embed.model": (settings.embed.model, content.of_model)},
    }
    if vars(settings)["from"] == "people":
        sources["prepare"]["labels.from"] = (str(asked.file_of(asked.HOLDOUT)), of_holdout_keys)
    lines = []
    for reader, source_of in sources.items():
        path = FOLDER / f"{reader}.json"
        recorded = recorded_in(path)
        entries = {
            setting: None if name == "none" else found_or_recorded(setting, name, look, recorded.get(setting))
            for setting, (name, look) in source_of.items()
        }
        artifacts.save_json(path, entries)
        lines += [f"{setting} {short(entry)}" for setting, entry in entries.items() if entry]
    print(f"inputs: {', '.join(lines)}")


def of_holdout_keys(file: str) -> dict:
    """Which rows are held out. Answers, and whatever else is in the file, change nothing."""
    keys = asked.keys(asked.HOLDOUT)
    return {"kind": "file", "name": file, "sha256": hashlib.sha256(" ".join(sorted(keys)).encode()).hexdigest()}


def found_or_recorded(setting: str, name: str, look: Callable[[str], dict | None], recorded: dict | None) -> dict:
    """The entry that `look` gives for `name`; if the source is not here, what an earlier run recorded, or kind "missing"."""
    try:
        found, why = look(name), "not here"
    except OSError as error:
        found, why = None, f"not readable ({error.strerror or error})"
    # A path may read like owner/name, or like a word: a name recorded as a file that now looks like a hub's is a missing file.
    lost_file = found and found["kind"] == "hub" and recorded and recorded["kind"] in content.LOCAL and recorded["name"] == name
    if found and not lost_file:
        return found
    kept = recorded or {"kind": "missing", "name": None}
    print(f"inputs: {setting} = {name} is {why}: {f'the record stays, {short(kept)}' if recorded else 'nothing to record'}")
    return kept


def short(entry: dict) -> str:
    return " ".join([entry["kind"], entry.get("version") or entry.get("sha256", "")[:12] or str(entry["name"])])


def recorded_in(path: Path) -> dict[str, dict]:
    """The entries of an earlier run by setting, without those that an edit or a merge has broken."""
    try:
        entries = artifacts.load_json(path)
    except Refused:
        return {}
    entries = entries.items() if isinstance(entries, dict) else ()
    return {setting: entry for setting, entry in entries if isinstance(entry, dict) and {"kind", "name"} <= entry.keys()}
