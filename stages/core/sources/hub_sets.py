"""Data sets of a hub, loaded by its client with a time limit, or from its cache if the hub is out of reach."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from stages.core.base import hub
from stages.core.base.errors import Refused, choices, short
from stages.core.sources import columnar, files
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table


def read(name: str, setting: str, config: Any = "none") -> dict[str, Table]:
    """Tables of a data set, by split name.

    name     owner/name, or owner/name@revision
    config   of the data set, or none

    Raises Refused, naming `setting`, if it cannot be loaded.
    """
    repo, _, revision = name.partition("@")
    repo, *configs = ("nyu-mll/glue", repo.removeprefix("glue/")) if repo.startswith("glue/") else (repo,)
    configs = [str(config)] if config != "none" else configs
    try:
        # The loader takes "csv" for a format and a URL for an address, so it gets only possible hub names.
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?", name, re.ASCII):
            raise ValueError("neither a path that exists nor a possible hub name")
        loaded = _load(repo, *configs, revision=revision or None)
    except Exception as error:  # the hub client raises dozens of types: names, access, network, formats
        which = "; name one of its configs in prepare.config" if "onfig" in str(error) and setting == "prepare.dataset" else ""
        raise Refused(
            f"params.yaml: {setting} = {name}: not loaded from the hub ({type(error).__name__}: {short(error)}){which}; "
            f"check the name and the network, or give a path to csv, jsonl or parquet "
            f"(none in {Path.cwd()} has this name{files.in_experiment_copy()}); "
            f"packaged ones need no network, {choices(name, PACKAGED)}"
        ) from None
    files_read = [Path(file["filename"]) for dataset in loaded.values() for file in dataset.cache_files]
    revisions = {file.parent.name for file in files_read} or {"unknown"}  # the folders of the cache are named after them
    print(f"{setting.split('.')[0]}: {name}, revision {', '.join(sorted(revisions))} of the hub")
    return {split: columnar.of_dataset(dataset) for split, dataset in loaded.items()}


def _load(repo: str, *config: str, revision: str | None) -> dict[str, Any]:
    import datasets
    from huggingface_hub import HfApi

    online = partial(datasets.load_dataset, repo, *config, revision=revision)

    def offline() -> dict[str, Any]:
        usual, datasets.config.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE, True
        try:
            return online()
        finally:
            datasets.config.HF_HUB_OFFLINE = usual

    return hub.load(lambda: HfApi().dataset_info(repo, revision=revision, timeout=hub.SECONDS), online, offline)
