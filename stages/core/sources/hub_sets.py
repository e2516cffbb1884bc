"""Data sets of a hub: loaded by its client, with a time limit, or from its cache where the hub is out of reach."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.core.base import hub
from stages.core.base.errors import Refused, choices, short
from stages.core.sources.packaged import PACKAGED
from stages.core.sources.tables import Table


def read(name: str, setting: str) -> dict[str, Table]:
    """Tables of a data set's splits, by their names. Raises Refused, naming `setting`, where it cannot be loaded."""
    repo, *config = ("nyu-mll/glue", name.removeprefix("glue/")) if name.startswith("glue/") else (name,)
    try:
        # Only what can be a hub name goes there: the loader takes "csv" for a format and a URL for an address.
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", repo, re.ASCII):
            raise ValueError("neither a path that exists nor a possible hub name")
        loaded = _load(repo, *config)
    except Exception as error:  # the hub client raises dozens of types: names, access, network, formats
        raise Refused(
            f"params.yaml: {setting} = {name}: not loaded from the hub ({type(error).__name__}: {short(error)}); "
            f"check the name and the network, or give a path to csv, jsonl or parquet; packaged ones need no network, "
            f"{choices(name, PACKAGED)}"
        ) from None
    print(f"{setting.split('.')[0]}: {name}, revision {', '.join(sorted(_revisions(loaded)))} of the hub")
    return {split: _of_hub(dataset) for split, dataset in loaded.items()}


def _revisions(loaded: dict[str, Any]) -> set[str]:
    """What of the hub was read: the folder of the data sets' cache is called by it."""
    return {Path(file["filename"]).parent.name for dataset in loaded.values() for file in dataset.cache_files} or {"unknown"}


def _load(repo: str, *config: str) -> dict[str, Any]:
    import datasets
    from huggingface_hub import HfApi

    def offline() -> dict[str, Any]:
        usual, datasets.config.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE, True
        try:
            return datasets.load_dataset(repo, *config)
        finally:
            datasets.config.HF_HUB_OFFLINE = usual

    return hub.load(lambda: HfApi().dataset_info(repo, timeout=hub.SECONDS), lambda: datasets.load_dataset(repo, *config), offline)


def _of_hub(dataset: Any) -> Table:
    """A table of a hub's data set; class labels are numbers with names there, and -1 where they are hidden."""

    def values(column: str) -> Iterable[Any]:
        names = getattr(dataset.features[column], "names", None)
        if not names:
            return dataset[column]
        return (names[number] if number is not None and 0 <= number < len(names) else None for number in dataset[column])

    return Table(dataset.column_names, values)
