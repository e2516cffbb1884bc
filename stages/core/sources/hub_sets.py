"""Data sets of a hub: loaded by its client, with a time limit, or from its cache where the hub is out of reach."""

import re
from pathlib import Path
from typing import Any

from stages.core.base import hub
from stages.core.base.errors import Refused, choices, short
from stages.core.sources import columnar, files
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table


def read(name: str, setting: str, config: Any = "none") -> dict[str, Table]:
    """Tables of a data set's splits, by their names.

    name     owner/name, with @ and a revision after it or not
    config   of the data set, or none

    Raises Refused, naming `setting`, where it cannot be loaded.
    """
    repo, _, revision = name.partition("@")
    repo, *told = ("nyu-mll/glue", repo.removeprefix("glue/")) if repo.startswith("glue/") else (repo,)
    told = [str(config)] if config != "none" else told
    try:
        # Only what can be a hub name goes there: the loader takes "csv" for a format and a URL for an address.
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?", name, re.ASCII):
            raise ValueError("neither a path that exists nor a possible hub name")
        loaded = _load(repo, *told, revision=revision or None)
    except Exception as error:  # the hub client raises dozens of types: names, access, network, formats
        which = "; name one of its configs in prepare.config" if "onfig" in str(error) and setting == "prepare.dataset" else ""
        raise Refused(
            f"params.yaml: {setting} = {name}: not loaded from the hub ({type(error).__name__}: {short(error)}){which}; "
            f"check the name and the network, or give a path to csv, jsonl or parquet "
            f"(none in {Path.cwd()} has this name{files.in_experiment_copy()}); "
            f"packaged ones need no network, {choices(name, PACKAGED)}"
        ) from None
    print(f"{setting.split('.')[0]}: {name}, revision {', '.join(sorted(_revisions(loaded)))} of the hub")
    return {split: columnar.of_dataset(dataset) for split, dataset in loaded.items()}


def _revisions(loaded: dict[str, Any]) -> set[str]:
    """What of the hub was read: the folder of the data sets' cache is called by it."""
    return {Path(file["filename"]).parent.name for dataset in loaded.values() for file in dataset.cache_files} or {"unknown"}


def _load(repo: str, *config: str, revision: str | None) -> dict[str, Any]:
    import datasets
    from huggingface_hub import HfApi

    def offline() -> dict[str, Any]:
        usual, datasets.config.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE, True
        try:
            return datasets.load_dataset(repo, *config, revision=revision)
        finally:
            datasets.config.HF_HUB_OFFLINE = usual

    def online() -> dict[str, Any]:
        return datasets.load_dataset(repo, *config, revision=revision)

    return hub.load(lambda: HfApi().dataset_info(repo, revision=revision, timeout=hub.SECONDS), online, offline)
